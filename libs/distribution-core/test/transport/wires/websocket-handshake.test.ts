import { request, type Server } from "node:http";
import { connect as connectTcp } from "node:net";
import { promisify } from "node:util";
import { createEchoHost, numbersOf, readServerFrame } from "@distribution/testkit/wire";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { WebSocket } from "ws";
import { systemRuntime } from "../../../src/runtime/index.ts";
import { attachWebSocket, type WebSocketOptions } from "../../../src/transport/websocket/index.ts";
import type { SessionHost, Wire } from "../../../src/transport/wires/index.ts";
import { createRecordingLogger, type HttpBench, openHttp, type RecordingLogger } from "./http-bench.ts";

let http: HttpBench;
let wire: Wire;
let logger: RecordingLogger;

async function open(
  host: SessionHost = createEchoHost(),
  more: Pick<WebSocketOptions, "origins" | "otherPaths"> = {},
): Promise<void> {
  http = await openHttp();
  logger = createRecordingLogger();
  wire = attachWebSocket({ server: http.server, host, runtime: systemRuntime, logger, ...more });
}

beforeEach(() => open());
afterEach(async () => {
  await wire.close();
  await http.stop();
});

const HANDSHAKE = {
  connection: "upgrade",
  upgrade: "websocket",
  "sec-websocket-version": "13",
  "sec-websocket-key": "AAAAAAAAAAAAAAAAAAAAAA==",
};

interface Answer {
  readonly status: number;
  readonly type: string | undefined;
  readonly problem: { readonly code?: string; readonly detail?: string; readonly errors?: readonly { path: string }[] };
}

/** What an upgrade request is answered with; a problem unless it was taken. */
function upgrade(headers: Record<string, string>, path = "/api/v1/stream"): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request({ port: http.port, host: "127.0.0.1", path, headers: { ...HANDSHAKE, ...headers } });
    asked.on("error", reject);
    asked.on("upgrade", (response, socket) => {
      socket.destroy();
      resolve({ status: response.statusCode ?? 0, type: undefined, problem: {} });
    });
    asked.on("response", async (response) => {
      const body = Buffer.concat(await response.toArray()).toString();
      resolve({
        status: response.statusCode ?? 0,
        type: response.headers["content-type"],
        problem: JSON.parse(body) as Answer["problem"],
      });
    });
    asked.end();
  });
}

function closeCode(ws: WebSocket): Promise<{ code: number; reason: string }> {
  return new Promise((resolve) => {
    ws.on("error", () => {});
    ws.on("close", (code, reason) => resolve({ code, reason: reason.toString() }));
  });
}

const connectionsOf = promisify((server: Server, done: (error: Error | null, count: number) => void) =>
  server.getConnections(done),
);

const url = (): string => `ws://127.0.0.1:${http.port}/api/v1/stream?x=1`;

