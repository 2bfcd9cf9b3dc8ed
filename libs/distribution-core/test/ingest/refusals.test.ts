import { messageOf } from "@distribution/proto-types/descriptors";
import { NormalizedMarketDataEvent, Quote, Trade } from "@distribution/proto-types/market_data/v1/market_data";
import { describe, expect, test } from "vitest";
import { packEvents, packMessages } from "../../src/events/index.ts";
import { ANONYMOUS } from "../../src/security/index.ts";
import {
  createHeldBroker,
  Disk,
  EventClass,
  event,
  eventsIn,
  idsIn,
  open,
  publisher,
  refusal,
  topic,
} from "./support.ts";

const catalogue = [
  { type: "md.trade", class: EventClass.TRADE, description: "", key: "" },
  { type: "md.note", class: EventClass.UNSPECIFIED, description: "", key: "" },
];

describe("an invalid event refuses its batch and names itself", () => {
  test.each([
    ["an empty id", event(""), "events[1].id"],
    ["a type that the topic does not take", event("x", { type: "md.quote" }), "events[1].type"],
    ["another class than its type's", event("x", { class: EventClass.QUOTE }), "events[1].class"],
    ["JSON that is none", event("x", { data: Buffer.from("{") }), "events[1].data"],
    ["JSON that is no UTF-8", event("x", { data: Buffer.from([0x22, 0xff, 0x22]) }), "events[1].data"],
    ["a member __proto__", event("x", { data: Buffer.from('{"__proto__":1}') }), "events[1].data"],
    ["text that is no UTF-8", event("x", { contentType: "text/plain", data: Buffer.from([0xff]) }), "events[1].data"],
  ])("%s", async (_, bad, path) => {
    await using disk = new Disk();
    const broker = await disk.open();
    const { publish } = await open({ broker, topics: [topic("md.trades", 1, { eventTypes: catalogue })] });
    await refusal(publish([event("1"), bad]), "invalid_event", path);
    expect(await idsIn(broker, "md.trades")).toEqual([]);
    expect((await publish([event("1")])).duplicates).toBe(0);
  });

  test("invalid UTF-8 in its envelope", async () => {
    await using disk = new Disk();
    const { ingest } = await open({ broker: await disk.open() });
    const batch = packMessages([Uint8Array.of(0x0a, 1, 0xff, 0x12, 1, 0x61, 0x1a, 1, 0x61)]);
    await refusal(ingest.publish("md.trades", batch, ANONYMOUS), "invalid_event", "events[0].id");
  });

  test("bytes that are no protobuf", async () => {
    await using disk = new Disk();
    const { ingest } = await open({ broker: await disk.open() });
    const batch = packMessages([Uint8Array.of(0x0a, 9)]);
    await refusal(ingest.publish("md.trades", batch, ANONYMOUS), "invalid_event", "events[0]");
  });
});

test("a topic takes events of any class and type where its catalogue says nothing of them", async () => {
  await using disk = new Disk();
  const broker = await disk.open();
  const { publish } = await open({
    broker,
    topics: [topic("md.trades", 1, { eventTypes: catalogue }), topic("md.any")],
  });
  await publish([
    event("1", { type: "md.note", class: EventClass.ALERT }),
    event("2"),
    event("3", { type: "md.note" }),
  ]);
  await publish([event("4", { type: "what.ever" })], "md.any");
  const classes = (await eventsIn(broker, "md.trades")).map((each) => each.class);
  expect(classes).toEqual([EventClass.ALERT, EventClass.TRADE, EventClass.UNSPECIFIED]);
});

test("payloads that are neither text nor JSON, and absent ones, pass a topic without a schema as they are", async () => {
  await using disk = new Disk();
  const broker = await disk.open();
  const { publish } = await open({ broker });
  const data = Buffer.from([0xff, 0]);
  await publish([
    event("1", { contentType: "image/png", data }),
    event("2", { contentType: "application/protobuf", data }),
    event("3", { contentType: "text/plain", data: Buffer.from("grün") }),
    event("4", { data: undefined }),
  ]);
  expect((await eventsIn(broker, "md.trades")).map((each) => each.data)).toEqual([
    data,
    data,
    Buffer.from("grün"),
    undefined,
  ]);
});

