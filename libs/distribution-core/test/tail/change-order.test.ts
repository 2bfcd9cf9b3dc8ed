import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ChangeOrder, type Ordered } from "../../src/tail/change-order.ts";

interface Item extends Ordered<Item> {
  readonly name: number;
}

/** An order of items that change, and the same as a plain list. */
class Bench {
  readonly order = new ChangeOrder<Item>();
  readonly #items = new Map<number, Item>();
  #next = 0;

  /** The item changes: it is the newest now. */
  change(name: number): void {
    const item = this.#items.get(name) ?? { name, number: 0, page: undefined, slot: 0 };
    if (this.#items.delete(name)) this.order.remove(item);
    item.number = this.#next;
    this.#next += 1;
    this.order.add(item);
    this.#items.set(name, item);
  }

  removeOldest(): void {
    const { oldest } = this.order;
    if (!oldest) return;
    this.order.remove(oldest);
    this.#items.delete(oldest.name);
  }

  get changes(): number {
    return this.#next;
  }

  since(number: number, most = Number.POSITIVE_INFINITY): number[] {
    const numbers: number[] = [];
    this.order.since(number, (item) => {
      numbers.push(item.number);
      return numbers.length < most;
    });
    return numbers;
  }

  expected(number: number): number[] {
    return [...this.#items.values()].map((item) => item.number).filter((each) => each >= number);
  }
}

/** The pages that hold anything. */
function pagesOf(order: ChangeOrder<Item>): Set<unknown> {
  const pages = new Set<unknown>();
  order.since(0, ({ page }) => void pages.add(page));
  return pages;
}

describe("the order of changes", () => {
  it("is that of a plain list, from any number on, whatever changes and goes", () => {
    const step = fc.oneof(
      { weight: 8, arbitrary: fc.integer({ min: 0, max: 1_500 }) },
      { weight: 4, arbitrary: fc.integer({ min: 0, max: 20 }) },
      { weight: 1, arbitrary: fc.constant("oldest" as const) },
    );
    fc.assert(
      fc.property(
        fc.array(step, { minLength: 1, maxLength: 5_000, size: "max" }),
        fc.float({ min: 0, max: 1, noNaN: true }),
        (steps, part) => {
          const bench = new Bench();
          for (const each of steps) {
            if (each === "oldest") bench.removeOldest();
            else bench.change(each);
          }
          const from = Math.floor(part * bench.changes);
          const expected = bench.expected(from);
          expect(bench.since(from)).toEqual(expected);
          expect(bench.since(0)).toEqual(bench.expected(0));
          expect(bench.order.oldest?.number).toBe(bench.expected(0)[0]);
          expect(bench.order.first(({ number }) => number >= from)?.number).toBe(expected[0]);
        },
      ),
      { numRuns: 40 },
    );
  });

  it("stops a walk when the visitor has enough", () => {
    const bench = new Bench();
    for (let name = 0; name < 1_000; name += 1) bench.change(name);
    expect(bench.since(700, 2)).toEqual([700, 701]);
  });

  it("finds the first of those that it holds for though all of a page between them have gone", () => {
    const bench = new Bench();
    for (let name = 0; name < 1_000; name += 1) bench.change(name);
    for (let name = 256; name < 512; name += 1) bench.change(name);
    expect([100, 300, 600].map((from) => bench.order.first(({ number }) => number >= from)?.number)).toEqual([
      100, 512, 600,
    ]);
  });

  it("takes room for what it holds, not for what changed", () => {
    const bench = new Bench();
    for (let name = 0; name < 10_000; name += 1) bench.change(name);
    expect(pagesOf(bench.order).size).toBe(40);
    // Every 50th stays where it is, the others change over and over.
    for (let round = 0; round < 20; round += 1) {
      for (let name = 0; name < 10_000; name += 1) if (name % 50 > 0) bench.change(name);
    }
    expect(pagesOf(bench.order).size).toBeLessThan(50);
    for (let change = 0; change < 10_000; change += 1) bench.change(1);
    expect(pagesOf(bench.order).size).toBeLessThan(50);
  });

  it("holds nothing after it was cleared, and takes new ones", () => {
    const bench = new Bench();
    for (let name = 0; name < 600; name += 1) bench.change(name);
    bench.order.clear();
    expect([bench.since(0), bench.order.oldest, bench.order.first(() => true)]).toEqual([[], undefined, undefined]);
    const item: Item = { name: 1, number: 601, page: undefined, slot: 0 };
    bench.order.add(item);
    expect(bench.order.oldest).toBe(item);
    bench.order.remove(item);
    expect(bench.since(0)).toEqual([]);
  });
});