describe("the WebSocket handshake", () => {
  it("takes JSON when no subprotocol is offered", async () => {
    const ws = new WebSocket(url());
    const received: string[] = [];
    ws.on("message", (data: Buffer, binary) => received.push(`${binary} ${readServerFrame("json", data).kind}`));
    ws.on("open", () => ws.send('{"ping":{}}'));
    await vi.waitFor(() => expect(received).toEqual(["false pong"]));
    ws.terminate();
  });

  it.each([
    [["nonsense", "distribution.v1+json"], "distribution.v1+json"],
    [["distribution.v1+proto", "distribution.v1+json"], "distribution.v1+proto"],
  ])("chooses the first known one of %j", async (offered, chosen) => {
    const ws = new WebSocket(url(), offered);
    await new Promise((resolve) => ws.on("open", resolve));
    expect(ws.protocol).toBe(chosen);
    ws.terminate();
  });

  it("refuses unknown subprotocols with problem details that name the known ones", async () => {
    const { status, type, problem } = await upgrade({ "sec-websocket-protocol": "mqtt, distribution.v2+json" });
    expect({ status, type, code: problem.code }).toEqual({
      status: 400,
      type: "application/problem+json",
      code: "invalid_request",
    });
    expect(problem.detail).toContain("distribution.v1+proto, distribution.v1+json");
    expect(problem.errors?.[0]?.path).toBe("Sec-WebSocket-Protocol");
  });

  it("refuses what is no WebSocket handshake", async () => {
    expect(await upgrade({ "sec-websocket-key": "short" })).toMatchObject({ status: 400 });
    expect(await upgrade({ "sec-websocket-version": "7" })).toMatchObject({
      status: 400,
      problem: { code: "invalid_request" },
    });
  });

  it("says where it is to those who ask elsewhere, unless another wire is there", async () => {
    expect(await upgrade({}, "/elsewhere")).toMatchObject({ status: 404, problem: { code: "not_found" } });
    await wire.close();
    await http.stop();
    await open(createEchoHost(), { otherPaths: ["/elsewhere"] });
    http.server.on("upgrade", (incoming, socket) => {
      if (incoming.url === "/elsewhere") socket.end("HTTP/1.1 418 Other\r\nContent-Length: 2\r\n\r\n{}");
    });
    expect(await upgrade({}, "/elsewhere")).toMatchObject({ status: 418 });
  });

  it.each([
    [503, "draining", "/api/v1/stream"],
    [404, "not_found", "/elsewhere"],
  ])(
    "refuses with %i %s once it is closed, and keeps no connection, not even one that was of use before",
    async (status, code, path) => {
      http.server.on("request", (_request, response) => response.end());
      await wire.close();
      const socket = connectTcp({ port: http.port, host: "127.0.0.1", allowHalfOpen: true });
      let answers = "";
      socket.on("data", (data) => {
        answers += data;
      });
      socket.write("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
      await vi.waitFor(() => expect(answers).toContain("200 OK"));
      const head = Object.entries({ host: "localhost", ...HANDSHAKE }).map(([name, value]) => `${name}: ${value}\r\n`);
      socket.write(`GET ${path} HTTP/1.1\r\n${head.join("")}\r\n`);
      await vi.waitFor(() => expect(answers).toContain(`HTTP/1.1 ${status}`));
      expect(answers).toContain(`"code":"${code}"`);
      // The client never ends its half.
      await vi.waitFor(() => expect(connectionsOf(http.server)).resolves.toBe(0));
      socket.destroy();
    },
  );

  it("keeps pages of other origins out, and lets the service's own and listed ones in", async () => {
    expect(await upgrade({ origin: "https://evil.example" })).toMatchObject({
      status: 403,
      problem: { code: "forbidden" },
    });
    expect(await upgrade({ origin: `http://127.0.0.1:${http.port}` })).toMatchObject({ status: 101 });
    await wire.close();
    await http.stop();
    await open(createEchoHost(), { origins: ["https://desk.example"] });
    expect(await upgrade({ origin: "https://desk.example" })).toMatchObject({ status: 101 });
  });

  it("survives a client that is gone before the refusal", async () => {
    const socket = connectTcp(http.port, "127.0.0.1");
    socket.on("error", () => {});
    socket.write("GET /nowhere HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n");
    socket.resetAndDestroy();
    expect(await upgrade({}, "/elsewhere")).toMatchObject({ status: 404 });
  });
});

describe("a WebSocket connection", () => {
  it.each([
    ["distribution.v1+json", Buffer.from('{"ping":{}}'), true, "text"],
    ["distribution.v1+proto", Buffer.of(0x52, 0x00), false, "binary"],
  ])("of %s takes its own kind of message only", async (protocol, message, binary, expected) => {
    const ws = new WebSocket(url(), protocol);
    const closed = closeCode(ws);
    ws.on("open", () => ws.send(message, { binary }));
    expect(await closed).toEqual({ code: 3501, reason: `This subprotocol takes ${expected} messages only.` });
  });

  it("is ended with bad_frame for text that is not UTF-8", async () => {
    const ws = new WebSocket(url());
    const closed = closeCode(ws);
    ws.on("open", () => ws.send(Buffer.of(0xc3, 0x28), { binary: false }));
    expect(await closed).toEqual({ code: 3501, reason: "A text message is not UTF-8." });
  });

  it("is ended with bad_frame for bytes that are no WebSocket frame", async () => {
    const ws = new WebSocket(url());
    const closed = closeCode(ws);
    const socket = new Promise<import("node:stream").Duplex>((resolve) =>
      ws.on("upgrade", (response) => resolve(response.socket)),
    );
    ws.on("open", async () => (await socket).write(Buffer.alloc(64, 0xff)));
    expect(await closed).toEqual({ code: 3501, reason: "The bytes are no WebSocket frames." });
  });

  it("echoes the client's own close", async () => {
    const ws = new WebSocket(url());
    const closed = closeCode(ws);
    ws.on("open", () => ws.close(1000, "done"));
    expect(await closed).toEqual({ code: 1000, reason: "done" });
    await vi.waitFor(() => expect(wire.connections()).toBe(0));
  });

  it("hears the client's pings and answers them between its own frames", async () => {
    const host = createEchoHost();
    await wire.close();
    await http.stop();
    await open(host);
    const ws = new WebSocket(url());
    const pongs: string[] = [];
    const frames: ReturnType<typeof readServerFrame>[] = [];
    ws.on("pong", (data) => pongs.push(data.toString()));
    ws.on("message", (data: Buffer) => frames.push(readServerFrame("json", data)));
    ws.on("open", () => {
      for (let number = 0; number < 50; number += 1) {
        ws.ping(String(number));
        ws.send(`{"ping":{"time":${number}}}`);
      }
    });
    await vi.waitFor(() => expect(frames).toHaveLength(50));
    expect(numbersOf(frames)).toEqual(Array.from({ length: 50 }, (_, number) => number));
    expect(pongs).toEqual(Array.from({ length: 50 }, (_, number) => String(number)));
    expect(host.sessions[0]!.heard).toBe(50);
    ws.terminate();
  });

  it("is ended and logged when the host fails on it", async () => {
    await wire.close();
    await http.stop();
    await open({
      maxFrameBytes: 100,
      open() {
        throw new TypeError("a defect");
      },
    });
    const closed = await closeCode(new WebSocket(url()));
    expect(closed).toEqual({ code: 1013, reason: "The service failed on this request." });
    expect(logger.failures).toEqual(["A session could not be opened."]);
  });
});
