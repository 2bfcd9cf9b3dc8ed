import { BookAction, type BookChange, Side } from "@distribution/proto-types/market_data/v1/market_data";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createBook } from "../src/domain/books.ts";
import { level, thrownBy } from "./support/market.ts";

const snapshotOf = (...levels: BookChange["levels"]): BookChange => ({ action: BookAction.SNAPSHOT, levels });
const deltaOf = (...levels: BookChange["levels"]): BookChange => ({ action: BookAction.DELTA, levels });

describe("a book", () => {
  it("gives the best levels first, whatever the order they came in", () => {
    const book = createBook();
    book.apply(
      snapshotOf(
        level("buy", "9", "1"),
        level("sell", "11", "2"),
        level("buy", "9.5", "3"),
        level("sell", "10.5", "4"),
      ),
    );
    expect(book.depth(2)).toEqual({
      bids: [
        { price: "9.5", size: "3" },
        { price: "9", size: "1" },
      ],
      asks: [
        { price: "10.5", size: "4" },
        { price: "11", size: "2" },
      ],
      complete: true,
      truncated: false,
    });
    expect(book.depth(1).bids).toHaveLength(1);
  });

  it("takes equal prices in different spelling for one level, and size 0 in any spelling for its removal", () => {
    const book = createBook();
    book.apply(snapshotOf(level("buy", "9.50", "1")));
    book.apply(deltaOf(level("buy", "9.5", "2")));
    expect(book.depth(5).bids).toEqual([{ price: "9.5", size: "2" }]);
    book.apply(deltaOf(level("buy", "9.500", "0.000"), level("buy", "8", "0")));
    expect(book.depth(5).bids).toEqual([]);
  });

  it("replaces everything with a snapshot, in which size 0 and repeated prices count as they do in a change", () => {
    const book = createBook();
    book.apply(snapshotOf(level("sell", "5", "1")));
    book.apply(
      snapshotOf(level("sell", "6", "1"), level("sell", "6", "2"), level("sell", "7", "1"), level("sell", "7", "0")),
    );
    expect(book.depth(5).asks).toEqual([{ price: "6", size: "2" }]);
  });

  it("says that it is not complete before its first snapshot", () => {
    const book = createBook();
    book.apply(deltaOf(level("buy", "1", "1")));
    expect(book.depth(1)).toMatchObject({ complete: false, bids: [{ price: "1", size: "1" }] });
  });

  it.each([
    [level("buy", "abc", "1"), "data.book.levels[1].price"],
    [level("buy", "1", "-1"), "data.book.levels[1].size"],
    [level("buy", "1", ""), "data.book.levels[1].size"],
    [{ side: Side.UNSPECIFIED, price: "1", size: "1" }, "data.book.levels[1].side"],
  ])("takes no level of a change in which one is not valid: %o", (bad, path) => {
    const book = createBook();
    const change = deltaOf(level("buy", "1", "1"), bad);
    expect(thrownBy(() => book.apply(change))).toMatchObject({ code: "invalid_event", errors: [{ path }] });
    expect(book.size).toBe(0);
  });

  it("refuses a change that is neither snapshot nor delta", () => {
    const change = { action: BookAction.UNSPECIFIED, levels: [] };
    expect(thrownBy(() => createBook().apply(change))).toMatchObject({ errors: [{ path: "data.book.action" }] });
  });
});

describe("the bound of a book's side", () => {
  it("keeps the best levels and says that there are more", () => {
    const levels = ["1", "2", "3"].map((price) => level("buy", price, "1"));
    const bestOf = (limit: number) => {
      const book = createBook(limit);
      book.apply(snapshotOf(...levels));
      return { prices: book.depth(3).bids.map(({ price }) => price), truncated: book.depth(3).truncated };
    };
    expect(bestOf(4)).toEqual({ prices: ["3", "2", "1"], truncated: false });
    expect(bestOf(3)).toEqual({ prices: ["3", "2", "1"], truncated: false });
    expect(bestOf(2)).toEqual({ prices: ["3", "2"], truncated: true });
  });

  it("shows no hole: beyond the worst level that was let go nothing is shown until the next snapshot", () => {
    const book = createBook(2);
    book.apply(snapshotOf(level("sell", "1", "1"), level("sell", "2", "1")));
    book.apply(deltaOf(level("sell", "1.5", "1")));
    book.apply(deltaOf(level("sell", "1", "0"), level("sell", "9", "1")));
    expect(book.depth(2)).toMatchObject({ asks: [{ price: "1.5", size: "1" }], truncated: true });
    expect(book.depth(1).truncated).toBe(false);
    book.apply(snapshotOf(level("sell", "9", "1")));
    expect(book.depth(2)).toMatchObject({ asks: [{ price: "9", size: "1" }], truncated: false });
  });
});

const side = fc.constantFrom(Side.BUY, Side.SELL);
const price = fc.integer({ min: 1, max: 40 }).map((ticks) => (ticks / 4).toString());
const size = fc.integer({ min: 0, max: 3 }).map(String);
const change: fc.Arbitrary<BookChange> = fc.record({
  action: fc.oneof(
    { weight: 1, arbitrary: fc.constant(BookAction.SNAPSHOT) },
    { weight: 6, arbitrary: fc.constant(BookAction.DELTA) },
  ),
  levels: fc.array(fc.record({ side, price, size }), { maxLength: 12 }),
});

/** The obvious book: two maps, sorted when asked. */
function naiveBook(changes: readonly BookChange[], of: Side): { price: string; size: string }[] {
  const levels = new Map<number, string>();
  for (const { action, levels: changed } of changes) {
    if (action === BookAction.SNAPSHOT) levels.clear();
    for (const entry of changed) {
      if (entry.side === of) levels.set(Number(entry.price), entry.size);
    }
  }
  return [...levels]
    .filter(([, entrySize]) => entrySize !== "0")
    .sort(([a], [b]) => (of === Side.BUY ? b - a : a - b))
    .map(([entryPrice, entrySize]) => ({ price: String(entryPrice), size: entrySize }));
}

describe("any sequence of changes", () => {
  it("gives the book that the obvious model gives", () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 30 }), (changes) => {
        const book = createBook();
        for (const each of changes) book.apply(each);
        const { bids, asks } = book.depth(100);
        expect(bids).toEqual(naiveBook(changes, Side.BUY));
        expect(asks).toEqual(naiveBook(changes, Side.SELL));
      }),
    );
  });

  it("gives, within a bound, its exact beginning: no level wrong, none missing before the last one shown", () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 30 }), fc.integer({ min: 1, max: 6 }), (changes, limit) => {
        const book = createBook(limit);
        for (const each of changes) book.apply(each);
        const { bids, asks, truncated } = book.depth(limit);
        const full = { bids: naiveBook(changes, Side.BUY), asks: naiveBook(changes, Side.SELL) };
        expect(bids).toEqual(full.bids.slice(0, bids.length));
        expect(asks).toEqual(full.asks.slice(0, asks.length));
        if (!truncated) {
          expect(bids).toEqual(full.bids.slice(0, limit));
          expect(asks).toEqual(full.asks.slice(0, limit));
        }
        expect(book.size).toBeLessThanOrEqual(2 * limit);
      }),
    );
  });
});
