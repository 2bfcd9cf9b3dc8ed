import { fromBinary, toJsonString } from "@bufbuild/protobuf";
import { messageOf } from "@distribution/proto-types/descriptors";
import { NormalizedMarketDataEvent } from "@distribution/proto-types/market_data/v1/market_data";
import { describe, expect, it } from "vitest";
import {
  createProjection,
  feedProjections,
  from,
  mapAnswer,
  mergeAnswers,
  messageCodec,
  type ProjectionOptions,
  plainData,
} from "../../src/projections/index.ts";
import { systemRuntime } from "../../src/runtime/index.ts";
import {
  applyOrder,
  byStatus,
  createOrders,
  createPlacing,
  FILLS,
  ORDERS,
  type Order,
  OrderJson,
  orderEvent,
  ordersOptions,
  topic,
} from "./support.ts";

/** Orders fed by hand. */
function feed(more: Partial<ProjectionOptions<Order>> = {}) {
  const orders = createOrders(more);
  const give = feedProjections([ORDERS, FILLS], [orders]);
  const placed = createPlacing();
  const put = (key: string, payload = {}, partition = 0) => give(placed(orderEvent(key, payload), partition));
  return { orders, give, placed, put };
}

describe("a projection that is built anew", () => {
  it("gives no state and no count, which a rule would judge by", () => {
    const { orders, put } = feed();
    put("a", { status: "open", price: 5 });
    const logger = { debug() {}, info() {}, warn() {}, error() {} };
    const known = { lag: () => 0, lack: () => undefined, damage: () => undefined, now: () => 0n };
    const { timers } = systemRuntime;
    orders.intake.attach({ ...known, timers, logger, refresh() {}, compareOffsets: () => 0, rebuilding: () => true });
    expect(() => orders.find("a")).toThrow(expect.objectContaining({ code: "unavailable" }));
    expect(() => orders.count(byStatus, "open")).toThrow(expect.objectContaining({ code: "unavailable" }));
  });
});

describe("a projection", () => {
  it("has of every key the state that its events made, one after the other", () => {
    const { orders, put } = feed();
    put("a", { status: "open", price: 5 });
    put("b");
    put("a", { status: "filled" });
    expect(orders.read("a").value).toMatchObject({ status: "filled", price: 5, events: 2 });
    expect(orders.read("b").value).toMatchObject({ status: "new", events: 1 });
    expect(orders.stats).toMatchObject({ keys: 2, events: 3, skipped: {}, forgotten: 0, lag: 0 });
  });

  it("answers at the positions that it has read, one a partition, whoever the events were about", () => {
    const { orders, put } = feed();
    put("a");
    put("b", {}, 1);
    put("c");
    const at = (partition: number, offset: string) => ({ topic: ORDERS.name, partition, epoch: "e1", offset });
    expect(orders.read("a").positions).toEqual([at(0, "3"), at(1, "2")]);
  });

  it("has no state of a key that an event took away", () => {
    const { orders, put } = feed();
    put("a", { status: "open" });
    put("a", { status: "gone" });
    expect(() => orders.read("a")).toThrow('There is nothing of "a" in orders.');
    expect([orders.find("a"), orders.stats.keys, orders.stats.bytes]).toEqual([undefined, 0, 0]);
    put("never", { status: "gone" });
    expect(orders.stats.keys).toBe(0);
  });

  it("takes the key from where its source says, and lets pass what has none", () => {
    const source = from<Order, { status?: string; account?: string }>(ORDERS.name, OrderJson, {
      key: ({ payload }) => payload.account,
      apply: (order, _event, key) => ({ status: key, price: 0, strategies: [], events: (order?.events ?? 0) + 1 }),
    });
    const { orders, put } = feed({ sources: [source] });
    put("a", { account: "x" });
    put("b", { account: "x" });
    put("c", {});
    expect(orders.read("x").value).toMatchObject({ status: "x", events: 2 });
    expect(orders.stats).toMatchObject({ keys: 1, events: 3 });
    expect(orders.read("x").positions).toMatchObject([{ offset: "3" }]);
  });

  it("says in its own words what is not there", () => {
    const { orders } = feed({ missing: (key) => `No order ${key}. GET /orders lists them.` });
    expect(() => orders.read("a")).toThrow("No order a. GET /orders lists them.");
  });

  it("gives the same tag for the same as long as it has not changed", () => {
    const { orders, put } = feed();
    put("a");
    const tag = orders.read("a").tag;
    put("b");
    expect(orders.read("a").tag).toBe(tag);
    expect(orders.read("b").tag).not.toBe(tag);
    put("a");
    expect(orders.read("a").tag).not.toBe(tag);
  });
});

