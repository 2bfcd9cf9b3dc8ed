/** Finding brokers, the handshake, keep-alive, refusals, and what a broker sends that is not the protocol. */
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import type { ClientEvent } from "../src/index.ts";
import { connectPulsar, PulsarError } from "../src/index.ts";
import * as wire from "../src/wire/commands.ts";
import { type Script, startFakeBroker, until, withBroker } from "./support/fake-broker.ts";

const lookupTo =
  (url: string, response: number, more: object = {}): NonNullable<Script["lookup"]> =>
  (peer, { requestId }) =>
    peer.write("lookupResponse", wire.LOOKUP_RESPONSE, { requestId, response, url, ...more });

describe("finding the broker of a topic", () => {
  it("follows redirects, saying whether the last was authoritative", async () => {
    await using owner = await startFakeBroker();
    await using middle = await startFakeBroker({ lookup: lookupTo(owner.url, 0, { authoritative: true }) });
    await using first = await startFakeBroker({ lookup: lookupTo(middle.url, 0) });
    owner.script = { lookup: lookupTo(owner.url, 1) };
    const producer = await first.client().createProducer({ topic: "t" });
    await producer.send({ data: Buffer.from("x") });
    expect(middle.all("lookup")).toMatchObject([{ topic: "persistent://public/default/t", authoritative: false }]);
    expect(owner.all("lookup")).toMatchObject([{ authoritative: true }]);
    expect(owner.all("send").length).toBe(1);
  });

  it("gives up after twenty redirects in a circle", () =>
    withBroker({}, async (broker) => {
      broker.script = { lookup: lookupTo(broker.url, 0) };
      const client = broker.client({ operationTimeoutMs: 100 });
      await expect(client.createProducer({ topic: "t" })).rejects.toMatchObject({
        code: "unavailable",
        message: expect.stringContaining("20 times"),
      });
    }));

  it("goes through the service address where it is told to, naming the broker", () =>
    withBroker(
      { lookup: lookupTo("pulsar://inner-broker:6650", 1, { proxyThroughServiceUrl: true }) },
      async (broker) => {
        const producer = await broker.client({ listenerName: "outer" }).createProducer({ topic: "t" });
        await producer.send({ data: Buffer.from("x") });
        expect(broker.all("connect").map(({ proxyToBroker }) => proxyToBroker)).toEqual([
          undefined,
          "inner-broker:6650",
        ]);
        expect(broker.all("lookup")[0]?.listenerName).toBe("outer");
      },
    ));

  it.each([
    ["no address", { url: "" }, "plain address"],
    ["an address that is none", { url: "http://x" }, "no address"],
    ["no reason", { url: "pulsar://x", response: 2 }, "without a reason"],
    ["a reason", { response: 2, error: 4, message: "not yours" }, "not yours"],
  ])("says so when a lookup fails with %s", (_, answer, message) =>
    withBroker({ lookup: lookupTo("", 1, answer) }, async (broker) => {
      const client = broker.client({ operationTimeoutMs: 100 });
      await expect(client.createProducer({ topic: "t" })).rejects.toThrow(message);
    }),
  );

  it("tries the next host of the service URL, and attaches when one answers", async () => {
    await using broker = await startFakeBroker();
    const other = broker.url.replace("pulsar://", "");
    const client = broker.client({ serviceUrl: `pulsar://127.0.0.1:1,${other}` });
    const producer = await client.createProducer({ topic: "t" });
    await producer.send({ data: Buffer.from("x") });
    expect(await client.ready()).toEqual({ serverVersion: "fake", protocolVersion: 19, maxMessageSize: 1_000_000 });
  });

  it("moves with a topic that is served elsewhere after CLOSE_PRODUCER", async () => {
    await using next = await startFakeBroker();
    await using first = await startFakeBroker();
    const producer = await first.client().createProducer({ topic: "t" });
    first.script = { lookup: lookupTo(next.url, 1) };
    const { producerId } = first.all("producer")[0]!;
    for (const peer of first.peers) peer.write("closeProducer", wire.CLOSE, { id: producerId, requestId: 0 });
    await until(() => !producer.attached);
    await producer.send({ data: Buffer.from("x") });
    expect(next.all("send").length).toBe(1);
  });
});

