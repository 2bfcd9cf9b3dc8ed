/** A server that says what the test tells it to: for what a well-behaved service never does. */
import type { AddressInfo } from "node:net";
import { type WebSocket, WebSocketServer } from "ws";

export interface ScriptedServer extends AsyncDisposable {
  readonly url: string;
  /** Frames of clients, in order, as JSON. */
  readonly received: Record<string, unknown>[];
  readonly connections: number;
  /** To the newest client. */
  send(frame: object | string | Uint8Array): void;
  close(code: number, reason?: string): void;
}

export const WELCOME = {
  welcome: {
    session: "s1",
    service: "scripted",
    heartbeatMs: 60_000,
    identity: "me",
    limits: { maxFrameBytes: 2_000, maxEventBytes: 1_000, maxSubscriptions: 10, maxWindow: 10 },
  },
};

/** Speaks JSON. `answer` gives the frames that follow each frame of a client; a new client gets `greeting`. */
export async function startScriptedServer(
  answer: (frame: Record<string, unknown>) => readonly object[],
  greeting: object | undefined = WELCOME,
): Promise<ScriptedServer> {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  await new Promise((resolve) => server.once("listening", resolve));
  const received: Record<string, unknown>[] = [];
  let newest: WebSocket | undefined;
  let connections = 0;
  server.on("connection", (socket) => {
    newest = socket;
    connections += 1;
    if (greeting) socket.send(JSON.stringify(greeting));
    socket.on("message", (data) => {
      const frame = JSON.parse(String(data));
      received.push(frame);
      for (const each of answer(frame)) socket.send(JSON.stringify({ ref: frame.ref, ...each }));
    });
  });
  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/stream`,
    received,
    get connections() {
      return connections;
    },
    send(frame) {
      newest?.send(typeof frame === "string" || frame instanceof Uint8Array ? frame : JSON.stringify(frame));
    },
    close: (code, reason) => newest?.close(code, reason),
    async [Symbol.asyncDispose]() {
      for (const socket of server.clients) socket.terminate();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