describe("an event that cannot be taken", () => {
  const broken = { data: Buffer.from("{") };

  it.each([
    ["its payload is none", (give: ReturnType<typeof feed>) => give.give(give.placed(orderEvent("a", {}, broken)))],
    [
      "it is no event",
      ({ give, placed }: ReturnType<typeof feed>) => give({ ...placed(orderEvent("a")), bytes: Buffer.from([255]) }),
    ],
    ["it cannot be applied", ({ put }: ReturnType<typeof feed>) => put("a", { status: "poison" })],
  ])("because %s is counted, passed, and changes nothing", (_, send) => {
    const fed = feed();
    fed.put("a", { status: "open" });
    send(fed);
    expect(fed.orders.stats).toMatchObject({ events: 1, skipped: { [ORDERS.name]: 1 } });
    expect(fed.orders.read("a")).toMatchObject({ value: { status: "open", events: 1 }, positions: [{ offset: "2" }] });
    fed.put("a", { status: "filled" });
    expect(fed.orders.read("a").value.status).toBe("filled");
  });

  it.each<[string, Partial<ProjectionOptions<Order>>]>([
    ["measured", { sizeOf: ({ status }) => (status === "odd" ? Number.NaN : 1) }],
    ["indexed", { indexes: [{ name: "odd", sort: ({ state }) => (state.status === "odd" ? Number.NaN : 1) }] }],
  ])("because its state cannot be %s leaves the projection as it was", (_, more) => {
    const { orders, put } = feed(more);
    put("a", { status: "odd" });
    expect(orders.stats).toMatchObject({ keys: 0, skipped: { [ORDERS.name]: 1 } });
    put("a");
    expect(orders.stats.bytes).toBeGreaterThan(0);
  });

  const unmeasured = { sizeOf: ({ status }: Order) => (status === "odd" ? Number.NaN : 1) };

  it("as what it made of a state in place cannot be kept is not answered: the key is forgotten", () => {
    const { orders, put } = feed(unmeasured);
    put("a", { status: "open" });
    put("b", { status: "open" });
    put("a", { status: "odd" });
    expect(orders.stats).toMatchObject({ keys: 1, forgotten: 1, skipped: { [ORDERS.name]: 1 } });
    expect(orders.count(byStatus, "open")).toBe(1);
    expect(() => orders.read("a")).toThrow("It may have been forgotten");
  });

  it("as the state that it gave cannot be kept leaves the one before it", () => {
    const apply: typeof applyOrder = (order, event) => applyOrder(order && { ...order }, event);
    const { orders, put } = feed({ ...unmeasured, sources: [from(ORDERS.name, OrderJson, { apply })] });
    put("a", { status: "open" });
    put("a", { status: "odd" });
    expect(orders.stats).toMatchObject({ keys: 1, forgotten: 0, skipped: { [ORDERS.name]: 1 } });
    expect(orders.read("a").value).toMatchObject({ status: "open", events: 1 });
  });
});