describe("partitions", () => {
  it("are told, and the parent of partitions is refused by name", () =>
    withBroker(
      {
        partitions: (peer, { requestId }) =>
          peer.write("partitionsResponse", wire.PARTITIONS_RESPONSE, { requestId, partitions: 3, response: 0 }),
      },
      async (broker) => {
        const client = broker.client();
        expect(await client.partitions("t")).toBe(3);
        for (const refused of [
          client.createProducer({ topic: "t" }),
          client.subscribe({ topic: "t", subscription: "s" }),
          client.createReader({ topic: "t", from: { at: "latest" } }),
          client.lastMessageId("t"),
        ]) {
          await expect(refused).rejects.toMatchObject({
            code: "partitioned_topic",
            message: expect.stringContaining("-partition-2"),
          });
        }
        expect(broker.all("producer")).toEqual([]);
      },
    ));

  it("of a topic that is not there are topic_not_found, but a producer may create it", () =>
    withBroker(
      {
        partitions: (peer, { requestId }) =>
          peer.write("partitionsResponse", wire.PARTITIONS_RESPONSE, {
            requestId,
            response: 1,
            error: 11,
            message: "none",
          }),
      },
      async (broker) => {
        const client = broker.client();
        await expect(client.partitions("t")).rejects.toMatchObject({ code: "topic_not_found" });
        await client.createProducer({ topic: "t" });
      },
    ));
});

describe("credentials", () => {
  it("are sent, and refused ones are told at once and tried again only after a while", () =>
    withBroker({ connect: (peer) => peer.error(undefined, 3, "bad token") }, async (broker) => {
      const events: ClientEvent[] = [];
      const client = broker.client({
        token: "wrong",
        backoff: { minMs: 1, maxMs: 60_000 },
        onEvent: (event) => events.push(event),
      });
      for (let i = 0; i < 20; i++) {
        await expect(client.createProducer({ topic: "t" })).rejects.toMatchObject({
          code: "authentication",
          retriable: false,
        });
      }
      await expect(client.ready()).rejects.toThrow("bad token");
      expect(broker.all("connect").length).toBe(1);
      expect(broker.all("connect")[0]).toMatchObject({ authMethod: "token", authData: Buffer.from("wrong") });
      expect(events).toMatchObject([{ type: "connect_failed", retryInMs: expect.any(Number) }]);
      expect(JSON.stringify(events)).not.toContain("wrong");
    }));

  it("may come from a function, which is asked again when the broker challenges", () =>
    withBroker({}, async (broker) => {
      let asked = 0;
      const client = broker.client({ token: async () => `token-${++asked}` });
      await client.createProducer({ topic: "t" });
      for (const peer of broker.peers) peer.write("authChallenge", wire.AUTH_CHALLENGE, {});
      await until(() => broker.all("authResponse").length === 1);
      expect(broker.all("authResponse")[0]?.response).toEqual({ method: "token", data: Buffer.from("token-2") });
    }));

  it.each([
    ["throws", () => Promise.reject(new Error("no vault")), "failed: no vault"],
    ["gives nothing", () => "", "failed: it gave no text"],
    ["never answers", () => new Promise<string>(() => undefined), "gave no token in time"],
  ])("fail clearly when the function %s", (_, token, message) =>
    withBroker({}, async (broker) => {
      const client = broker.client({ token, connectTimeoutMs: 50 });
      await expect(client.ready()).rejects.toMatchObject({
        ...{ code: "authentication", message: expect.stringContaining(message) },
      });
      expect(broker.all("connect")).toEqual([]);
    }),
  );

  it("without the right to a topic are refused without another try", () =>
    withBroker({ producer: (peer, { requestId }) => peer.error(requestId, 4, "may not") }, async (broker) => {
      await expect(broker.client().createProducer({ topic: "t" })).rejects.toMatchObject({ code: "authorization" });
      expect(broker.all("producer").length).toBe(1);
    }));
});

