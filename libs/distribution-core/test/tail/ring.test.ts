import { collectGarbage } from "@distribution/testkit/service";
import { describe, expect, it } from "vitest";
import { createRing, type Ring } from "../../src/tail/index.ts";
import { idsOf, numeric, storedOf } from "./support.ts";

/** What one batch of these names costs. */
function costOf(names: readonly string[]): number {
  const ring = createRing({ bytes: 0 });
  ring.push(storedOf(names));
  return ring.bytes;
}

const firstId = (ring: Ring, number: number): string | undefined => {
  const found = ring.find(number);
  return found && idsOf(found.stored)[number - found.first];
};

describe("a ring", () => {
  it("is empty at first, with the number that it was told to begin at", () => {
    const ring = createRing({ bytes: 1_000 }, 7);
    expect([ring.first, ring.next, ring.bytes]).toEqual([7, 7, 0]);
    expect(ring.find(7)).toBeUndefined();
    expect(ring.numberOf("0", numeric)).toBeUndefined();
  });

  it("numbers events densely across batches and finds each by its number", () => {
    const ring = createRing({ bytes: 1_000_000 }, 10);
    expect(ring.push(storedOf(["a", "b"])).first).toBe(10);
    expect(ring.push(storedOf(["c"], 2)).first).toBe(12);
    expect(ring.push(storedOf(["d", "e"], 3)).first).toBe(13);
    expect([10, 11, 12, 13, 14].map((number) => firstId(ring, number))).toEqual(["a", "b", "c", "d", "e"]);
    expect(ring.find(9)).toBeUndefined();
    expect(ring.find(15)).toBeUndefined();
    expect(ring.next).toBe(15);
  });

  it("finds an event's number by its offset, even where offsets skip", () => {
    const ring = createRing({ bytes: 1_000_000 });
    ring.push(storedOf(["a", "b"], 10));
    ring.push(storedOf(["c", "d"], 20));
    expect(ring.numberOf("10", numeric)).toBe(0);
    expect(ring.numberOf("11", numeric)).toBe(1);
    expect(ring.numberOf("20", numeric)).toBe(2);
    expect(ring.numberOf("21", numeric)).toBe(3);
    expect(ring.numberOf("12", numeric)).toBeUndefined();
    expect(ring.numberOf("9", numeric)).toBeUndefined();
    expect(ring.numberOf("22", numeric)).toBeUndefined();
  });

  it.each([
    { name: "one byte more than two batches need", spare: 1, held: 2 },
    { name: "just what two batches need", spare: 0, held: 2 },
    { name: "one byte less than two batches need", spare: -1, held: 1 },
  ])("with $name holds $held", ({ spare, held }) => {
    const evicted: string[] = [];
    const ring = createRing({
      bytes: 2 * costOf(["a"]) + spare,
      onEvict: ({ stored }) => void evicted.push(...idsOf(stored)),
    });
    ring.push(storedOf(["a"]));
    ring.push(storedOf(["b"], 1));
    expect(ring.next - ring.first).toBe(held);
    expect(evicted).toEqual(held === 2 ? [] : ["a"]);
    expect(ring.bytes).toBe(held * costOf(["a"]));
  });

  it("holds the newest batch even when it alone is over the bound", () => {
    const ring = createRing({ bytes: 1 });
    ring.push(storedOf(["a", "b", "c"]));
    expect(firstId(ring, 0)).toBe("a");
    ring.push(storedOf(["d"], 3));
    expect([firstId(ring, 2), firstId(ring, 3)]).toEqual([undefined, "d"]);
  });

  it("stays within its bytes over many batches, and forgets the oldest first", () => {
    const ring = createRing({ bytes: 10 * costOf(["0000"]) });
    for (let at = 0; at < 1_000; at += 1) ring.push(storedOf([String(at).padStart(4, "0")], at));
    expect(ring.bytes).toBe(10 * costOf(["0000"]));
    expect([ring.first, ring.next]).toEqual([990, 1_000]);
    expect(firstId(ring, 990)).toBe("0990");
    expect(firstId(ring, 999)).toBe("0999");
    expect(ring.find(989)).toBeUndefined();
    expect(ring.numberOf("995", numeric)).toBe(995);
  });

  it("holds on to nothing that it let go", async () => {
    const ring = createRing({ bytes: 2 * costOf(["0"]) });
    const pushed = Array.from({ length: 9 }, (_, at) => new WeakRef(ring.push(storedOf([String(at)], at))));
    await collectGarbage();
    expect(pushed.map((batch) => batch.deref()?.first)).toEqual([...new Array(7).fill(undefined), 7, 8]);
  });

  it("lets go of everything when the log broke off, tells of each batch, and leaves one number out", () => {
    const evicted: number[] = [];
    const ring = createRing({ bytes: 1_000_000, onEvict: ({ first }) => void evicted.push(first) });
    ring.push(storedOf(["a", "b"]));
    ring.push(storedOf(["c"], 2));
    ring.breakOff();
    expect(evicted).toEqual([0, 2]);
    expect([ring.first, ring.next, ring.bytes]).toEqual([4, 4, 0]);
    expect(ring.push(storedOf(["d"], 0)).first).toBe(4);
  });
});
