import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { afterEach, describe, expect, it, vi } from "vitest";
import { type Client, type ConnectOptions, connect, type Gap } from "../src/index.ts";
import { eventually, type Note, nextState, numbers, pause, take } from "./support/consuming.ts";
import { type ScriptedServer, startScriptedServer, WELCOME } from "./support/scripted-server.ts";

const position = (offset: string) => ({ topic: "t", partition: 0, epoch: "e", offset });
const SUBSCRIBED = { subscribed: { subscription: 1, channel: 5, positions: [position("0")], recovered: true } };
const reconnect = { minDelayMs: 5, maxDelayMs: 10 };

let server: ScriptedServer | undefined;
let client: Client | undefined;
afterEach(async () => {
  await client?.close();
  await server?.[Symbol.asyncDispose]();
  server = undefined;
});

async function start(
  answer: (frame: Record<string, unknown>) => readonly object[],
  options: Partial<ConnectOptions> = {},
  greeting: object | undefined = WELCOME,
): Promise<{ server: ScriptedServer; client: Client }> {
  server = await startScriptedServer(answer, greeting);
  client = connect({ url: server.url, format: "json", reconnect, ...options });
  return { server, client };
}

const answers = (frame: Record<string, unknown>): readonly object[] => (frame["subscribe"] ? [SUBSCRIBED] : []);

const events = (after: string, upto: string, ...offsets: string[]) => ({
  events: {
    channel: 5,
    ...position(""),
    after,
    upto,
    offsets,
    events: offsets.map((n) => ({ specversion: "1.0", id: n, source: "/s", type: "t", data: { n: Number(n) } })),
  },
});

describe("a chain of positions", () => {
  it("that breaks is a gap, told in its place between the events", async () => {
    const { server, client } = await start(answers);
    const subscription = client.subscribe<Note>({ topics: "t" });
    await subscription.ready;
    const told: (number | Gap)[] = [];
    subscription.on("gap", (gap) => told.push(gap));
    server.send(events("0", "2", "1", "2"));
    server.send(events("2", "4"));
    server.send(events("7", "8", "8"));
    server.send({
      gap: { channel: 5, topic: "t", partition: 0, from: position("8"), to: position("11"), reason: "GAP_REASON_SLOW" },
    });
    server.send(events("11", "12", "12"));
    for await (const { data } of subscription) {
      told.push(data.n);
      if (data.n === 12) break;
    }
    const gap = { topic: "t", partition: 0 };
    expect(told).toEqual([
      1,
      2,
      { ...gap, from: position("4"), to: position("7"), reason: "broken-chain" },
      8,
      { ...gap, from: position("8"), to: position("11"), reason: "slow" },
      12,
    ]);
  });
});

describe("a snapshot that is cut off", () => {
  it("begins anew in the next session", async () => {
    const { server, client } = await start(answers);
    const subscription = client.subscribe<Note>({ topics: "t", from: "earliest", profile: { snapshot: true } });
    await subscription.ready;
    const part = (id: string, complete: boolean) => ({
      snapshot: {
        channel: 5,
        positions: complete ? [position("9")] : [],
        complete,
        events: events("", "", id).events.events,
      },
    });
    server.send(part("1", false));
    expect(numbers(await take(subscription, 1))).toEqual([1]);
    const started = new Promise((resolve) => subscription.on("started", resolve));
    server.close(3010);
    await started;
    const notice = new Promise((resolve) => subscription.on("snapshot", resolve));
    server.send(part("1", false));
    server.send(part("2", true));
    server.send(events("9", "10", "10"));
    expect(numbers(await take(subscription, 3))).toEqual([1, 2, 10]);
    expect(await notice).toMatchObject({ events: 2 });
    const subscribes = server.received.flatMap((frame) => (frame["subscribe"] as object) ?? []);
    expect(subscribes).toMatchObject([
      { from: { earliest: true }, profile: { snapshot: true } },
      { from: { earliest: true }, profile: { snapshot: true } },
    ]);
  });
});

describe("a partition that was added", () => {
  it("begins with its first frame, without a gap, and is among the positions from then on", async () => {
    const { server, client } = await start(answers);
    const subscription = client.subscribe<Note>({ topics: "t" });
    await subscription.ready;
    const gaps: Gap[] = [];
    subscription.on("gap", (gap) => gaps.push(gap));
    const added = (after: string, upto: string) => {
      const frame = events(after, upto, upto);
      return { events: { ...frame.events, partition: 1 } };
    };
    server.send(added("6", "7"));
    server.send(added("7", "8"));
    expect(numbers(await take(subscription, 2))).toEqual([7, 8]);
    expect(gaps).toEqual([]);
    const place = { ...position("8"), partition: 1 };
    expect(subscription.positions()).toEqual([position("0"), place]);
    server.send(added("9", "10"));
    await take(subscription, 1);
    expect(gaps).toMatchObject([{ partition: 1, from: { offset: "8" }, to: { offset: "9" }, reason: "broken-chain" }]);
    const started = new Promise((resolve) => subscription.on("started", resolve));
    server.close(3001, "so it is");
    await started;
    expect(server.received.filter((frame) => frame["subscribe"]).at(-1)).toMatchObject({
      subscribe: {
        from: { after: { positions: [position("0"), { ...position("10"), partition: 1 }], complete: true } },
      },
    });
  });
});

