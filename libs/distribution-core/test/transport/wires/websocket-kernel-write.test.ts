import { once } from "node:events";
import { createConnection, Socket } from "node:net";
import { PassThrough } from "node:stream";
import { TLSSocket } from "node:tls";
import { createEchoHost, type EchoSession, numbersOf, readServerFrame, stateFrame } from "@distribution/testkit/wire";
import { afterEach, beforeEach, describe, expect, it, type MockInstance, onTestFinished, vi } from "vitest";
import { WebSocket } from "ws";
import { systemRuntime } from "../../../src/runtime/index.ts";
import type { WebSocketConnection } from "../../../src/transport/websocket/connection.ts";
import type { attachWebSocket } from "../../../src/transport/websocket/index.ts";
import { handleOf } from "../../../src/transport/websocket/kernel-write.ts";
import type { Wire } from "../../../src/transport/wires/index.ts";
import { createRecordingLogger, type HttpBench, openHttp, type RecordingLogger } from "./http-bench.ts";

/** More than the sockets of both sides hold. */
const LARGE_BYTES = 16 * 1024 * 1024;

let http: HttpBench;
let wire: Wire;
let logger: RecordingLogger;
/** Writes to sockets by way of their streams. */
let streamWrites: MockInstance;

beforeEach(async () => {
  http = await openHttp();
  http.server.on("connection", (socket) => sockets.push(socket));
  logger = createRecordingLogger();
});

afterEach(async () => {
  vi.restoreAllMocks();
  await wire.close();
  await http.stop();
  expect(logger.failures).toEqual([]);
});

interface Connected {
  readonly client: WebSocket;
  readonly session: EchoSession;
}

/** A service of its own for each call, with so many clients. */
async function connect(attach: typeof attachWebSocket, clients: 1): Promise<[Connected]>;
async function connect(attach: typeof attachWebSocket, clients: 2): Promise<[Connected, Connected]>;
async function connect(attach: typeof attachWebSocket, clients: number): Promise<Connected[]> {
  const host = createEchoHost({ maxFrameBytes: LARGE_BYTES });
  wire = attach({ server: http.server, host, runtime: systemRuntime, logger });
  const connected: Connected[] = [];
  for (let number = 0; number < clients; number += 1) {
    const client = new WebSocket(`ws://127.0.0.1:${http.port}/api/v1/stream`, { maxPayload: 2 * LARGE_BYTES });
    client.on("error", () => undefined);
    await once(client, "open");
    connected.push({ client, session: host.sessions[number]! });
  }
  streamWrites = vi.spyOn(Socket.prototype, "write");
  return connected;
}

const current = async () => (await import("../../../src/transport/websocket/index.ts")).attachWebSocket;

/** The wire in a Node that gives nothing of its inside. */
async function withoutInternals(): Promise<typeof attachWebSocket> {
  const node = process as unknown as { binding: (name: string) => unknown };
  vi.spyOn(node, "binding").mockImplementation(() => {
    throw new Error("No such module: stream_wrap");
  });
  vi.resetModules();
  onTestFinished(() => void vi.resetModules());
  return await current();
}

interface ServerSocket extends Socket {
  readonly _handle: { writeBuffer(): number; readonly reading: boolean };
}

/** The service's sides of all connections. */
const sockets: Socket[] = [];
const serverSocket = (): ServerSocket => sockets.at(-1) as ServerSocket;
const socketOf = (client: WebSocket): Socket => (client as unknown as { readonly _socket: Socket })._socket;

const received = (client: WebSocket): number[] => {
  const numbers: number[] = [];
  client.on("message", (data: Buffer) => numbers.push(...numbersOf([readServerFrame("json", data)])));
  return numbers;
};

