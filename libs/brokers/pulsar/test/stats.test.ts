import { describe, expect, test } from "vitest";
import { changedProperties, firstProperties, type Properties, topicFrom } from "../src/admin/properties.ts";
import { type InternalStats, missedBetween, shareAfter, statsOf } from "../src/admin/stats.ts";

const raw = (ledgers: readonly [id: string, entries: number][], current: number, confirmed: string): InternalStats => ({
  ledgers: ledgers.map(([ledgerId, entries]) => ({ ledgerId, entries })),
  ...{ currentLedgerEntries: current, lastConfirmedEntry: confirmed, numberOfEntries: 3, totalSize: 300, cursors: {} },
});

describe("the newest entry of a partition", () => {
  test.each([
    ["nothing was ever written", raw([["5", 0]], 0, "5:-1"), undefined],
    [
      "the newest ledger has entries",
      raw(
        [
          ["5", 2],
          ["9", 0],
        ],
        3,
        "9:2",
      ),
      { ledger: 9n, entry: 2n },
    ],
    [
      "the newest ledger has none yet",
      raw(
        [
          ["5", 2],
          ["9", 0],
        ],
        0,
        "9:-1",
      ),
      { ledger: 5n, entry: 1n },
    ],
    [
      "the one before it is told",
      raw(
        [
          ["5", 2],
          ["9", 0],
        ],
        0,
        "5:1",
      ),
      { ledger: 5n, entry: 1n },
    ],
    ["everything was deleted", raw([["9", 0]], 0, "5:1"), undefined],
    [
      "ids have 64 bits",
      raw([["9223372036854775806", 0]], 1, "9223372036854775806:0"),
      { ledger: 9223372036854775806n, entry: 0n },
    ],
  ])("%s", (_, stats, last) => {
    expect(statsOf(stats).last).toEqual(last);
  });
});

test("of a compacted topic it counts what compaction kept and what came after, and the bytes of all", () => {
  const cursors = { __compaction: { markDeletePosition: "9:1" } };
  const ledgers: [string, number][] = [
    ["9", 4],
    ["12", 0],
  ];
  const compactedLedger = { entries: 7, size: 500 };
  expect(statsOf({ ...raw(ledgers, 3, "12:2"), cursors, compactedLedger })).toMatchObject({ entries: 12, bytes: 800 });
  const never = { ...raw(ledgers, 3, "12:2"), cursors: { __compaction: { markDeletePosition: "9:-1" } } };
  expect(statsOf({ ...never, compactedLedger: { entries: -1, size: -1 } })).toMatchObject({ entries: 3, bytes: 300 });
});

test("which part of the entries comes after one", () => {
  const stats = statsOf(
    raw(
      [
        ["5", 2],
        ["9", 4],
        ["12", 0],
      ],
      2,
      "12:1",
    ),
  );
  const share = (ledger: bigint, entry: bigint) => shareAfter(stats, { ledger, entry });
  expect([share(5n, -1n), share(5n, 1n), share(7n, 3n), share(9n, 1n), share(12n, 1n), share(99n, 0n)]).toEqual([
    1,
    6 / 8,
    6 / 8,
    4 / 8,
    0,
    0,
  ]);
  expect(shareAfter(statsOf(raw([["5", 0]], 0, "5:-1")), { ledger: 5n, entry: 0n })).toBe(0);
});

describe("whether something between two entries was deleted", () => {
  const stats = statsOf(
    raw(
      [
        ["5", 2],
        ["7", 0],
        ["9", 3],
        ["12", 0],
      ],
      4,
      "12:3",
    ),
  );
  const at = (ledger: number, entry: number) => ({ ledger: BigInt(ledger), entry: BigInt(entry) });

  test.each([
    ["entries of one ledger", at(5, 0), at(5, 9), false],
    ["the end of a ledger and the start of the next", at(5, 1), at(9, 0), false],
    ["before a ledger's end", at(5, 0), at(9, 0), true],
    ["before an empty ledger's start", at(7, -1), at(9, 0), false],
    ["a ledger with entries was passed over", at(5, 1), at(12, 0), true],
    ["not at the start of the next", at(5, 1), at(9, 1), true],
    ["a ledger that is gone", at(3, 7), at(5, 0), true],
  ])("%s", (_, given, next, missed) => {
    expect(missedBetween(stats, given, next)).toBe(missed);
  });
});

describe("how long a topic is whole", () => {
  const config = { name: "t", partitions: 1, retention: {}, compaction: false };
  const wholeUntil = (properties: Properties) => topicFrom("t", 1, properties)!.wholeUntil;
  const HOUR = 3_600_000;

  test.each([
    ["without retention: always", { ...config }, Number.POSITIVE_INFINITY],
    ["by age: as long as its first event could be kept", { ...config, retention: { ms: HOUR } }, 1000 + HOUR],
    ["by size: not known", { ...config, retention: { bytes: 1 } }, 0],
    ["compacted: always", { ...config, retention: { bytes: 1 }, compaction: true }, Number.POSITIVE_INFINITY],
  ])("%s", (_, given, until) => {
    expect(wholeUntil(firstProperties(given, "epoch", 1000))).toBe(until);
  });

  test("a change counts as long as nothing can have been deleted, and no longer", () => {
    const first = firstProperties({ ...config, retention: { ms: HOUR } }, "epoch", 1000);
    const longer = { ...config, retention: { ms: 2 * HOUR } };
    const inTime = { ...first, ...changedProperties(longer, first, HOUR) };
    expect(wholeUntil(inTime)).toBe(1000 + 2 * HOUR);
    expect(topicFrom("t", 3, inTime)?.config).toEqual({ ...longer, partitions: 3 });
    const late = { ...first, ...changedProperties(config, first, 2000 + HOUR) };
    expect(wholeUntil(late)).toBe(1000 + HOUR);
    expect(topicFrom("t", 1, late)?.config).toEqual(config);
    const unknown = changedProperties(config, {}, 2000);
    expect(unknown).not.toHaveProperty("distribution.whole-until");
  });

  test("a topic without our properties is none of ours", () => {
    expect(topicFrom("t", 1, {})).toBeUndefined();
    expect(topicFrom("t", 1, { "distribution.epoch": "e" })).toBeUndefined();
    expect(topicFrom("t", 1, { "distribution.epoch": "e", "distribution.config": '{"retention":{}}' })).toMatchObject({
      ...{ wholeUntil: 0, epoch: "e" },
    });
  });
});
