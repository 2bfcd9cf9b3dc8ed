/** One broker of the fake cluster: a socket that speaks Kafka's protocol. */
import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { Reader, Writer } from "@platformatic/kafka";
import { ANSWERS } from "./apis.ts";
import type { FakeCluster } from "./cluster.ts";

export class FakeNode {
  readonly id: number;
  readonly cluster: FakeCluster;
  port = 0;
  #server: Server | undefined;
  readonly #sockets = new Set<Socket>();

  constructor(id: number, cluster: FakeCluster) {
    this.id = id;
    this.cluster = cluster;
  }

  async start(): Promise<void> {
    this.#server = createServer((socket) => this.#serve(socket)).listen(this.port, "127.0.0.1");
    await once(this.#server, "listening");
    this.port = (this.#server.address() as { port: number }).port;
  }

  stop(): void {
    this.#server?.close();
    this.cut();
  }

  cut(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    this.cluster.connections += 1;
    socket.on("error", () => undefined);
    socket.on("close", () => this.#sockets.delete(socket));
    let bytes = Buffer.alloc(0);
    // A broker answers a connection's requests one after the other.
    let turn = Promise.resolve();
    socket.on("data", (chunk) => {
      bytes = Buffer.concat([bytes, chunk]);
      while (bytes.length >= 4 && bytes.length >= 4 + bytes.readInt32BE(0)) {
        const request = bytes.subarray(4, 4 + bytes.readInt32BE(0));
        bytes = bytes.subarray(4 + request.length);
        turn = turn.then(() => this.#answer(socket, request));
      }
    });
  }

  async #answer(socket: Socket, request: Buffer): Promise<void> {
    const reader = Reader.from(request);
    const key = reader.readInt16();
    reader.skip(2);
    const correlation = reader.readInt32();
    reader.readNullableString(false);
    reader.readTaggedFields();
    this.cluster.asked.push(key);
    const loses = this.cluster.loses(key);
    if (loses === "request") return void socket.resetAndDestroy();
    const body = await ANSWERS[key]!(this, reader);
    if (loses === "answer") return void socket.resetAndDestroy();
    const answer = Writer.create().appendInt32(correlation).appendTaggedFields().appendFrom(body).prependLength();
    if (!socket.destroyed) socket.write(answer.buffer);
  }
}
