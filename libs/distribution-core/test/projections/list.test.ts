import { mulberry32 } from "@distribution/testkit/simulation";
import { describe, expect, it } from "vitest";
import {
  type Answer,
  defineIndex,
  type Entry,
  feedProjections,
  type Index,
  type ListRequest,
  PAGE_LIMIT,
  PAGE_SCAN,
  type Page,
  type Projection,
  type SortKey,
} from "../../src/projections/index.ts";
import {
  byPrice,
  byStatus,
  byStrategy,
  createOrders,
  createPlacing,
  ORDERS,
  type Order,
  type OrderEvent,
  orderEvent,
} from "./support.ts";

function feed(more: Parameters<typeof createOrders>[0] = {}) {
  const orders = createOrders({ bounds: { keys: 100_000, bytes: 1 << 30 }, sizeOf: () => 100, ...more });
  const give = feedProjections([ORDERS], [orders]);
  const placed = createPlacing();
  return { orders, put: (key: string, payload: OrderEvent = {}) => give(placed(orderEvent(key, payload))) };
}

const keysOf = ({ value }: Answer<Page<unknown>>): string[] => value.entries.map(({ key }) => key);

/** All pages, of any size. */
function readAll<Sort extends SortKey>(
  orders: Projection<Order>,
  index: Index<Order, Sort>,
  request: Omit<ListRequest<Order, Sort>, "limit">,
  limit: () => number = () => 2,
): string[] {
  const keys: string[] = [];
  let cursor: string | undefined;
  do {
    const answer = orders.list(index, { ...request, limit: limit(), cursor });
    keys.push(...keysOf(answer));
    cursor = answer.value.next;
  } while (cursor !== undefined);
  return keys;
}

describe("a list", () => {
  it("has the entries of its group, those that changed last first", () => {
    const { orders, put } = feed();
    put("a", { status: "open" });
    put("b", { status: "open" });
    put("c", { status: "filled" });
    put("a", { price: 7 });
    const answer = orders.list(byStatus, { group: "open", limit: 10 });
    expect(keysOf(answer)).toEqual(["a", "b"]);
    expect(answer.value.next).toBeUndefined();
    expect(answer.value.entries[0]).toEqual({ key: "a", state: orders.find("a")!.state, changedAt: 4_000_000_000n });
    expect(answer.positions).toMatchObject([{ partition: 0, offset: "4" }]);
    expect(keysOf(orders.list(byStatus, { group: "open", order: "ascending", limit: 10 }))).toEqual(["b", "a"]);
    expect([orders.count(byStatus, "open"), orders.count(byStatus, "filled"), orders.count(byStatus, "none")]).toEqual([
      2, 1, 0,
    ]);
    expect(keysOf(orders.list(byStatus, { group: "none", limit: 10 }))).toEqual([]);
  });

  it("loses an entry that left its group, went, or was forgotten", () => {
    const { orders, put } = feed({ bounds: { keys: 2, bytes: 1 << 30 } });
    put("a", { status: "open" });
    put("b", { status: "open" });
    put("a", { status: "filled" });
    expect(keysOf(orders.list(byStatus, { group: "open", limit: 10 }))).toEqual(["b"]);
    put("c", { status: "open" });
    expect(keysOf(orders.list(byStatus, { group: "open", limit: 10 }))).toEqual(["c"]);
    put("c", { status: "gone" });
    expect([orders.count(byStatus, "open"), orders.count(byPrice)]).toEqual([0, 1]);
  });

  it("has an entry in each of its groups, and none that is in no group", () => {
    const { orders, put } = feed();
    put("a", { strategies: ["x", "y", "x"] });
    put("b", { strategies: ["y"] });
    put("c");
    expect([readAll(orders, byStrategy, { group: "x" }), readAll(orders, byStrategy, { group: "y" })]).toEqual([
      ["a"],
      ["b", "a"],
    ]);
    put("a", { strategies: ["z"] });
    expect([orders.count(byStrategy, "x"), orders.count(byStrategy, "y"), orders.count(byStrategy, "z")]).toEqual([
      0, 1, 1,
    ]);
  });

  it("takes a range of its sort key, from the first on and before the second", () => {
    const { orders, put } = feed();
    for (const price of [1, 2, 3, 4, 5]) put(`p${price}`, { price });
    expect(readAll(orders, byPrice, { from: 2, to: 4 })).toEqual(["p3", "p2"]);
    expect(readAll(orders, byPrice, { from: 2, to: 4, order: "ascending" })).toEqual(["p2", "p3"]);
    expect(readAll(orders, byPrice, { from: 4 })).toEqual(["p5", "p4"]);
    expect(readAll(orders, byPrice, { to: 3, order: "ascending" })).toEqual(["p1", "p2"]);
    expect(readAll(orders, byPrice, { from: 6 })).toEqual([]);
  });

  it("leaves out what its filter leaves out, and goes on behind it", () => {
    const { orders, put } = feed();
    for (let price = 0; price < 10; price += 1) put(`p${price}`, { price, status: price % 3 === 0 ? "open" : "new" });
    const where = ({ state }: Entry<Order>) => state.status === "open";
    expect(readAll(orders, byPrice, { where }, () => 1)).toEqual(["p9", "p6", "p3", "p0"]);
  });

  it("gives the same tag while its page is the same", () => {
    const { orders, put } = feed();
    for (const price of [1, 2, 3]) put(`p${price}`, { price });
    const page = () => orders.list(byPrice, { limit: 2 }).tag;
    const before = page();
    put("p0", { price: 0 });
    expect(page()).toBe(before);
    put("p2");
    expect(page()).not.toBe(before);
  });
});

