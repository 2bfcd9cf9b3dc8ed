/** Bodies of requests that would crowd out others: over real sockets, in simulated time. */
import { once } from "node:events";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { connect, type Socket } from "node:net";
import { createSimulatedRuntime } from "@distribution/testkit/simulation";
import { describe, expect, it } from "vitest";
import { cloudEvent, type RestServer, startRest } from "./rest-server.ts";

const PATH = "/api/v1/topics/test.audit/events";
const BODY = JSON.stringify(cloudEvent({ id: "1" }));
const PUBLISHED = { positions: [{ topic: "t", partition: 0, epoch: "e", offset: "1" }], duplicates: 0 };

/** A whole request from this address of the loopback network. */
async function post(url: string, localAddress: string): Promise<{ readonly status: number; readonly body: string }> {
  const headers = { "content-type": "application/cloudevents+json" };
  const call = httpRequest(url + PATH, { method: "POST", headers, localAddress }).end(BODY);
  const [response] = (await once(call, "response")) as [IncomingMessage];
  let body = "";
  for await (const chunk of response) body += String(chunk);
  return { status: response.statusCode ?? 0, body };
}

describe("the bodies from one address", () => {
  it("have a share of the common bound, and leave the rest to others", async () => {
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    let inside = 0;
    await using server = await startRest({
      limits: { bodyBytesPerAddress: 2 * BODY.length, bodyBytesInFlight: 4 * BODY.length },
      ingest: {
        async publish() {
          inside += 1;
          await released;
          return PUBLISHED;
        },
      },
    });
    const taken = [post(server.url, "127.0.0.1"), post(server.url, "127.0.0.1")];
    await expect.poll(() => inside).toBe(2);
    const refused = await post(server.url, "127.0.0.1");
    expect(refused.status).toBe(429);
    expect(JSON.parse(refused.body)).toMatchObject({ code: "limit_exceeded", errors: [{ path: "body" }] });
    taken.push(post(server.url, "127.0.0.2"));
    await expect.poll(() => inside).toBe(3);
    release();
    expect((await Promise.all(taken)).map(({ status }) => status)).toEqual([201, 201, 201]);
    expect((await post(server.url, "127.0.0.1")).status).toBe(201);
  });
});

describe("a body that comes slowly", () => {
  const GRACE_MS = 5_000;
  /** Ten bytes in every window. */
  const LIMITS = { bodyBytesPerSecond: 2, bodyGraceMs: GRACE_MS };

  async function open(limits: object = LIMITS) {
    const runtime = createSimulatedRuntime(1);
    const server = await startRest({ runtime, limits });
    const sockets: Socket[] = [];
    server.http.on("connection", (socket) => sockets.push(socket));
    const pass = (ms: number) => runtime.run(ms);
    /** A request whose body is still to come, and what is answered. */
    const begin = async (length: number) => {
      const socket = connect(Number(new URL(server.url).port), "127.0.0.1");
      let answer = "";
      socket.on("data", (bytes) => {
        answer += String(bytes);
      });
      const closed = once(socket, "close");
      const sent = { bytes: 0 };
      const send = async (text: string): Promise<void> => {
        sent.bytes += text.length;
        socket.write(text);
        await expect.poll(() => sockets.some(({ bytesRead }) => bytesRead === sent.bytes)).toBe(true);
      };
      const head = ["host: localhost", "content-type: application/cloudevents+json", `content-length: ${length}`];
      await send(`POST ${PATH} HTTP/1.1\r\n${head.join("\r\n")}\r\n\r\n`);
      return { send, closed, answer: () => answer };
    };
    return { server, pass, begin };
  }

  const refused = (answer: string): void => {
    expect(answer).toMatch(/^HTTP\/1.1 408 /);
    expect(answer).toContain('"code":"silent"');
    expect(answer).toMatch(/slower than 2 bytes a second for 5000 ms/);
  };

  it("is refused and its connection closed once a window brings less than the rate, and not before", async () => {
    const { server, pass, begin } = await open();
    await using _ = server;
    const request = await begin(1_000);
    await request.send("x".repeat(10));
    await pass(GRACE_MS);
    expect(request.answer()).toBe("");
    await request.send("x".repeat(9));
    await pass(GRACE_MS - 1);
    expect(request.answer()).toBe("");
    await pass(1);
    await request.closed;
    refused(request.answer());
  });

  it("however much of it came quickly before, gives its room back", async () => {
    const { server, pass, begin } = await open({ ...LIMITS, bodyBytesInFlight: 300, bodyBytesPerAddress: 300 });
    await using _ = server;
    const held = [await begin(1_000), await begin(1_000)];
    for (const request of held) await request.send("x".repeat(140));
    expect(await statusOf(server)).toBe(429);
    await pass(2 * GRACE_MS);
    for (const request of held) {
      await request.closed;
      refused(request.answer());
    }
    expect(await statusOf(server)).toBe(201);
  });

  it("is none once it is there, however long its answer takes", async () => {
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    const runtime = createSimulatedRuntime(1);
    const timers = { begun: 0, cancelled: 0 };
    const every = (ms: number, run: () => void) => {
      const timer = runtime.timers.every(ms, run);
      timers.begun += 1;
      return {
        cancel() {
          timers.cancelled += 1;
          timer.cancel();
        },
      };
    };
    let inside = false;
    await using server = await startRest({
      ...{ runtime: { ...runtime, timers: { ...runtime.timers, every } }, limits: LIMITS },
      ingest: {
        async publish() {
          inside = true;
          await released;
          return PUBLISHED;
        },
      },
    });
    const answer = post(server.url, "127.0.0.1");
    await expect.poll(() => inside).toBe(true);
    expect(timers).toEqual({ begun: 1, cancelled: 1 });
    await runtime.run(10 * GRACE_MS);
    release();
    expect((await answer).status).toBe(201);
  });
});

const statusOf = async ({ url }: RestServer): Promise<number> => (await post(url, "127.0.0.1")).status;