describe("a write to a WebSocket", () => {
  it("goes past the stream, to the kernel", async () => {
    const [{ client, session }] = await connect(await current(), 1);
    const numbers = received(client);
    for (let number = 0; number < 10; number += 1) {
      expect(session.connection.write([stateFrame("json", number)])).toBe(true);
    }
    expect(session.connection.bufferedBytes()).toBe(0);
    expect(streamWrites).not.toHaveBeenCalled();
    await vi.waitFor(() => expect(numbers).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]));
  });

  it("that the kernel does not take at once is held, said to be too much, and comes before all later ones", async () => {
    const [{ client, session }] = await connect(await current(), 1);
    const numbers = received(client);
    client.pause();
    expect(session.connection.write([stateFrame("json", 0, LARGE_BYTES)])).toBe(false);
    expect(streamWrites).not.toHaveBeenCalled();
    expect(session.connection.bufferedBytes()).toBeGreaterThan(0);
    expect(session.connection.write([stateFrame("json", 1), stateFrame("json", 2)])).toBe(false);
    expect(session.connection.write([stateFrame("json", 3)])).toBe(false);
    expect(streamWrites).toHaveBeenCalledTimes(3);
    expect(session.drained).toBe(0);

    client.resume();
    await vi.waitFor(() => expect(numbers).toEqual([0, 1, 2, 3]));
    await vi.waitFor(() => expect(session.drained).toBe(1));
    expect(session.connection.bufferedBytes()).toBe(0);
    expect(session.connection.write([stateFrame("json", 4)])).toBe(true);
    expect(streamWrites).toHaveBeenCalledTimes(3);
    await vi.waitFor(() => expect(numbers).toEqual([0, 1, 2, 3, 4]));
  });

  it("waits for what the stream itself has to send", async () => {
    const [{ client, session }] = await connect(await current(), 1);
    const numbers = received(client);
    client.pause();
    // Lists go through the stream the first time: the handle has the first one, the second one waits in the stream.
    session.connection.write([stateFrame("json", 0, LARGE_BYTES), stateFrame("json", 1)]);
    session.connection.write([stateFrame("json", 2), stateFrame("json", 3)]);
    session.connection.write([stateFrame("json", 4)]);
    client.resume();
    await vi.waitFor(() => expect(numbers).toEqual([0, 1, 2, 3, 4]));
  });

  it("waits for the answer to the upgrade, which may have a long response before it", async () => {
    await http.stop();
    http = await openHttp((_request, response) => void response.end(Buffer.alloc(LARGE_BYTES, "a")));
    const host = createEchoHost({ maxFrameBytes: LARGE_BYTES });
    wire = (await current())({ server: http.server, host, runtime: systemRuntime, logger });
    const socket = createConnection(http.port, "127.0.0.1").pause();
    const headers = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13";
    const key = `Sec-WebSocket-Key: ${Buffer.alloc(16).toString("base64")}`;
    socket.write("GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n");
    socket.write(`GET /api/v1/stream HTTP/1.1\r\nHost: localhost\r\n${headers}\r\n${key}\r\n\r\n`);
    await vi.waitFor(() => expect(host.sessions).toHaveLength(1));
    host.sessions[0]!.connection.write([stateFrame("json", 7)]);
    let text = "";
    socket.on("data", (bytes) => {
      text = (text + bytes.toString("latin1")).slice(-1_000);
    });
    socket.resume();
    await vi.waitFor(() => expect(text).toMatch(/HTTP\/1\.1 101 [^{]*\{"state"/), 10_000);
    socket.destroy();
  });

  it("is held for each connection by itself", async () => {
    const [one, other] = await connect(await current(), 2);
    const numbers = [one, other].map(({ client }) => received(client));
    for (const { client } of [one, other]) client.pause();
    one.session.connection.write([stateFrame("json", 0, LARGE_BYTES)]);
    other.session.connection.write([stateFrame("json", 1, LARGE_BYTES)]);
    one.session.connection.write([stateFrame("json", 2)]);
    for (const { client } of [one, other]) client.resume();
    await vi.waitFor(() => expect(numbers).toEqual([[0, 2], [1]]));
  });

  it.each([
    ["one that is held and one in the stream", [[0], [1]]],
    ["a list that the stream has sent and one that is held", [[0, 1], [2]]],
  ])("is told as drained once, when all is sent: %s", async (_what, writes) => {
    const [{ client, session }] = await connect(await current(), 1);
    const numbers = received(client);
    const buffered: number[] = [];
    const { drained } = session;
    client.pause();
    for (const [at, write] of writes.entries()) {
      // A list is over the stream's mark, and taken by the kernel at once.
      const bytes = write.length > 1 ? 40_000 : LARGE_BYTES;
      session.connection.write(write.map((number) => stateFrame("json", number, bytes)));
      if (at === 0 && write.length === 1) expect(streamWrites).not.toHaveBeenCalled();
    }
    await new Promise(setImmediate);
    expect(session.drained).toBe(drained);
    client.resume();
    await vi.waitFor(() => {
      if (session.drained > drained) buffered.push(session.connection.bufferedBytes());
      expect(numbers).toEqual(writes.flat());
      expect(session.drained).toBe(drained + 1);
    });
    expect(new Set(buffered)).toEqual(new Set([0]));
  });

  it("that is held keeps pings back", async () => {
    const [{ client, session }] = await connect(await current(), 1);
    client.pause();
    session.connection.write([stateFrame("json", 0, LARGE_BYTES)]);
    (session.connection as WebSocketConnection).ping();
    expect(streamWrites).not.toHaveBeenCalled();
    client.resume();
  });

  it("is left to the stream where the handle refuses it, and so are all later ones", async () => {
    const [{ client, session }] = await connect(await current(), 1);
    const numbers = received(client);
    const socket = serverSocket();
    vi.spyOn(socket._handle, "writeBuffer").mockReturnValueOnce(-32);
    for (const number of [0, 1]) expect(session.connection.write([stateFrame("json", number)])).toBe(true);
    expect(streamWrites).toHaveBeenCalledTimes(2);
    await vi.waitFor(() => expect(numbers).toEqual([0, 1]));
  });

  it("is followed by the close frame", async () => {
    const [{ client, session }] = await connect(await current(), 1);
    const numbers = received(client);
    const closed = once(client, "close");
    client.pause();
    session.connection.write([stateFrame("json", 0, LARGE_BYTES)]);
    session.connection.close(3001, "enough");
    expect(session.connection.write([stateFrame("json", 1)])).toBe(false);
    client.resume();
    expect((await closed)[0]).toBe(3001);
    expect(numbers).toEqual([0]);
  });

  it.each([
    ["has closed", (client: WebSocket) => client.close()],
    ["sends nothing more", (client: WebSocket) => socketOf(client).end()],
  ])("is refused once the client %s, before the connection is gone", async (_what, end) => {
    const [{ client, session }] = await connect(await current(), 1);
    const numbers = received(client);
    const written: boolean[] = [];
    // The last of the socket's listeners: `ws` has answered the client.
    for (const event of ["data", "end"]) {
      serverSocket().on(event, () => {
        if (session.closed === 0) written.push(session.connection.write([stateFrame("json", 0)]));
      });
    }
    end(client);
    await vi.waitFor(() => expect(session.closed).toBe(1));
    expect(new Set(written)).toEqual(new Set([false]));
    expect(numbers).toEqual([]);
  });

  it("is refused once the connection is cut", async () => {
    const [{ session }] = await connect(await current(), 1);
    session.connection.destroy();
    expect(session.connection.write([stateFrame("json", 0)])).toBe(false);
    await vi.waitFor(() => expect(session.closed).toBe(1));
  });

  it("to a client that is gone ends the connection", async () => {
    const [{ client, session }] = await connect(await current(), 1);
    socketOf(client).resetAndDestroy();
    await vi.waitFor(() => {
      session.connection.write([stateFrame("json", 1)]);
      expect(session.closed).toBe(1);
    });
    expect(wire.connections()).toBe(0);
  });

  it("that is held ends the connection when it fails, also of a client whose socket is not read", async () => {
    const [{ client, session }] = await connect(await current(), 1);
    const socket = serverSocket();
    client.pause();
    session.connection.write([stateFrame("json", 0, LARGE_BYTES)]);
    // What is full of what it has sent is not listened to, so that only the write hears of the end.
    for (let number = 0; number < 20; number += 1) client.send("x".repeat(100_000));
    await vi.waitFor(() => expect(socket._handle.reading).toBe(false));
    socketOf(client).resetAndDestroy();
    await vi.waitFor(() => expect([session.closed, wire.connections()]).toEqual([1, 0]));
  });

  it("goes through the stream in a Node without that way", async () => {
    const [{ client, session }] = await connect(await withoutInternals(), 1);
    const numbers = received(client);
    client.pause();
    expect(session.connection.write([stateFrame("json", 0, LARGE_BYTES)])).toBe(false);
    expect(streamWrites).toHaveBeenCalledOnce();
    client.resume();
    await vi.waitFor(() => expect([session.drained, ...numbers]).toEqual([1, 0]));
  });

  it("goes through the stream where that encrypts, or is no socket's", async () => {
    const [{ client }] = await connect(await current(), 1);
    expect(handleOf(serverSocket())).toBe(serverSocket()._handle);
    expect(handleOf(new TLSSocket(socketOf(client)))).toBeUndefined();
    expect(handleOf(new PassThrough())).toBeUndefined();
  });
});
