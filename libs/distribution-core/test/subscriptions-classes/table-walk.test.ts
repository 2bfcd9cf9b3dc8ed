import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EventList, FRAME_BYTES } from "../../src/subscriptions/event-list.ts";
import { Lane } from "../../src/subscriptions/lane.ts";
import { WALK_KEYS, type WalkBounds, walkTable } from "../../src/subscriptions/table-walk.ts";
import { createTable, type PartitionTail, type Place } from "../../src/tail/index.ts";
import { createKeySpans } from "../../src/tail/key-spans.ts";
import { storedOf } from "../tail/support.ts";

/** A lane with a table of changes; the id of a change is its number. */
class Bench {
  readonly table = createTable({ maxKeys: 100_000, maxBytes: 100_000_000 });
  readonly lane: Lane;
  /** Number and key of every change. */
  readonly changes: string[] = [];
  readonly #spans = createKeySpans();
  #head: Place = { number: 0, epoch: "e1", offset: "-1" };

  constructor() {
    const bench = this;
    const tail = {
      table: this.table,
      get head() {
        return bench.#head;
      },
    } as unknown as PartitionTail;
    this.lane = new Lane(tail, 0, { members: 0 });
  }

  get head(): Place {
    return this.#head;
  }

  change(...keys: readonly string[]): void {
    const first = this.changes.length;
    const stored = storedOf(
      keys.map((key, index) => `${first + index}:${key}`),
      first,
    );
    const spans = this.#spans(stored.batch);
    for (const [index, key] of keys.entries()) {
      this.table.apply(first + index, stored, index, spans[2 * index]!, spans[2 * index + 1]!);
      this.changes.push(key);
    }
    const number = this.changes.length;
    this.#head = { number, epoch: "e1", offset: String(number - 1) };
  }

  /** One step: the numbers of the events it gave. */
  step(from: number, end: Place, bounds: WalkBounds, wanted = (_key: string): boolean => true) {
    const list = new EventList();
    const selects = (_: Lane, { offsetAt }: { offsetAt(index: number): string }, index: number): boolean =>
      wanted(this.changes[Number(offsetAt(index))]!);
    const walked = walkTable({ selects }, this.lane, from, end, list, bounds);
    return { ...walked, numbers: list.number.slice(0, list.count), bytes: list.bytes };
  }
}

const ALL = { events: Number.POSITIVE_INFINITY };

describe("a walk over the table", () => {
  it("gives of every key the newest event before the end, oldest change first", () => {
    const bench = new Bench();
    bench.change("a", "b", "a", "c");
    const { numbers, upto, keys, done } = bench.step(0, bench.head, ALL);
    expect({ numbers, upto, keys, done }).toEqual({ numbers: [1, 2, 3], upto: bench.head, keys: 3, done: true });
    expect(bench.step(2, bench.head, ALL).numbers).toEqual([2, 3]);
  });

  it("leaves out what is not wanted, and counts it as looked at", () => {
    const bench = new Bench();
    bench.change("a", "b", "c");
    const { numbers, keys, done } = bench.step(0, bench.head, ALL, (key) => key === "b");
    expect({ numbers, keys, done }).toEqual({ numbers: [1], keys: 3, done: true });
  });

  it.each([
    { keys: WALK_KEYS - 1, seen: WALK_KEYS - 1, done: true },
    { keys: WALK_KEYS, seen: WALK_KEYS, done: true },
    { keys: WALK_KEYS + 1, seen: WALK_KEYS, done: false },
  ])("of $keys keys looks at $seen in one step, wanted or not", ({ keys, seen, done }) => {
    const bench = new Bench();
    bench.change(...Array.from({ length: keys }, (_, key) => `k${key}`));
    const step = bench.step(0, bench.head, ALL, () => false);
    expect([step.keys, step.done, step.upto.number]).toEqual([seen, done, seen]);
    expect(step.upto.offset).toBe(String(seen - 1));
  });

  it("takes no more events than it may, and no more bytes than a frame has", () => {
    const bench = new Bench();
    const long = "k".repeat(1_000);
    bench.change(...Array.from({ length: 200 }, (_, key) => `${long}${key}`));
    expect(bench.step(0, bench.head, { events: 3 })).toMatchObject({ numbers: [0, 1, 2], done: false });
    const { bytes, upto, numbers } = bench.step(0, bench.head, ALL);
    expect(bytes).toBeGreaterThanOrEqual(FRAME_BYTES);
    expect(bytes - bytes / numbers.length).toBeLessThan(FRAME_BYTES);
    expect(upto.number).toBe(numbers.length);
  });

  it("and what comes after its end have of every key the newest event, and no event twice, whatever changes between its steps", () => {
    const key = fc.integer({ min: 0, max: 30 }).map((name) => `k${name}`);
    const step = fc.record({
      changes: fc.array(key, { maxLength: 6 }),
      events: fc.integer({ min: 1, max: 5 }),
      keys: fc.integer({ min: 1, max: 8 }),
    });
    const wanted = (name: string): boolean => !name.endsWith("3");
    fc.assert(
      fc.property(
        fc.array(key, { minLength: 1, maxLength: 200 }),
        fc.array(step, { minLength: 1 }),
        (before, steps) => {
          const bench = new Bench();
          bench.change(...before);
          const end = bench.head;
          const seen: number[] = [];
          let from = 0;
          let looked = 0;
          for (let at = 0; from < end.number; at += 1) {
            const { changes, ...bounds } = steps[at % steps.length]!;
            const walked = bench.step(from, end, bounds, wanted);
            expect(walked.upto.number).toBeGreaterThan(from);
            from = walked.upto.number;
            looked += walked.keys;
            seen.push(...walked.numbers);
            bench.change(...changes);
          }
          // In the order of the log, before the end, and each the newest of its key then.
          expect(seen).toEqual([...new Set(seen)].sort((a, b) => a - b));
          expect(looked).toBeLessThanOrEqual(end.number);
          for (const [name, newest] of newestOf(before)) {
            const changedLater = bench.changes.indexOf(name, end.number) >= 0;
            if (!wanted(name)) expect(seen).not.toContain(newest);
            else if (!changedLater) expect(seen).toContain(newest);
          }
          for (const number of seen) expect(newestOf(before).get(bench.changes[number]!)).toBe(number);
        },
      ),
      { numRuns: 200 },
    );
  });
});

/** The number of each key's newest change. */
function newestOf(changes: readonly string[]): Map<string, number> {
  return new Map(changes.map((key, number) => [key, number]));
}