describe("a page", () => {
  it(`has 1 to ${PAGE_LIMIT} entries`, () => {
    const { orders, put } = feed();
    for (let at = 0; at <= PAGE_LIMIT; at += 1) put(`${at}`);
    expect(keysOf(orders.list(byPrice, { limit: 1 }))).toHaveLength(1);
    expect(keysOf(orders.list(byPrice, { limit: PAGE_LIMIT }))).toHaveLength(PAGE_LIMIT);
    for (const limit of [0, 1.5, Number.NaN, PAGE_LIMIT + 1]) {
      expect(() => orders.list(byPrice, { limit })).toThrow(/^limit: must be a whole number from 1 to 1000/);
    }
  });

  it("looks at so many entries and no more, and says where to go on", () => {
    const { orders, put } = feed({ indexes: [byPrice] });
    for (let price = 0; price <= PAGE_SCAN; price += 1) put(`${price}`, { price });
    let asked = 0;
    const where = ({ state }: Entry<Order>) => {
      asked += 1;
      return state.price === PAGE_SCAN;
    };
    const first = orders.list(byPrice, { where, order: "ascending", limit: 10 });
    expect([asked, keysOf(first)]).toEqual([PAGE_SCAN, []]);
    const second = orders.list(byPrice, { where, order: "ascending", limit: 10, cursor: first.value.next });
    expect([asked, keysOf(second), second.value.next]).toEqual([PAGE_SCAN + 1, [String(PAGE_SCAN)], undefined]);
  });

  it.each<[string, SortKey, SortKey, SortKey]>([
    ["texts", "a", "b", "b c"],
    ["numbers", -1.5, 0, 1e300],
    ["64-bit numbers", -1n, 2n ** 53n, 2n ** 53n + 1n],
  ])("goes on where the one before ended, sorted by %s", (_, ...sorts) => {
    const index = defineIndex<Order, SortKey>({ name: "any", sort: ({ state }) => sorts[state.price]! });
    const { orders, put } = feed({ indexes: [index] });
    for (const price of [1, 0, 2]) put(`p${price}`, { price });
    put("same", { price: 1 });
    expect(readAll(orders, index, {}, () => 1)).toEqual(["p2", "same", "p1", "p0"]);
    expect(readAll(orders, index, { order: "ascending" }, () => 1)).toEqual(["p0", "p1", "same", "p2"]);
  });

  it("has a cursor of its own list: another's, and what is none, is refused", () => {
    const { orders, put } = feed();
    for (const key of ["a", "b", "c"]) put(key, { status: "open" });
    const list = (cursor: string | undefined, more = {}) =>
      orders.list(byStatus, { group: "open", limit: 1, cursor, ...more });
    const { next } = list(undefined).value;
    expect(keysOf(list(next))).toEqual(["b"]);
    const big = Buffer.from(JSON.stringify([["orders", "by-status", "open", "descending"], "b", "9".repeat(99), "a"]));
    for (const [cursor, more] of [
      [next, { group: "new" }],
      [next, { order: "ascending" }],
      ["", {}],
      ["!", {}],
      [`${next}x`.slice(3), {}],
      [big.toString("base64url"), {}],
      [Buffer.from("5").toString("base64url"), {}],
    ] as const) {
      expect(() => list(cursor, more), `${cursor}`).toThrow(
        expect.objectContaining({ code: "invalid_request", errors: [expect.objectContaining({ path: "cursor" })] }),
      );
    }
    expect(() => orders.list(byPrice, { limit: 1, cursor: next })).toThrow(/^cursor: /);
  });

  it("of an index that the projection was made without is a defect that says so", () => {
    const { orders } = feed({ indexes: [byPrice] });
    expect(() => orders.list(byStatus, { limit: 1 })).toThrow("orders was made without the index by-status");
  });
});

