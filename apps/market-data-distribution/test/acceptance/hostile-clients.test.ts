/** Bytes that no honest client sends, on every port and in every form, beside a healthy client. */
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { until, within } from "@distribution/testkit/service";
import { Client, credentials, type ServiceError } from "@grpc/grpc-js";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { Bystander } from "../support/bystander.ts";
import { publishOverGrpc } from "../support/publisher.ts";
import { publishBody, request } from "../support/rest.ts";
import { openWebSocket, websocket } from "../support/stream/websocket.ts";
import { TRADES, tradeCloudEvent } from "../support/trades.ts";

const MiB = 1024 * 1024;
const BAD_FRAME = 3501;
const DEEP = 100_000;

let healthy: Bystander;
beforeAll(async () => {
  healthy = await Bystander.start();
});
afterAll(() => healthy?.[Symbol.asyncDispose]());
/** Whatever was done: the healthy client saw nothing of it, and the service is well. */
afterEach(() => healthy.isWell());

const notUtf8 = Buffer.from([0x7b, 0xff, 0xfe, 0x7d]);
const deep = `${'{"a":'.repeat(DEEP)}1${"}".repeat(DEEP)}`;

describe("a WebSocket session that sends what is no frame is ended with 3501", () => {
  it.each([
    { what: "text that is no JSON", format: "json", message: "GET / HTTP/1.1", binary: false },
    { what: "text that is not UTF-8", format: "json", message: notUtf8, binary: false },
    { what: "JSON that nests without end", format: "json", message: deep, binary: false },
    { what: "a frame of no kind", format: "json", message: "{}", binary: false },
    { what: "a frame of two kinds", format: "json", message: '{"ping":{},"ack":{}}', binary: false },
    { what: "a frame with __proto__", format: "json", message: '{"__proto__":{"ref":"x"},"ping":{}}', binary: false },
    {
      what: "a field with __proto__",
      format: "json",
      message: '{"subscribe":{"topics":["market-data.trades"],"__proto__":{"name":"x"}}}',
      binary: false,
    },
    { what: "a frame over the limit", format: "json", message: `{"ref":"${"x".repeat(2 * MiB)}"}`, binary: false },
    { what: "bytes where text is spoken", format: "json", message: randomBytes(64), binary: true },
    { what: "random bytes", format: "proto", message: Buffer.from([0xff, 0x01, 0x80, 0x00]), binary: true },
    { what: "bytes over the limit", format: "proto", message: Buffer.alloc(2 * MiB, 10), binary: true },
    { what: "text where bytes are spoken", format: "proto", message: '{"ping":{}}', binary: false },
  ] as const)("$what ($format)", async ({ format, message, binary }) => {
    const socket = await openWebSocket(healthy.ports, format);
    socket.send(message, { binary });
    const [code] = (await within("the session ends", once(socket, "close"))) as [number];
    expect(code).toBe(BAD_FRAME);
  });

  it("bytes that are no WebSocket frames", async () => {
    const socket = await openWebSocket(healthy.ports, "json");
    const closed = once(socket, "close");
    (socket as unknown as { _socket: Socket })._socket.write(randomBytes(MiB));
    await within("the session ends", closed);
  });
});

