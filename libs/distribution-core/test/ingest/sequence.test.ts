import { describe, expect, test } from "vitest";
import type { SequenceStep } from "../../src/ingest/index.ts";
import { MAX_REPORTS } from "../../src/ingest/sequence-check.ts";
import { SequenceTracker, STEP } from "../../src/ingest/sequence-tracker.ts";
import { createHeldBroker, Disk, event, open, refusal } from "./support.ts";

let made = 0;
const next = (sequence: bigint, more = {}) => {
  made += 1;
  return event(`s${made}`, { sequence, ...more });
};

async function steps(sequences: readonly bigint[]): Promise<readonly (readonly [string, bigint, bigint])[]> {
  await using disk = new Disk();
  const found: SequenceStep[] = [];
  const { publish } = await open({ broker: await disk.open(), onSequence: (step) => found.push(step) });
  for (const sequence of sequences) await publish([next(sequence)]);
  return found.map(({ kind, expected, got }) => [kind, expected, got] as const);
}

describe("a source that counts its events of a key", () => {
  test("is left alone as long as it counts on, from wherever it begins", async () => {
    expect(await steps([17n, 18n, 19n])).toEqual([]);
  });

  test("is reported for what it leaves out, and then expected to go on from there", async () => {
    expect(await steps([1n, 2n, 5n, 6n])).toEqual([["gap", 3n, 5n]]);
  });

  test("is reported for steps back, which do not turn back what is expected", async () => {
    expect(await steps([1n, 3n, 2n, 4n, 4n])).toEqual([
      ["gap", 2n, 3n],
      ["out-of-order", 4n, 2n],
      ["out-of-order", 5n, 4n],
    ]);
  });

  test("may begin anew at 1, and is reported for it once", async () => {
    expect(await steps([7n, 8n, 1n, 2n])).toEqual([["out-of-order", 9n, 1n]]);
  });

  test("is followed beyond 2^53 and over the bound of 32 bits without losing a digit", async () => {
    expect(await steps([2n ** 32n - 1n, 2n ** 32n, 2n ** 53n, 2n ** 53n + 1n, 2n ** 64n - 1n])).toEqual([
      ["gap", 2n ** 32n + 1n, 2n ** 53n],
      ["gap", 2n ** 53n + 2n, 2n ** 64n - 1n],
    ]);
  });

  test("is told from other sources and keys, and events without a sequence do not count", async () => {
    await using disk = new Disk();
    const found: SequenceStep[] = [];
    const { publish, metrics } = await open({ broker: await disk.open(), onSequence: (step) => found.push(step) });
    await publish([
      next(1n),
      next(1n, { key: "other" }),
      next(0n),
      next(2n),
      next(1n, { source: "/feeds/b" }),
      next(3n, { key: "other" }),
      next(2n, { key: "other" }),
    ]);
    expect(found).toMatchObject([
      { kind: "gap", topic: "md.trades", source: "/feeds/a", key: "other", expected: 2n, got: 3n },
      { kind: "out-of-order", key: "other", expected: 4n, got: 2n },
    ]);
    expect(metrics.render()).toContain('distribution_ingest_sequence_gaps_total{topic="md.trades"} 1');
    expect(metrics.render()).toContain('distribution_ingest_out_of_order_total{topic="md.trades"} 1');
  });

  test("is not reported for repeated events, nor for ones that did not become durable", async () => {
    const { broker, appends } = createHeldBroker();
    const found: SequenceStep[] = [];
    const { publish } = await open({ broker, onSequence: (step) => found.push(step) });
    const first = next(1n);
    const outcome = publish([first]);
    appends[0]!.accept();
    await outcome;
    await publish([first]);
    const mixed = publish([first, next(2n)]);
    appends[1]!.accept();
    await mixed;
    const failed = publish([next(9n)]);
    appends[2]!.refuse(new Error("Away."));
    await refusal(failed, "internal");
    const second = publish([next(3n)]);
    appends[3]!.accept();
    await second;
    expect(found).toEqual([]);
  });

  test("gets its publish through when the listener fails, and a bounded number of reports", async () => {
    await using disk = new Disk();
    let calls = 0;
    const logged: unknown[] = [];
    const { publish, metrics } = await open({
      broker: await disk.open(),
      logger: { debug() {}, info() {}, warn() {}, error: (fields: object) => logged.push(fields) },
      onSequence() {
        calls += 1;
        throw new Error("listener");
      },
    });
    const count = MAX_REPORTS + 1;
    const { positions } = await publish(Array.from({ length: count + 1 }, (_, index) => next(BigInt(2 * index + 1))));
    expect(positions).toHaveLength(count + 1);
    expect(calls).toBe(MAX_REPORTS);
    expect(logged).toHaveLength(MAX_REPORTS);
    expect(metrics.render()).toContain(`distribution_ingest_sequence_gaps_total{topic="md.trades"} ${count}`);
  });
});

describe("the tracker", () => {
  test("knows at least half of its keys, the ones seen last, and forgets none below the bound", () => {
    const tracker = new SequenceTracker(8);
    for (let key = 1; key <= 8; key += 1) expect(tracker.check(key, key, 0, 1)).toBe(STEP.first);
    expect(tracker.size).toBe(8);
    for (let key = 5; key <= 8; key += 1) expect(tracker.check(key, key, 0, 2)).toBe(STEP.next);
    expect(tracker.check(9, 9, 0, 1)).toBe(STEP.first);
    expect(tracker.size).toBeLessThanOrEqual(8);
    for (let key = 5; key <= 8; key += 1) expect(tracker.check(key, key, 0, 3)).toBe(STEP.next);
    expect(tracker.check(1, 1, 0, 2)).toBe(STEP.first);
  });

  test("keeps a key that goes on coming while others pass", () => {
    const tracker = new SequenceTracker(4);
    for (let round = 1; round <= 50; round += 1) {
      expect(tracker.check(7, 7, 0, round)).toBe(round === 1 ? STEP.first : STEP.next);
      tracker.check(1000 + round, 0, 0, 1);
    }
  });

  test("tells keys apart whose hashes share a place", () => {
    const tracker = new SequenceTracker(64);
    for (let key = 0; key < 20; key += 1) expect(tracker.check(key * 4096, key, 0, key + 1)).toBe(STEP.first);
    for (let key = 0; key < 20; key += 1) expect(tracker.check(key * 4096, key, 0, key + 2)).toBe(STEP.next);
  });
});