describe("pages of a list that changes meanwhile", () => {
  it("by last change, oldest first, have everything, and what changed once more", () => {
    const { orders, put } = feed();
    for (const key of ["a", "b", "c", "d"]) put(key, { status: "open" });
    const list = (cursor?: string) => orders.list(byStatus, { group: "open", order: "ascending", limit: 2, cursor });
    const first = list();
    put("a");
    put("c");
    const second = list(first.value.next);
    const third = list(second.value.next);
    expect([keysOf(first), keysOf(second), keysOf(third)]).toEqual([["a", "b"], ["d", "a"], ["c"]]);
  });

  it("by last change, newest first, have everything but what changed after the first page's positions", () => {
    const { orders, put } = feed();
    for (const key of ["a", "b", "c", "d"]) put(key, { status: "open" });
    const first = orders.list(byStatus, { group: "open", limit: 2 });
    put("a");
    put("d", { status: "filled" });
    const second = orders.list(byStatus, { group: "open", limit: 2, cursor: first.value.next });
    expect([keysOf(first), keysOf(second), second.value.next]).toEqual([["d", "c"], ["b"], undefined]);
  });

  it("go on although the entry that the cursor names is gone", () => {
    const { orders, put } = feed();
    for (const price of [1, 2, 3]) put(`p${price}`, { price });
    const first = orders.list(byPrice, { limit: 2 });
    put("p2", { status: "gone" });
    expect(keysOf(orders.list(byPrice, { limit: 2, cursor: first.value.next }))).toEqual(["p1"]);
  });

  it.each([1, 2, 3])("hold what sorting everything anew holds, whatever happened (seed %i)", (seed) => {
    const random = mulberry32(seed);
    const upTo = (most: number) => Math.floor(random() * most);
    const { orders, put } = feed();
    const states = new Map<string, { price: number; status: string }>();
    for (let step = 0; step < 6_000; step += 1) {
      const key = `k${upTo(2_000)}`;
      const payload = { price: upTo(50), status: ["open", "filled", "gone"][upTo(3)]! };
      put(key, payload);
      if (payload.status === "gone") states.delete(key);
      else states.set(key, payload);
    }
    const sorted = [...states]
      .sort(([a, { price: x }], [b, { price: y }]) => x - y || (a < b ? -1 : 1))
      .filter(([, { price }]) => price >= 5 && price < 45)
      .map(([key]) => key);
    const range = { from: 5, to: 45 };
    const limit = () => 1 + upTo(200);
    expect(readAll(orders, byPrice, { ...range, order: "ascending" }, limit)).toEqual(sorted);
    expect(readAll(orders, byPrice, range, limit)).toEqual(sorted.toReversed());
    expect(orders.count(byStatus, "open") + orders.count(byStatus, "filled")).toBe(states.size);
  });
});