describe("the end of a session", () => {
  it.each([3001, 3008, 3012, 3499, 1011])(
    "with %i is followed by another one, from the last positions",
    async (code) => {
      const { server, client } = await start(answers);
      const subscription = client.subscribe<Note>({ topics: "t" });
      await subscription.ready;
      server.send(events("0", "3", "3"));
      await take(subscription, 1);
      const started = new Promise((resolve) => subscription.on("started", resolve));
      server.close(code, "so it is");
      await started;
      expect(server.received.filter((frame) => frame["subscribe"]).at(-1)).toMatchObject({
        subscribe: { from: { after: { positions: [position("3")], complete: true } } },
      });
    },
  );

  it.each([
    [3500, "unauthenticated"],
    [3501, "bad_frame"],
    [3503, "forbidden"],
    [3999, "refused"],
  ])("with %i is final, and everybody hears of %s", async (code, name) => {
    const { server, client } = await start(answers);
    const subscription = client.subscribe<Note>({ topics: "t" });
    await subscription.ready;
    const publish = client.publish("t", { source: "/s", type: "t" });
    const loop = take(subscription, 1);
    server.close(code, "no more");
    for (const promise of [publish, loop, subscription.closed, client.publish("t", [])]) {
      await expect(promise).rejects.toMatchObject({ code: name });
    }
    expect(client.state).toMatchObject({
      status: "closed",
      reason: { code: name, message: "no more", closeCode: code },
    });
    expect(() => client.subscribe({ topics: "t" })).toThrow(expect.objectContaining({ code: name }));
    await pause(30);
    expect(server.connections).toBe(1);
  });

  it("comes with a frame that can't be read", async () => {
    const { server, client } = await start(answers);
    await client.ready;
    const closed = nextState(client, "closed");
    server.send("{");
    expect((await closed).reason?.code).toBe("undecodable");
    expect(client.roundTripMs).toBeUndefined();
  });

  it("comes with a message of the other form", async () => {
    const { server, client } = await start(answers);
    await client.ready;
    const closed = nextState(client, "closed");
    server.send(Uint8Array.of(1));
    expect((await closed).reason?.code).toBe("undecodable");
  });

  it("is not caused by a frame of a kind that is not known yet", async () => {
    const { server, client } = await start(answers);
    const subscription = client.subscribe<Note>({ topics: "t" });
    await subscription.ready;
    server.send({ invention: { a: 1 } });
    server.send({});
    server.send(events("0", "1", "1"));
    expect(numbers(await take(subscription, 1))).toEqual([1]);
  });
});

describe("before there is a session", () => {
  it("a client that gets none gives up when it was told to", async () => {
    client = connect({ url: "http://127.0.0.1:9", reconnect: { ...reconnect, giveUpAfterMs: 60 } });
    const subscription = client.subscribe({ topics: "t" });
    await expect(client.ready).rejects.toMatchObject({ code: "unreachable", retryable: true });
    await expect(subscription.ready).rejects.toMatchObject({ code: "unreachable" });
  });

  it("the console says once that nothing answers, where nobody listens to the state", async () => {
    const warn = vi.spyOn(console, "warn").mockImplementation(() => undefined);
    try {
      client = connect({ url: "http://127.0.0.1:9", reconnect: { ...reconnect, giveUpAfterMs: 60 } });
      await expect(client.ready).rejects.toMatchObject({ code: "unreachable" });
      expect(warn.mock.calls).toEqual([[expect.stringContaining("Nothing answers at ws://127.0.0.1:9/api/v1/stream")]]);
      warn.mockClear();
      client = connect({ url: "http://127.0.0.1:9", reconnect: { ...reconnect, giveUpAfterMs: 60 } });
      const reasons: string[] = [];
      client.on("state", (state) => state.status === "waiting" && reasons.push(state.reason.message));
      await expect(client.ready).rejects.toMatchObject({ code: "unreachable" });
      expect(reasons[0]).toContain("Nothing answers at ws://127.0.0.1:9/api/v1/stream");
      expect(warn).not.toHaveBeenCalled();
    } finally {
      warn.mockRestore();
    }
  });

  it("a server that says nothing is given up after the time for connecting", async () => {
    server = await startScriptedServer(() => [], { pong: { time: "0" } });
    client = connect({ url: server.url, format: "json", connectTimeoutMs: 40, reconnect });
    const { reason } = await nextState(client, "waiting");
    expect(reason.message).toContain("did not answer within 40 ms");
  });

  it("so is one that takes the connection and answers no handshake", async () => {
    const silent = createServer().listen(0, "127.0.0.1");
    await once(silent, "listening");
    client = connect({
      url: `http://127.0.0.1:${(silent.address() as AddressInfo).port}`,
      connectTimeoutMs: 40,
      reconnect,
    });
    const { reason } = await nextState(client, "waiting");
    expect(reason.message).toContain("did not answer within 40 ms");
    await client.close();
    silent.close();
  });

  it("the token is shown, and asked for again at each connection", async () => {
    let issued = 0;
    const { server, client } = await start((frame) => (frame["authenticate"] ? [WELCOME] : answers(frame)), {
      token: async () => {
        issued += 1;
        if (issued === 2) throw new Error("the identity provider is away");
        return `token-${issued}`;
      },
    });
    await client.ready;
    const open = nextState(client, "open");
    server.close(3010);
    await open;
    expect(server.received.map((frame) => frame["authenticate"])).toEqual([{ token: "token-1" }, { token: "token-3" }]);
  });

  it("a token that is not taken is final", async () => {
    const error = {
      code: "unauthenticated",
      message: "The token has expired.",
      errors: [],
      retryable: false,
      retryAfterMs: 0,
    };
    const { client } = await start(() => [{ error }], { token: "old" });
    await expect(client.ready).rejects.toMatchObject({ code: "unauthenticated", message: "The token has expired." });
  });

  it("a runtime without a WebSocket is told to bring one", async () => {
    client = connect({
      url: "http://localhost:1",
      createSocket: () => {
        throw new Error("no such thing");
      },
    });
    await expect(client.ready).rejects.toMatchObject({ code: "misuse" });
  });
});

