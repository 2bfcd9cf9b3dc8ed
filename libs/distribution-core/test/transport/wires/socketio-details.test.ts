import { request } from "node:http";
import { createEchoHost, type EchoHost } from "@distribution/testkit/wire";
import { io, type Socket } from "socket.io-client";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { systemRuntime } from "../../../src/runtime/index.ts";
import { attachSocketIo, SOCKETIO_PATH } from "../../../src/transport/socketio/index.ts";
import { attachWebSocket } from "../../../src/transport/websocket/index.ts";
import type { Wire } from "../../../src/transport/wires/index.ts";
import { createRecordingLogger, type HttpBench, openHttp } from "./http-bench.ts";

let http: HttpBench;
let host: EchoHost;
let wire: Wire;
let sockets: Socket[] = [];

beforeEach(async () => {
  http = await openHttp();
  host = createEchoHost({ maxFrameBytes: 2000 });
  const logger = createRecordingLogger();
  const origins = ["https://desk.example"];
  wire = attachSocketIo({ server: http.server, host, runtime: systemRuntime, logger, origins });
});

afterEach(async () => {
  for (const socket of sockets) socket.disconnect();
  sockets = [];
  await wire.close();
  await http.stop();
});

function connect(options: object = {}): Socket {
  const socket = io(`http://127.0.0.1:${http.port}`, { reconnection: false, forceNew: true, ...options });
  sockets.push(socket);
  return socket;
}

const closedWith = (socket: Socket): Promise<unknown> => new Promise((resolve) => socket.on("closed", resolve));

function statusOf(path: string, headers: Record<string, string>): Promise<number> {
  return new Promise((resolve, reject) => {
    const asked = request({ port: http.port, host: "127.0.0.1", path, headers }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    asked.on("error", reject);
    asked.end();
  });
}

describe("Socket.IO", () => {
  it("goes on when the client changes from polling to WebSocket under load", async () => {
    const socket = connect({ transports: ["polling", "websocket"] });
    const times: string[] = [];
    socket.on("frame", (frame: { pong: { time: string } }) => times.push(frame.pong.time));
    for (let number = 0; number < 500; number += 1) {
      socket.emit("frame", { ping: { time: number } });
      if (number % 50 === 0) await new Promise((resolve) => setTimeout(resolve, 2));
    }
    await vi.waitFor(() => expect(times).toHaveLength(500), 5_000);
    expect(times).toEqual(Array.from({ length: 500 }, (_, number) => String(number)));
    await vi.waitFor(() => expect(socket.io.engine.transport.name).toBe("websocket"), 5_000);
    await vi.waitFor(() => expect(host.sessions[0]!.connection.bufferedBytes()).toBe(0));
  });

  it("refuses events of other names", async () => {
    const socket = connect();
    const closed = closedWith(socket);
    socket.emit("message", { ping: {} });
    expect(await closed).toEqual({ code: 3501, reason: 'Unknown event; frames are sent as "frame".' });
  });

  it.each([undefined, null, 5, "text", [1]])("refuses %j as a frame", async (value) => {
    const socket = connect();
    const closed = closedWith(socket);
    socket.emit("frame", value);
    expect(await closed).toMatchObject({ code: 3501 });
  });

  it("refuses bytes, which JSON has no place for", async () => {
    const socket = connect();
    const closed = closedWith(socket);
    socket.emit("frame", Buffer.from("bytes"));
    expect(await closed).toMatchObject({ reason: expect.stringContaining("unknown field") });
  });

  it("takes no handshake when it is closed", async () => {
    await wire.close();
    expect(await statusOf("/socket.io/?EIO=4&transport=polling", {})).toBe(403);
  });

  it("survives nesting that no stack holds", async () => {
    await wire.close();
    await http.stop();
    http = await openHttp();
    const deep = createEchoHost({ maxFrameBytes: 1_000_000 });
    wire = attachSocketIo({ server: http.server, host: deep, runtime: systemRuntime, logger: createRecordingLogger() });
    const socket = connect({ transports: ["websocket"] });
    const closed = closedWith(socket);
    await new Promise<void>((resolve) => socket.on("connect", () => resolve()));
    const { ws } = socket.io.engine.transport as unknown as { ws: { send(text: string): void } };
    ws.send(`42["frame",${"[".repeat(200_000)}${"]".repeat(200_000)}]`);
    expect(await closed).toMatchObject({ code: 3501 });
  });

  it("cuts off a message far beyond the limit without taking it in", async () => {
    const socket = connect({ transports: ["websocket"] });
    socket.emit("frame", { ping: { time: "1".repeat(100_000) } });
    await new Promise((resolve) => socket.on("disconnect", resolve));
    await vi.waitFor(() => expect(host.sessions[0]).toMatchObject({ closed: 1, messages: 0 }));
  });

  it("ends a connection whose client leaves the namespace", async () => {
    const socket = connect();
    await new Promise<void>((resolve) => socket.on("connect", () => resolve()));
    socket.disconnect();
    await vi.waitFor(() => expect([host.sessions[0]!.closed, wire.connections()]).toEqual([1, 0]));
  });

  it("reads the credential from the headers where auth has none", async () => {
    connect({ extraHeaders: { authorization: "Bearer abc" }, auth: { token: 5 } });
    await vi.waitFor(() => expect(host.sessions[0]?.connection.credential.token).toBe("abc"));
  });

  it("keeps pages of other origins out", async () => {
    const handshake = "/socket.io/?EIO=4&transport=polling";
    expect(await statusOf(handshake, { origin: "https://evil.example" })).toBe(403);
    expect(await statusOf(handshake, { origin: "https://desk.example" })).toBe(200);
    expect(await statusOf(handshake, {})).toBe(200);
  });

  it("shares its server with the WebSocket wire", async () => {
    const options = { server: http.server, host, runtime: systemRuntime, logger: createRecordingLogger() };
    const websocket = attachWebSocket({ ...options, otherPaths: [SOCKETIO_PATH] });
    const socket = connect({ transports: ["websocket"] });
    const plain = new WebSocket(`ws://127.0.0.1:${http.port}/api/v1/stream`);
    await vi.waitFor(() => expect([wire.connections(), websocket.connections()]).toEqual([1, 1]));
    plain.close();
    socket.disconnect();
    await websocket.close();
  });
});