describe("the memory of a projection", () => {
  it("is bounded in keys: the one that changed longest ago goes", () => {
    const { orders, put } = feed({ bounds: { keys: 2, bytes: 1 << 20 } });
    put("a");
    put("b");
    expect(orders.stats).toMatchObject({ keys: 2, forgotten: 0 });
    put("a");
    put("c");
    expect(orders.stats).toMatchObject({ keys: 2, forgotten: 1 });
    expect([orders.find("a"), orders.find("b")]).toEqual([expect.anything(), undefined]);
    expect(() => orders.read("b")).toThrow(
      /^There is nothing of "b" in orders\. It may have been forgotten: .* the 2 keys changed last are kept, in at most 1048576 bytes\.$/,
    );
  });

  it("forgets what is to be kept last, however long ago that changed, and only where nothing else is left", () => {
    const { orders, put } = feed({ bounds: { keys: 3, bytes: 1 << 20 }, keep: ({ status }) => status === "open" });
    const known = () => ["a", "b", "c", "d", "e", "f"].filter((key) => orders.find(key));
    put("a", { status: "open" });
    for (const key of ["b", "c", "d"]) put(key, { status: "done" });
    expect(known(), "b changed after a").toEqual(["a", "c", "d"]);
    put("d", { status: "open" });
    put("e", { status: "open" });
    expect(known()).toEqual(["a", "d", "e"]);
    put("f", { status: "open" });
    expect(known(), "all are to be kept").toEqual(["d", "e", "f"]);
    put("d", { status: "done" });
    put("a", { status: "open" });
    expect(known(), "d is not to be kept any more").toEqual(["a", "e", "f"]);
    expect(orders.stats).toMatchObject({ keys: 3, forgotten: 4 });
  });

  it("is bounded in bytes, of states as they are measured and of what an entry takes", () => {
    const one = (bytes: number) => {
      const { orders, put } = feed({ sizeOf: () => 1_000, indexes: [], bounds: { keys: 100, bytes } });
      for (const key of ["a", "b", "c"]) put(key);
      return orders.stats;
    };
    const entry = one(1 << 20).bytes / 3;
    expect(entry).toBeGreaterThan(1_000);
    expect([one(3 * entry).keys, one(3 * entry - 1).keys, one(2 * entry).keys]).toEqual([3, 2, 2]);
    expect(one(2 * entry)).toMatchObject({ bytes: 2 * entry, forgotten: 1 });
  });

  it("follows the states as they grow, and keeps the newest even where it is too large alone", () => {
    const { orders, put } = feed({ sizeOf: ({ price }) => price, bounds: { keys: 100, bytes: 10_000 } });
    put("a", { price: 10 });
    put("b", { price: 10 });
    put("a", { price: 20_000 });
    expect(orders.stats).toMatchObject({ keys: 1, forgotten: 1 });
    put("a", { price: 10 });
    put("c", { price: 10 });
    expect(orders.stats.keys).toBe(2);
  });

  it("is measured by the encoded state unless told otherwise", () => {
    const bytesOf = (status: string) => {
      const { orders, put } = feed({ indexes: [] });
      put("a", { status });
      return orders.stats.bytes;
    };
    expect(bytesOf("x".repeat(1_001)) - bytesOf("x")).toBeGreaterThanOrEqual(1_000);
  });
});

describe("payloads", () => {
  const message = messageOf("market_data.v1.NormalizedMarketDataEvent");
  const TRADES = topic("test.trades", { message });
  const data = NormalizedMarketDataEvent.fromPartial({ instrument: "x:y", receivedTime: 2n ** 62n + 1n });
  const bytes = Buffer.from(NormalizedMarketDataEvent.encode(data).finish());

  function projectionsOf(count: number, decode = NormalizedMarketDataEvent.decode) {
    const type = { decode: (given: Uint8Array) => decode(given) };
    const all = Array.from({ length: count }, (_, at) =>
      createProjection<{ time: bigint }>({
        ...{ name: `p${at}`, version: 1, bounds: { keys: 10, bytes: 10_000 } },
        sources: [from(TRADES.name, type, { apply: (_state, { payload }) => ({ time: payload.receivedTime }) })],
      }),
    );
    return { all, give: feedProjections([TRADES], all), placed: createPlacing(TRADES.name) };
  }

  it("are decoded once for all projections that read them as the same message", () => {
    let decoded = 0;
    const { all, give, placed } = projectionsOf(3, (given) => {
      decoded += 1;
      return NormalizedMarketDataEvent.decode(given);
    });
    give(placed(orderEvent("a", {}, { contentType: "application/protobuf", data: bytes })));
    expect(all.map((each) => each.read("a").value.time)).toEqual([2n ** 62n + 1n, 2n ** 62n + 1n, 2n ** 62n + 1n]);
    expect(decoded).toBe(1);
  });

  it("in JSON are the message that they map, to the last digit", () => {
    const { all, give, placed } = projectionsOf(1);
    const json = Buffer.from(toJsonString(message, fromBinary(message, bytes)));
    give(placed(orderEvent("a", {}, { contentType: "application/json", data: json })));
    expect(all[0]!.read("a").value.time).toBe(2n ** 62n + 1n);
  });

  it("of another type than the topic takes are skipped", () => {
    const { all, give, placed } = projectionsOf(1);
    give(placed(orderEvent("a", {}, { contentType: "text/plain", data: bytes })));
    expect(all[0]!.stats.skipped).toEqual({ [TRADES.name]: 1 });
  });

  it("that are not there are empty", () => {
    const { all, give, placed } = projectionsOf(1);
    give(placed(orderEvent("a", {}, { contentType: "application/protobuf", data: undefined })));
    expect(all[0]!.read("a").value.time).toBe(0n);
  });

  it("of a topic that a test forgot are an error of the test", () => {
    const { give } = projectionsOf(1);
    expect(() => give(createPlacing("test.other")(orderEvent("a")))).toThrow("test.other is none of test.trades.");
  });
});

