/** The checker itself on trial: every kind of bug is planted, and must be found, and nothing else with it. */
import { assertFaultless, createHistory, type FaultKind, type HistoryReport } from "@distribution/testkit/history";
import fc from "fast-check";
import { describe, expect, test } from "vitest";

interface Planned {
  readonly id: string;
  readonly key: string;
}

const KINDS: readonly FaultKind[] = ["lost", "duplicated", "reordered", "phantom", "torn"];

const events = (keys: number, count: number): Planned[] =>
  Array.from({ length: count }, (_, at) => ({ id: `e${at}`, key: `k${at % keys}` }));

/** All published and acknowledged; one observer sees `sightings`. */
function judge(planned: readonly Planned[], sightings: readonly string[], redeliveries = false): HistoryReport {
  const history = createHistory();
  for (const { id, key } of planned) {
    history.publish(id, key);
    history.settle(id, "acknowledged");
  }
  const observer = history.observer("reader", { redeliveries });
  for (const id of sightings) observer.saw(id);
  return history.report();
}

const counts = (report: HistoryReport): Record<string, number> =>
  Object.fromEntries(KINDS.map((kind) => [kind, report[kind].count]).filter(([, count]) => count !== 0));

const planned = events(3, 30);
const ids = planned.map(({ id }) => id);

describe("a history without faults", () => {
  test("has none, and says what it saw", () => {
    const report = judge(planned, ids);
    expect(report).toMatchObject({
      faultless: true,
      published: 30,
      acknowledged: 30,
      seen: 30,
      unknown: 0,
      refused: 0,
    });
    expect(() => assertFaultless(report)).not.toThrow();
  });

  test("may have events of different keys in any order", () => {
    const byKey = [...planned].sort((a, b) => a.key.localeCompare(b.key));
    expect(
      counts(
        judge(
          planned,
          byKey.map(({ id }) => id),
        ),
      ),
    ).toEqual({});
  });

  test("may have events without a key in any order", () => {
    const free = planned.map(({ id }) => ({ id, key: "" }));
    expect(counts(judge(free, ids.toReversed()))).toEqual({});
  });

  test("may lack an event whose outcome nobody knows, or have it", () => {
    for (const sightings of [["a"], ["a", "b"]]) {
      const history = createHistory();
      history.publish("a", "k");
      history.settle("a", "acknowledged");
      history.publish("b", "k");
      const observer = history.observer("reader");
      for (const id of sightings) observer.saw(id);
      expect(history.report()).toMatchObject({ faultless: true, unknown: 1 });
    }
  });

  test("counts repeats as redelivered for an observer that is allowed them", () => {
    const report = judge(planned, [...ids, "e4", "e4"], true);
    expect(report).toMatchObject({ faultless: true, redelivered: 2 });
  });

  test("judges an observer by what it should see", () => {
    const history = createHistory();
    for (const { id, key } of planned) {
      history.publish(id, key);
      history.settle(id, "acknowledged");
    }
    const observer = history.observer("one key", { expects: (_, key) => key === "k0" });
    for (const { id, key } of planned) if (key === "k0") observer.saw(id);
    expect(history.report().faultless).toBe(true);
  });
});

describe("a planted bug is found", () => {
  test("lost: the last event is cut off", () => {
    const report = judge(planned, ids.slice(0, -1));
    expect(counts(report)).toEqual({ lost: 1 });
    expect(report.lost.examples[0]).toContain("e29");
  });

  test("duplicated: an event comes twice", () => {
    expect(counts(judge(planned, [...ids.slice(0, 5), "e4", ...ids.slice(5)]))).toEqual({ duplicated: 1 });
  });

  test("reordered: two events of one key change places", () => {
    const swapped = ids.with(3, "e6").with(6, "e3");
    const report = judge(planned, swapped);
    expect(counts(report)).toEqual({ reordered: 1 });
    expect(report.reordered.examples[0]).toBe("reader saw e3 of key k0 after the later e6");
  });

  test("phantom: an event nobody published", () => {
    expect(counts(judge(planned, [...ids, "ghost"]))).toEqual({ phantom: 1 });
  });

  test("phantom: an event that was refused", () => {
    const history = createHistory();
    history.publish("a", "k");
    history.settle("a", "refused");
    history.observer("reader").saw("a");
    expect(counts(history.report())).toEqual({ phantom: 1 });
  });

  test("torn: half of an atomic call", () => {
    const history = createHistory();
    for (const id of ["a", "b"]) history.publish(id, id, "call 1");
    history.observer("reader").saw("b");
    const report = history.report();
    expect(counts(report)).toEqual({ torn: 1 });
    expect(report.torn.examples[0]).toBe("reader saw a part of call call 1, without a");
  });

  test("by the one observer of two that has it", () => {
    const history = createHistory();
    history.publish("a", "k");
    history.settle("a", "acknowledged");
    history.observer("good").saw("a");
    history.observer("bad");
    expect(history.report().lost).toEqual({ count: 1, examples: [expect.stringContaining("bad did not see a")] });
  });

  test("with at most five examples, and an exact count", () => {
    const report = judge(planned, ids.slice(0, 10));
    expect(report.lost.count).toBe(20);
    expect(report.lost.examples).toHaveLength(5);
    expect(() => assertFaultless(report)).toThrow(/20 lost:\n {2}reader did not see e10/);
  });
});

test("an id may be published once", () => {
  const history = createHistory();
  history.publish("a", "k");
  expect(() => history.publish("a", "k")).toThrow("published before");
  expect(() => history.settle("b", "refused")).toThrow("never published");
});

test("whatever is dropped, repeated or invented at random is counted exactly", () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom("keep", "drop", "repeat", "invent"), { minLength: 1, maxLength: 60 }),
      fc.integer({ min: 1, max: 5 }),
      (fates, keys) => {
        const all = events(keys, fates.length);
        const sightings = fates.flatMap((fate, at) => {
          const id = all[at]!.id;
          return { keep: [id], drop: [], repeat: [id, id], invent: [id, `ghost ${at}`] }[fate];
        });
        const count = (fate: string): number => fates.filter((one) => one === fate).length;
        const report = judge(all, sightings);
        expect([report.lost, report.duplicated, report.phantom, report.reordered].map((fault) => fault.count)).toEqual([
          count("drop"),
          count("repeat"),
          count("invent"),
          0,
        ]);
      },
    ),
    { numRuns: 200 },
  );
});

test("a shuffle has as many reordered events as come after a later one of their key", () => {
  const shuffles = fc.shuffledSubarray([...Array(12).keys()], { minLength: 12, maxLength: 12 });
  fc.assert(
    fc.property(shuffles, (order) => {
      const all = events(2, 12);
      const late = order.filter((number, at) =>
        order.slice(0, at).some((before) => before > number && (before - number) % 2 === 0),
      );
      const report = judge(
        all,
        order.map((number) => `e${number}`),
      );
      expect(report.reordered.count).toBe(late.length);
    }),
    { numRuns: 200 },
  );
});