describe("a WebSocket session that sends a frame with a wrong field is told so, and goes on", () => {
  it.each<{ what: string; subscribe: object }>([
    { what: "a name of every object", subscribe: { constructor: { prototype: { x: 1 } } } },
    { what: "a topic that is a name of every object", subscribe: { topics: ["__proto__"] } },
    { what: "a filter on such a name", subscribe: { filter: "data.__proto__.x == 1" } },
    { what: "a filter that nests without end", subscribe: { filter: "(".repeat(10_000) } },
    { what: "an empty key", subscribe: { keys: [""] } },
    {
      what: "a partition that is none",
      subscribe: { from: { after: { positions: [{ topic: TRADES, partition: 99 }] } } },
    },
    { what: "a token that nobody gave", subscribe: { from: { token: "A".repeat(10_000) } } },
  ])("$what", async ({ subscribe }) => {
    const text = JSON.stringify({ subscribe: { topics: [TRADES], ...subscribe } });
    const socket = await openWebSocket(healthy.ports, "json");
    const answers: { ref?: string; error?: object; pong?: object }[] = [];
    socket.on("message", (data) => answers.push(JSON.parse(String(data)) as (typeof answers)[number]));
    socket.send(text);
    socket.send('{"ref":"still-there","ping":{}}');
    await until("the ping is answered", () => answers.some(({ ref, pong }) => ref === "still-there" && pong));
    await until("the subscribe is refused", () => answers.some(({ error }) => error));
    expect(answers.some((answer) => "subscribed" in answer)).toBe(false);
    socket.terminate();
  });

  it("10,000 subscribes: as many as there may be are taken, each other is refused, and the session works on", async () => {
    const client = await websocket("json").connect(healthy.ports);
    for (let count = 0; count < 10_000; count += 1) {
      client.send({ ref: `n${count}`, subscribe: { topics: [TRADES], filter: `data.trade.price > ${count}` } });
    }
    const answers = () => client.frames.filter(({ ref }) => ref.startsWith("n"));
    await until(
      () => `all are answered; ${answers().length} are, the session ${client.isClosed ? "is closed" : "lives"}`,
      () => answers().length === 10_000,
    );
    const taken = answers().filter(({ kind }) => kind === "subscribed");
    expect(taken.length).toBe(1000);
    const refused = answers().filter(({ kind, value }) => kind === "error" && value["code"] === "limit_exceeded");
    expect(refused.length).toBe(9000);
    client.vanish();
  });
});

describe("over gRPC", () => {
  it.each([
    { what: "random bytes as a frame", method: "Stream" },
    { what: "random bytes as a publish", method: "Publish" },
  ])("$what end the call, not more", async ({ method }) => {
    const client = new Client(`127.0.0.1:${healthy.ports.grpc}`, credentials.createInsecure());
    const path = `/distribution.v1.Distribution/${method}`;
    const asIs = (bytes: Buffer): Buffer => bytes;
    const call = client.makeBidiStreamRequest(path, asIs, asIs);
    const failed = new Promise<ServiceError>((resolve) => call.on("error", resolve));
    call.on("data", () => {});
    call.write(Buffer.from([0xff, 0x01, 0x80, 0x00]));
    call.end();
    expect((await within("the call ends", failed)).metadata.get("distribution-code")).toEqual(["bad_frame"]);
    client.close();
  });
});