describe("requests", () => {
  const refusal = (code: string, retryAfterMs = 0) => ({
    error: { code, message: "as it is", errors: [{ path: "a", message: "b" }], retryable: true, retryAfterMs },
  });

  it("that are refused for the moment are made again", async () => {
    const refusals = [refusal("overloaded", 5), refusal("limit_exceeded"), SUBSCRIBED];
    const published = [refusal("storage_full"), { published: { positions: [position("1")], duplicates: 1 } }];
    const { client } = await start((frame) => {
      if (frame["subscribe"]) return [refusals.shift()!];
      return frame["publish"] ? [published.shift()!] : [];
    });
    await client.subscribe({ topics: "t" }).ready;
    const answer = await client.publish("t", {
      source: "/s",
      type: "t",
      contentType: "text/plain",
      data: Uint8Array.of(1),
    });
    expect(answer).toEqual({ positions: [position("1")], duplicates: 1 });
  });

  it("that are refused for good, or with a code of a newer service, reject", async () => {
    const codes = ["invalid_event", "quantum_flux"];
    const { client } = await start(() => [refusal(codes.shift()!)]);
    const event = { source: "/s", type: "t" };
    await expect(client.publish("t", event)).rejects.toMatchObject({
      code: "invalid_event",
      errors: [{ path: "a", message: "b" }],
    });
    await expect(client.publish("t", event)).rejects.toMatchObject({
      code: "unknown",
      message: "quantum_flux: as it is",
    });
  });

  it("without an answer time out", async () => {
    const { client } = await start(answers, { requestTimeoutMs: 30, maxPendingPublishes: 1 });
    const subscription = client.subscribe({ topics: "t" });
    await subscription.ready;
    await expect(subscription.ledger()).rejects.toMatchObject({ code: "timeout" });
    const event = { source: "/s", type: "t" };
    const late = client.publish("t", event, { timeoutMs: 60 });
    await expect(client.publish("t", event)).rejects.toMatchObject({ code: "overloaded" });
    await expect(late).rejects.toMatchObject({ code: "timeout" });
  });

  it("over the service's frame limit are refused here, where they end no session", async () => {
    const { server, client } = await start(answers);
    await client.ready;
    const text = (length: number) => ({ id: "i", source: "/s", type: "t", data: "x".repeat(length) });
    await expect(client.publish("t", text(2_000))).rejects.toMatchObject({ code: "batch_too_large" });
    await expect(client.publish("t", text(10), { timeoutMs: 30 })).rejects.toMatchObject({ code: "timeout" });
    expect(server.received.filter((frame) => frame["publish"])).toHaveLength(1);
    const keys = ["k".repeat(3_000)];
    await expect(client.subscribe({ topics: "t", keys }).ready).rejects.toMatchObject({ code: "batch_too_large" });
  });

  it("can't carry what has no JSON form", async () => {
    const { client } = await start(answers);
    const loop: Record<string, unknown> = {};
    loop["self"] = loop;
    const event = { source: "/s", type: "t" };
    await expect(client.publish("t", { ...event, data: loop })).rejects.toMatchObject({ code: "misuse" });
    await expect(client.publish("t", { ...event, class: "moon" as "trade" })).rejects.toMatchObject({ code: "misuse" });
  });
});

it("what the service tells unasked reaches the listeners of the client", async () => {
  const { server, client } = await start(answers);
  await client.ready;
  const told: unknown[] = [];
  client.on("topic", ({ topic, state }) => told.push([topic, state]));
  client.on("error", ({ code }) => told.push(code));
  server.send({ state: { topic: "t", state: "STREAM_STATE_HALTED", reason: "exchange" } });
  server.send({ error: { code: "internal", message: "m", errors: [], retryable: true, retryAfterMs: 0 } });
  await eventually(() => told).toEqual([["t", "STREAM_STATE_HALTED"], "internal"]);
});