describe("a topic with a schema", () => {
  const topics = [topic("md.trades", 1, { message: messageOf("distribution.v1.Position") })];

  test("takes its message as JSON and protobuf", async () => {
    await using disk = new Disk();
    const { publish } = await open({ broker: await disk.open(), topics });
    const { positions } = await publish([
      event("1", { data: Buffer.from('{"topic":"t","partition":3}') }),
      event("2", { contentType: "application/protobuf", data: Buffer.from([0x0a, 1, 0x74]) }),
    ]);
    expect(positions).toHaveLength(2);
  });

  test.each([
    ["a field of another type", { data: Buffer.from('{"partition":"x"}') }, "events[0].data.partition"],
    ["no payload", { data: undefined }, "events[0].data"],
    ["another content type", { contentType: "text/plain" }, "events[0].content_type"],
  ])("refuses %s", async (_, change, path) => {
    await using disk = new Disk();
    const { publish } = await open({ broker: await disk.open(), topics });
    await refusal(publish([event("1", change)]), "invalid_event", path);
  });
});

describe("bounds of a publish", () => {
  const size = packEvents([event("1")]).bytes.length;

  test("one event: at the limit passes, one byte more is refused by its name", async () => {
    await using disk = new Disk();
    const { publish } = await open({ broker: await disk.open(), bounds: { eventBytes: size - 2 } });
    await publish([event("1")]);
    await refusal(publish([event("2"), event("33")]), "event_too_large", "events[1]");
  });

  test("one event that no batch of the broker can hold is refused", async () => {
    const { broker } = createHeldBroker(size);
    const { publish } = await open({ broker });
    await refusal(publish([event("1", { data: Buffer.from(`"${"x".repeat(200)}"`) })]), "event_too_large", "events[0]");
  });

  test("bytes: at the limit passes, one more is refused", async () => {
    await using disk = new Disk();
    const { publish } = await open({ broker: await disk.open(), bounds: { batchBytes: 2 * size } });
    await publish([event("1"), event("2")]);
    await refusal(publish([event("3"), event("44")]), "batch_too_large", "events");
  });

  test("events: at the limit passes, one more is refused, and none is no publish", async () => {
    await using disk = new Disk();
    const { publish } = await open({ broker: await disk.open(), bounds: { batchEvents: 2 } });
    await publish([event("1"), event("2")]);
    await refusal(publish([event("3"), event("4"), event("5")]), "batch_too_large", "events");
    await refusal(publish([]), "invalid_request", "events");
  });
});

describe("an internal topic", () => {
  const own = publisher("service:test");
  const topics = [topic("md.trades"), topic("test.distribution", 1, { internal: true })];

  test("takes events of the service's own identity, and of nobody else, whatever their subject", async () => {
    await using disk = new Disk();
    const broker = await disk.open();
    const { publish, metrics } = await open({ broker, topics, ownIdentity: own });
    await publish([event("1")], "test.distribution", own);
    for (const stranger of [ANONYMOUS, publisher(own.subject)]) {
      await refusal(publish([event("2")], "test.distribution", stranger), "forbidden", "topic");
      await publish([event(`by ${stranger.subject}`)], "md.trades", stranger);
    }
    expect(await idsIn(broker, "test.distribution")).toEqual(["1"]);
    expect(metrics.render()).toContain('distribution_ingest_refused_total{code="forbidden"} 2');
  });

  test("takes nothing where the service has no identity of its own", async () => {
    await using disk = new Disk();
    const { publish } = await open({ broker: await disk.open(), topics });
    await refusal(publish([event("1")], "test.distribution", own), "forbidden", "topic");
  });
});