describe("over REST", () => {
  const batched = "application/cloudevents-batch+json";

  it.each([
    { what: "JSON that nests without end", type: batched, body: `[${deep}]`, status: 400 },
    { what: "text that is not UTF-8", type: batched, body: new Uint8Array(notUtf8), status: 400 },
    { what: "no JSON", type: batched, body: "][", status: 400 },
    { what: "protobuf that is none", type: "application/protobuf", body: new Uint8Array(randomBytes(64)), status: 400 },
    { what: "a body over the limit", type: batched, body: new Uint8Array(5 * MiB), status: 413 },
    { what: "too many events", type: batched, body: `[${"{},".repeat(20_000)}{}]`, status: 413 },
    { what: "a media type that nobody knows", type: "text/plain", body: "x", status: 415 },
    {
      what: "an event with __proto__",
      type: batched,
      body: `[${JSON.stringify(tradeCloudEvent({ id: "p" })).replace("{", '{"__proto__":{"x":1},')}]`,
      status: 400,
    },
    {
      what: "a payload with __proto__",
      type: batched,
      body: `[${JSON.stringify(tradeCloudEvent({ id: "q" })).replace('"data":{', '"data":{"__proto__":{"x":1},')}]`,
      status: 400,
    },
  ])("$what is refused with $status", async ({ type, body, status }) => {
    await expect(publishBody(healthy.ports, TRADES, type, body)).rejects.toMatchObject({ status });
  });

  it("a flood of bodies over the limit is refused one by one, in bounded memory", async () => {
    const before = await healthy.service.memory();
    const floods = Array.from({ length: 48 }, () =>
      publishBody(healthy.ports, TRADES, batched, new Uint8Array(8 * MiB)).then(
        () => 200,
        (failure: { status?: number }) => failure.status,
      ),
    );
    await healthy.isWell();
    expect(new Set(await Promise.all(floods))).toEqual(new Set([413]));
    expect((await healthy.service.memory()) - before).toBeLessThan(8 * MiB);
  });

  /** The beginning of a publish over a socket of its own, from this address. */
  const beginPublish = (localAddress: string, length: number, body: Buffer): Socket => {
    const socket = connect({ port: healthy.ports.public, host: "127.0.0.1", localAddress });
    socket.on("error", () => {});
    const lines = ["Host: localhost", `Content-Type: ${batched}`, `Content-Length: ${length}`];
    socket.write(`POST /api/v1/topics/${TRADES}/events HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n`);
    socket.write(body);
    return socket;
  };

  /** How a batch without an event, but long enough to need room, is answered. */
  const statusFrom = async (localAddress: string): Promise<number> => {
    const body = Buffer.from(`[${" ".repeat(256 * 1024)}]`);
    const socket = beginPublish(localAddress, body.length, body);
    const [answer] = (await once(socket, "data")) as [Buffer];
    socket.destroy();
    return Number(/^HTTP\/1\.1 (\d+)/.exec(answer.toString("latin1"))?.[1]);
  };

  it("bodies that never end take their own address its room, and nobody else anything, until they are gone", async () => {
    const [hostile, other] = ["127.0.0.2", "127.0.0.1"];
    const sockets: Socket[] = [];
    // Again and again: each of them is closed when it has brought nothing for some seconds.
    await until("the address has no room", async () => {
      for (let body = 0; body < 8; body += 1) {
        sockets.push(beginPublish(hostile, 4 * MiB, Buffer.alloc(4 * MiB - 1, 32)));
      }
      return (await statusFrom(hostile)) === 429;
    });
    expect(await statusFrom(other)).toBe(400);
    await healthy.publish(10, 0, publishOverGrpc);
    await request(healthy.ports, "/status");
    for (const socket of sockets) socket.destroy();
    await until("its room is given back", async () => (await statusFrom(hostile)) === 400);
  });
});

describe("raw sockets", () => {
  it("that send garbage to any port are closed", async () => {
    for (const port of Object.values(healthy.ports)) {
      const socket = connect(port, "127.0.0.1");
      socket.on("error", () => {});
      socket.resume();
      socket.write(randomBytes(64 * 1024));
      await within(`port ${port} closes it`, once(socket, "close"));
    }
  });

  it("that stay half open, in the middle of a request or a handshake, are in nobody's way", async () => {
    const beginnings = [
      "",
      "GET /api/v1/sta",
      "GET /api/v1/stream HTTP/1.1\r\nUpgrade: websocket\r\n",
      "PRI * HTTP/2.0\r\n",
    ];
    const sockets: Socket[] = [];
    for (let count = 0; count < 200; count += 1) {
      for (const port of [healthy.ports.public, healthy.ports.grpc]) {
        const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
        socket.on("error", () => {});
        socket.write(beginnings[count % beginnings.length]!);
        sockets.push(socket);
      }
    }
    await Promise.all(sockets.map((socket) => socket.connecting && once(socket, "connect")));
    const late = await openWebSocket(healthy.ports, "json");
    expect(late.readyState).toBe(WebSocket.OPEN);
    late.terminate();
    await healthy.isWell();
    for (const socket of sockets) socket.destroy();
  });
});