describe("a connection", () => {
  it("answers PING, and is closed when the broker is silent for two keep-alives", () =>
    withBroker({}, async (broker) => {
      const client = broker.client({ keepAliveMs: 20 });
      const producer = await client.createProducer({ topic: "t" });
      for (const peer of broker.peers) peer.write("ping", {}, {});
      await until(() => broker.all("pong").length === 1 && broker.all("ping").length > 2);
      expect(broker.all("producer").length).toBe(1);
      broker.script = { ping: () => undefined };
      await until(() => broker.all("producer").length > 1);
      expect(producer.topic).toBe("persistent://public/default/t");
    }));

  it("that is never answered is given up in time", () =>
    withBroker({ connect: () => undefined }, async (broker) => {
      await expect(broker.client({ connectTimeoutMs: 20 }).ready()).rejects.toMatchObject({ code: "unavailable" });
    }));

  it("that ends before it was answered is told from one that is lost", () =>
    withBroker({ connect: (peer) => peer.socket.end() }, async (broker) => {
      await expect(broker.client().ready()).rejects.toMatchObject({
        ...{ code: "handshake", retriable: true, message: expect.stringContaining("instead of answering") },
      });
    }));

  it.each([
    ["closes", "", "handshake"],
    ["answers otherwise", "HTTP/1.1 400 Bad Request\r\n\r\n", "tls"],
  ])("by TLS where the other side speaks none is told as such: it %s", async (_, said, code) => {
    const server = createServer((socket) => {
      socket.on("error", () => undefined).once("data", () => socket.end(said));
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const client = connectPulsar({ serviceUrl: `pulsar+ssl://127.0.0.1:${port}` });
    await expect(client.ready()).rejects.toMatchObject({ code });
    await client.close();
    server.close();
  });

  it("that cannot be made is tried again until the time for operations is over", async () => {
    await using broker = await startFakeBroker();
    const events: ClientEvent[] = [];
    const client = broker.client({
      serviceUrl: "pulsar://127.0.0.1:1",
      operationTimeoutMs: 60,
      onEvent: (event) => events.push(event),
    });
    await expect(client.createProducer({ topic: "t-partition-0" })).rejects.toMatchObject({ code: "unavailable" });
    await expect(client.partitions("t")).rejects.toMatchObject({ code: "unavailable" });
    await expect(client.subscribe({ topic: "t", subscription: "s" })).rejects.toMatchObject({ code: "unavailable" });
    expect(events.filter(({ type }) => type === "connect_failed").length).toBeGreaterThan(1);
  });

  it("that cannot be made is not tried without a pause", async () => {
    await using broker = await startFakeBroker();
    let attempts = 0;
    const client = broker.client({
      serviceUrl: "pulsar://127.0.0.1:1",
      operationTimeoutMs: 100,
      backoff: { minMs: 40, maxMs: 40 },
      onEvent: ({ type }) => {
        if (type === "connect_failed") attempts++;
      },
    });
    const random = vi.spyOn(Math, "random").mockReturnValue(0.999);
    const started = Date.now();
    await expect(client.createProducer({ topic: "t-partition-0" })).rejects.toMatchObject({ code: "unavailable" });
    random.mockRestore();
    expect(attempts).toBeLessThanOrEqual(2 + (Date.now() - started) / 40);
  });

  it.each([
    ["the broker's reason, given for no request", 2 ** 63, "authentication"],
    ["no other request's error", 1, "disconnected"],
  ])("that is closed says why: %s", (_, requestId, code) =>
    withBroker({}, async (broker) => {
      const errors: Error[] = [];
      const client = broker.client({ onEvent: (event) => event.type === "disconnected" && errors.push(event.error) });
      await client.createProducer({ topic: "t" });
      for (const peer of broker.peers) {
        peer.error(requestId, 3, "expired");
        peer.socket.end();
      }
      await until(() => errors.length > 0);
      expect(errors[0]).toMatchObject({ code });
    }),
  );

  it("is made for many at a time once", async () => {
    await using broker = await startFakeBroker();
    const client = broker.client();
    await Promise.all(Array.from({ length: 50 }, (_, i) => client.createProducer({ topic: `t-partition-${i}` })));
    expect(broker.all("connect").length).toBe(1);
    expect(broker.all("producer").length).toBe(50);
  });

  it("request that is not answered is a timeout, and its late answer nothing", () =>
    withBroker({ producer: () => undefined }, async (broker) => {
      const client = broker.client({ operationTimeoutMs: 50 });
      await expect(client.createProducer({ topic: "t" })).rejects.toMatchObject({ code: "unavailable" });
      for (const peer of broker.peers) peer.success(1);
      expect(await client.ready()).toMatchObject({ serverVersion: "fake" });
    }));

  it.each([
    ["a name that is taken", 16, "producer_busy"],
    ["a topic that is not there", 11, "topic_not_found"],
    ["a full backlog", 7, "quota_exceeded"],
    ["a schema", 18, "refused"],
    ["a number from the future", 999, "refused"],
  ])("refuses a producer at once for %s", (_, error, code) =>
    withBroker({ producer: (peer, { requestId }) => peer.error(requestId, error) }, async (broker) => {
      await expect(broker.client().createProducer({ topic: "t" })).rejects.toMatchObject({ code });
      expect(broker.all("producer").length).toBe(1);
    }),
  );

  it("tries again what is only not ready", () => {
    let times = 0;
    return withBroker(
      {
        producer: (peer, { requestId, name }) => {
          if (++times < 3) peer.error(requestId, 6);
          else
            peer.write("producerSuccess", wire.PRODUCER_SUCCESS, { requestId, name: name ?? "n", lastSequenceId: 4n });
        },
      },
      async (broker) => {
        const events: string[] = [];
        const client = broker.client({ onEvent: ({ type }) => events.push(type) });
        expect((await client.createProducer({ topic: "t" })).lastSequenceId).toBe(4n);
        expect(events).toEqual(["connected", "attach_failed", "attach_failed", "attached"]);
      },
    );
  });
});

describe("what is not the protocol", () => {
  /** Answers each connection with these bytes, after the handshake or instead of it. */
  async function answering(bytes: Buffer, handshake: boolean): Promise<{ url: string; close(): void }> {
    const connected = wire.frameOf(wire.COMMAND.connected, wire.CONNECTED, {
      protocolVersion: 19,
      maxMessageSize: 5_000,
    });
    const server = createServer((socket) => {
      socket.on("error", () => undefined);
      socket.once("data", () => socket.end(handshake ? Buffer.concat([connected, bytes]) : bytes));
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return { url: `pulsar://127.0.0.1:${(server.address() as AddressInfo).port}`, close: () => server.close() };
  }

  it("closes the connection and nothing else: random bytes, random frames, and commands cut short", async () => {
    await using broker = await startFakeBroker();
    const framed = fc.uint8Array({ maxLength: 200 }).map((bytes) => {
      const frame = Buffer.alloc(8 + bytes.length);
      frame.writeUInt32BE(4 + bytes.length, 0);
      frame.writeUInt32BE(bytes.length, 4);
      frame.set(bytes, 8);
      return frame;
    });
    const command = fc
      .tuple(fc.integer({ min: 0, max: 70 }), fc.uint8Array({ maxLength: 100 }))
      .map(([type, body]) => wire.commandFrame(type, Buffer.from(body)));
    const anything = fc.oneof(
      fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
      framed,
      command,
    );
    await fc.assert(
      fc.asyncProperty(anything, fc.boolean(), async (bytes, handshake) => {
        const server = await answering(bytes, handshake);
        const client = broker.client({ serviceUrl: server.url, operationTimeoutMs: 30, connectTimeoutMs: 500 });
        const error: unknown = await client
          .createProducer({ topic: "t-partition-0" })
          .catch((thrown: unknown) => thrown);
        await client.close();
        server.close();
        expect(error).toBeInstanceOf(PulsarError);
      }),
      { numRuns: 60 },
    );
  });

  it("is a frame longer than the broker's own bound, which is not waited for", async () => {
    const huge = Buffer.alloc(4);
    huge.writeUInt32BE(0x7fffffff, 0);
    const server = await answering(huge, true);
    await using broker = await startFakeBroker();
    const errors: Error[] = [];
    const client = broker.client({
      serviceUrl: server.url,
      onEvent: (event) => event.type === "disconnected" && errors.push(event.error),
    });
    await expect(client.partitions("t")).rejects.toBeInstanceOf(PulsarError);
    await until(() => errors.length > 0);
    expect(errors[0]).toMatchObject({ code: "protocol", message: expect.stringContaining("15240") });
    server.close();
  });
});