describe("codecs of states", () => {
  it("give back plain data with all its digits", () => {
    const state = {
      big: 2n ** 63n - 1n,
      map: new Map([["a", [1, 2]]]),
      bytes: new Uint8Array([1, 2]),
      none: undefined,
    };
    const codec = plainData<typeof state>();
    expect(codec.decode(codec.encode(state))).toEqual(state);
  });

  it("give back messages", () => {
    const codec = messageCodec(NormalizedMarketDataEvent);
    const state = NormalizedMarketDataEvent.fromPartial({ venue: "x", exchangeTime: 2n ** 62n });
    expect(codec.decode(codec.encode(state))).toEqual(state);
  });
});

describe("answers", () => {
  it("can be of anything else that the projection holds, and are another with every event", () => {
    const { orders, put } = feed();
    put("a", { status: "open" });
    const counts = () => orders.answer({ open: orders.count(byStatus, "open") });
    const before = counts();
    expect(before).toMatchObject({ value: { open: 1 }, positions: [{ offset: "1" }] });
    expect(counts().tag).toBe(before.tag);
    put("b", { status: "filled" });
    expect(counts().tag).not.toBe(before.tag);
  });

  it("can take another form, and be one of several", () => {
    const { orders, put } = feed();
    put("a", { status: "open" }, 1);
    const answer = orders.read("a");
    expect(mapAnswer(answer, ({ status }) => status)).toEqual({ ...answer, value: "open" });
    const merged = mergeAnswers([{ ...answer, completeFrom: 5n }, answer, { ...answer, completeFrom: 7n }], "both");
    expect(merged).toMatchObject({ value: "both", positions: answer.positions, completeFrom: 7n });
    expect(merged.tag).not.toBe(mergeAnswers([answer], "one").tag);
    expect(mergeAnswers([answer, answer], "").completeFrom).toBeUndefined();
  });
});

describe("options that cannot be", () => {
  it.each<[string, Partial<ProjectionOptions<Order>>]>([
    ["name", { name: "Orders/1" }],
    ["name", { name: "" }],
    ["version", { version: 0 }],
    ["version", { version: 1.5 }],
    ["bounds.keys", { bounds: { keys: 0, bytes: 1 } }],
    ["bounds.bytes", { bounds: { keys: 1, bytes: 0 } }],
    ["sources", { sources: [] }],
    ["sources", { sources: [...ordersOptions().sources, ...ordersOptions().sources] }],
    [
      "indexes",
      {
        indexes: [
          { name: "a", sort: () => 1 },
          { name: "a", sort: () => 1 },
        ],
      },
    ],
  ])("are refused by name: %s", (path, more) => {
    expect(() => createOrders({ bounds: { keys: 1, bytes: 1 } })).not.toThrow();
    expect(() => createOrders(more)).toThrow(expect.objectContaining({ code: "invalid_request" }));
    expect(() => createOrders(more)).toThrow(path);
  });
});