describe("what is under way", () => {
  const size = packEvents([event("1")]).bytes.length;

  test.each([
    ["batches", { inFlightBatches: 2 }],
    ["events", { inFlightEvents: 2, batchEvents: 1 }],
    ["bytes", { inFlightBytes: 2 * size, batchBytes: 2 * size }],
  ])(
    "is bounded in %s: at the bound passes, beyond is told when to come again, and room is given back",
    async (name, bounds) => {
      const { broker, appends } = createHeldBroker();
      const { publish, ingest } = await open({ broker, bounds: { ...bounds, retryAfterMs: 250 } });
      const under = [publish([event("1")]), publish([event("2")])];
      expect(ingest.inFlight()).toEqual({ batches: 2, events: 2, bytes: 2 * size });
      const error = await refusal(publish([event("3")]), "overloaded");
      expect(error.retryAfterMs).toBe(250);
      expect(error.message).toContain(name);
      for (const append of appends) append.accept();
      await Promise.all(under);
      const third = publish([event("3")]);
      appends.at(-1)!.accept();
      expect((await third).duplicates).toBe(0);
    },
  );
});

describe("bounds of ingest", () => {
  test.each([
    ["eventBytes", { eventBytes: 0 }],
    ["batchEvents", { batchEvents: 11, inFlightEvents: 10 }],
    ["batchEvents", { batchEvents: 11, windowEvents: 10 }],
    ["batchBytes", { batchBytes: 11, inFlightBytes: 10 }],
    ["windowBytes", { windowBytes: 1000 }],
    ["retryAfterMs", { retryAfterMs: 1.5 }],
  ])("name %s when it is out of its range", async (name, bounds) => {
    const { broker } = createHeldBroker();
    await refusal(open({ broker, bounds }), "invalid_request", `bounds.${name}`);
  });
});

describe("an event type that names the member of its payload's oneof", () => {
  const message = messageOf("market_data.v1.NormalizedMarketDataEvent");
  const type = { type: "md.trade", class: EventClass.TRADE, description: "", key: "", member: "trade" };
  const trades = topic("md.trades", 1, { message, eventTypes: [type] });
  const trade = { $case: "trade" as const, value: Trade.fromPartial({ price: "1", size: "2" }) };
  const quote = { $case: "quote" as const, value: Quote.fromPartial({ bidPrice: "1" }) };
  const bytesOf = (payload?: typeof trade | typeof quote): Buffer =>
    Buffer.from(NormalizedMarketDataEvent.encode(NormalizedMarketDataEvent.fromPartial({ payload })).finish());
  const protobuf = (data: Buffer) => event("x", { contentType: "application/protobuf", data });
  const json = (value: object) => event("x", { data: Buffer.from(JSON.stringify(value)) });

  test.each([
    ["none in protobuf", protobuf(bytesOf())],
    ["another in protobuf", protobuf(bytesOf(quote))],
    ["one that another displaces", protobuf(Buffer.concat([bytesOf(trade), bytesOf(quote)]))],
    ["none in JSON", json({ venue: "v" })],
    ["another in JSON", json({ quote: { bidPrice: "1" } })],
    ["null in JSON", json({ trade: null })],
  ])("refuses an event with %s", async (_, bad) => {
    await using disk = new Disk();
    const { publish } = await open({ broker: await disk.open(), topics: [trades] });
    await refusal(publish([bad]), "invalid_event", "events[0].data.trade");
  });

  test.each([
    ["in protobuf", protobuf(bytesOf(trade))],
    ["in protobuf, displacing another", protobuf(Buffer.concat([bytesOf(quote), bytesOf(trade)]))],
    ["in JSON", json({ trade: { price: "1", size: "2" } })],
  ])("takes an event with it %s", async (_, good) => {
    await using disk = new Disk();
    const { publish } = await open({ broker: await disk.open(), topics: [trades] });
    expect((await publish([good])).positions).toHaveLength(1);
  });

  test.each(["venue", "nothing"])("is refused at start when the message has no oneof with it: %s", async (member) => {
    await using disk = new Disk();
    const topics = [{ ...trades, eventTypes: [{ ...type, member }] }];
    await expect(open({ broker: await disk.open(), topics })).rejects.toThrow(`has no field ${member} in a oneof`);
  });
});
