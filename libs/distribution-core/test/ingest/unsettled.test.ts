/** Appends that are rejected while a part of them is in the log, or may be. */
import type { Event } from "@distribution/proto-types/distribution/v1/event";
import { createHistory } from "@distribution/testkit/history";
import {
  createMemoryBroker,
  createSimulatedRuntime,
  type Fate,
  NO_FAULTS,
  type SimulatedRuntime,
} from "@distribution/testkit/simulation";
import { describe, expect, it } from "vitest";
import { partitionOf } from "../../src/brokers/index.ts";
import { fieldError } from "../../src/errors.ts";
import type { SequenceStep } from "../../src/ingest/index.ts";
import { createMetrics } from "../../src/observability/index.ts";
import { closed, createDoors, opened, orders } from "./doors.ts";
import { event, eventsIn, idsIn, open, publisher, refusal, type SetupOptions, topic } from "./support.ts";

const TRADES = topic("md.trades", 2);
/** A key of each partition. */
const [A, B] = [0, 1].map((partition) => {
  for (let at = 0; ; at += 1) if (partitionOf(`k${at}`, 2) === partition) return `k${at}`;
}) as [string, string];

async function setUp(more: Partial<SetupOptions> = {}) {
  const runtime = createSimulatedRuntime(1);
  const broker = createMemoryBroker(runtime, { transactions: false });
  const opening = open({ broker, runtime, topics: [TRADES], ...more });
  await runtime.run(10);
  const { topics = [TRADES] } = more;
  const log = async () =>
    Promise.all(
      topics[0]!.partitions === 1
        ? [idsIn(broker, topics[0]!.name)]
        : [0, 1].map((one) => idsIn(broker, topics[0]!.name, one)),
    );
  /** What the next append comes to, the outcome known 100 ms after. */
  const doom = (...fates: Fate[]): void => {
    let done = false;
    broker.faults = {
      ...NO_FAULTS,
      doubt() {
        if (done) return undefined;
        done = true;
        return { fates, knownAfter: 100 };
      },
    };
  };
  return { ...(await opening), runtime, broker, doom, log };
}

async function over<T>(runtime: SimulatedRuntime, outcome: Promise<T>, ms = 10): Promise<PromiseSettledResult<T>> {
  const [settled] = await Promise.all([Promise.allSettled([outcome]), runtime.run(ms)]);
  return settled[0];
}

const both = () => [event("1", { key: A }), event("2", { key: B })];
const REMEDY = "Events of the batch may be in the log: send it again with the same ids, and they are answered for.";

describe("a publish whose outcome is open", () => {
  it("is refused with the remedy; sent again it is refused until the outcome is known, and a duplicate then", async () => {
    const { runtime, publish, doom, log, ingest } = await setUp();
    doom("stored", "late");
    const refused = refusal(publish(both()), "unavailable");
    await runtime.run(10);
    expect((await refused).message).toBe(`simulated doubt. ${REMEDY}`);
    expect(ingest.inFlight()).toMatchObject({ batches: 0, events: 2 });
    const again = await refusal(publish([event("2", { key: B }), event("3")]), "unavailable");
    expect(again.message).toContain("it is not known yet whether they came into the log");
    expect(again.retryAfterMs).toBeGreaterThan(0);
    await runtime.run(100);
    expect(ingest.inFlight()).toEqual({ batches: 0, events: 0, bytes: 0 });
    const { positions, duplicates } = await publish(both());
    expect([duplicates, positions.map(({ partition, offset }) => [partition, offset])]).toEqual([
      2,
      [
        [0, "0"],
        [1, "0"],
      ],
    ]);
    expect(await log()).toEqual([["1"], ["2"]]);
  });

  it("is new when nothing of it came into the log", async () => {
    const { runtime, publish, doom, log } = await setUp();
    doom("never", "never");
    await over(runtime, publish(both()), 200);
    const again = await over(runtime, publish(both()));
    expect(again).toMatchObject({ status: "fulfilled", value: { duplicates: 0 } });
    expect(await log()).toEqual([["1"], ["2"]]);
  });

  it.each([
    [["stored", "refused"], 1],
    [["never", "late"], 1],
    [["half", "refused"], 1],
    [["half", "late"], 3],
  ] as const)("that came to %j has only the rest of it taken when it is sent again", async (fates, duplicates) => {
    const metrics = createMetrics();
    const errors: unknown[] = [];
    const logger = { debug() {}, info() {}, warn() {}, error: (fields: object) => void errors.push(fields) };
    const routes = [A, B].map((key) => ({ name: `of-${key}`, when: { keys: [key] }, to: [TRADES.name] }));
    const { runtime, publish, doom, log } = await setUp({ metrics, logger, routes });
    const routed = (key: string) => metrics.counter("distribution_route_matches_total", { route: `of-${key}` }).value;
    const four = () => ["1", "2"].flatMap((n) => [event(`a${n}`, { key: A }), event(`b${n}`, { key: B })]);
    const events = fates[0] === "half" ? four() : both();
    doom(...fates);
    await over(runtime, publish(events), 200);
    const taken = metrics.counter("distribution_ingest_events_total", { topic: TRADES.name });
    expect(taken.value).toBe(duplicates);
    expect([routed(A), routed(B)]).toEqual((await log()).map(({ length }) => length));
    expect(errors).toHaveLength(fates[0] === "half" && fates[1] === "late" ? 0 : 1);
    const again = await over(runtime, publish(events));
    expect(again).toMatchObject({ status: "fulfilled", value: { duplicates } });
    expect(taken.value).toBe(events.length);
    const ids =
      events[0]!.id === "1"
        ? [["1"], ["2"]]
        : [
            ["a1", "a2"],
            ["b1", "b2"],
          ];
    expect(await log()).toEqual(ids);
  });

  it("that one destination refuses is known where it is", async () => {
    const [first, second] = [topic("md.first"), topic("md.second")];
    const routes = [{ name: "both", when: {}, to: ["md.first", "md.second"] }];
    const { runtime, publish, doom, broker } = await setUp({ topics: [first, second], routes });
    doom("refused", "stored");
    await over(runtime, publish([event("1")]), 200);
    const again = await over(runtime, publish([event("1"), event("2")]));
    expect(again).toMatchObject({
      value: { duplicates: 1, positions: [{ topic: "md.second" }, { topic: "md.first" }] },
    });
    expect(await idsIn(broker, "md.first")).toEqual(["2"]);
    expect(await idsIn(broker, "md.second")).toEqual(["1", "2"]);
  });

  it("is not known by what a pipeline made beside its events", async () => {
    const apply = (one: Event) => [one, { ...one, id: `${one.id}-beside`, key: B }];
    const { runtime, publish, doom, log } = await setUp({ pipelines: new Map([[TRADES.name, { steps: [], apply }]]) });
    doom("refused", "stored");
    await over(runtime, publish([event("1", { key: A })]), 200);
    expect(await log()).toEqual([[], ["1-beside"]]);
    const again = await over(runtime, publish([event("1", { key: A })]));
    expect(again).toMatchObject({ value: { duplicates: 0, positions: [{ partition: 0, offset: "0" }] } });
    expect(await log()).toEqual([["1"], ["1-beside", "1-beside"]]);
  });

  it("lets those who waited for it know, and what comes behind them keeps its order", async () => {
    const { runtime, publish, doom, log } = await setUp();
    doom("late");
    const first = over(runtime, publish([event("1", { key: A })]), 50);
    const waiting = refusal(publish([event("1", { key: A })]), "unavailable");
    const behind = publish([event("2", { key: A })]);
    await first;
    await waiting;
    await over(runtime, behind, 200);
    expect(await log()).toEqual([["1", "2"], []]);
  });

  it("counts in its source's sequence once it is in the log, and not if it is not", async () => {
    const steps: SequenceStep[] = [];
    const { runtime, publish, doom } = await setUp({ onSequence: (step) => void steps.push(step) });
    const at = (sequence: string) => [event(sequence, { key: A, sequence: BigInt(sequence) })];
    await over(runtime, publish(at("1")));
    doom("late");
    await over(runtime, publish(at("2")), 200);
    await over(runtime, publish(at("3")));
    doom("never");
    await over(runtime, publish(at("4")), 200);
    expect(steps).toEqual([]);
    await over(runtime, publish(at("5")));
    expect(steps).toMatchObject([{ kind: "gap", expected: 4n, got: 5n }]);
  });

  it("is not waited for when the service goes down", async () => {
    const { runtime, publish, doom, ingest } = await setUp();
    doom("late", "late");
    await over(runtime, publish(both()));
    await ingest.drain();
    expect(ingest.inFlight().events).toBe(2);
    await runtime.run(200);
    expect(ingest.inFlight().events).toBe(0);
  });
});

describe("a governed publish whose outcome is open", () => {
  it.each([
    ["late", "illegal_transition"],
    ["never", undefined],
  ] as const)("that comes to %s holds its keys until then: others are refused at once", async (fate, refused) => {
    const { runtime, publish, doom, ingest, broker } = await setUp({ topics: [orders] });
    const doors = createDoors();
    ingest.govern(doors.rule);
    doom(fate);
    const doubtful = over(runtime, publish([opened("1")]));
    const another = (id: string) => publish([opened(id)], orders.name, publisher("another"));
    const [waiting, behind] = [refusal(another("w1"), "unavailable"), refusal(another("w2"), "unavailable")];
    await doubtful;
    for (const told of [await waiting, await behind, await refusal(another("w3"), "unavailable")])
      expect(told).toMatchObject({ message: expect.stringContaining("of a refused publish"), retryAfterMs: 1000 });
    await over(runtime, publish([opened("other", "back")], orders.name, publisher("another")), 100);
    const other = over(runtime, another("2"), 300);
    if (fate === "late") runtime.timers.after(200, () => doors.see("front", "open"));
    const { status, reason } = (await other) as PromiseRejectedResult;
    expect([status, reason?.code]).toEqual(refused === undefined ? ["fulfilled", undefined] : ["rejected", refused]);
    const before = fate === "late" ? ["1", "other"] : ["other", "2"];
    expect(await idsIn(broker, orders.name)).toEqual(before);
    if (fate === "never") return;
    await over(runtime, publish([closed("3")]));
    expect(await idsIn(broker, orders.name)).toEqual([...before, "3"]);
  });

  it("gives back what it holds, and ends nothing, when a projection fails over it", async () => {
    const errors: string[] = [];
    const logger = { debug() {}, info() {}, warn() {}, error: (_: object, text: string) => void errors.push(text) };
    const { runtime, publish, doom, ingest, broker } = await setUp({ topics: [orders], logger });
    const doors = createDoors();
    const reached = () => {
      throw new Error("no such partition");
    };
    ingest.govern({ ...doors.rule, by: [{ ...doors.model, reached }] });
    doom("late");
    await over(runtime, publish([opened("1")]), 200);
    expect(errors).toEqual(["What became of a refused publish could not be followed to its end."]);
    expect(ingest.inFlight().events).toBe(0);
    doors.see("front", "open");
    await over(runtime, publish([closed("2")]));
    expect(await idsIn(broker, orders.name)).toEqual(["1", "2"]);
  });
});

/** Batches of numbered events, each key's in its order; every number only right behind the one before. */
async function simulate(seed: number): Promise<void> {
  const runtime = createSimulatedRuntime(seed);
  const broker = createMemoryBroker(runtime, { transactions: false });
  const random = runtime.random.next;
  const pick = <T>(of: readonly T[]): T => of[Math.floor(random() * of.length)]!;
  const numbered = topic("sim.numbered", 3);
  const opening = open({ broker, runtime, topics: [numbered] });
  await runtime.run(10);
  const { ingest, publish } = await opening;
  const inLog = async () => Promise.all([0, 1, 2].map((partition) => eventsIn(broker, numbered.name, partition)));
  /** By key: the number of the last event that the log has. Followed as a projection would, a little late. */
  const counts = new Map<string, number>();
  const look = async (): Promise<void> => {
    for (const { key, type } of (await inLog()).flat()) counts.set(key, Math.max(counts.get(key) ?? 0, Number(type)));
  };
  ingest.govern<number, string>({
    topic: numbered.name,
    payload: { decode: (bytes) => Buffer.from(bytes).toString() },
    by: [
      {
        name: "numbers",
        lack: () => undefined,
        async reached() {
          await runtime.sleep(random() * 20);
          await look();
        },
      },
    ],
    current: (key) => counts.get(key) ?? 0,
    next(count = 0, { envelope: { key, type } }) {
      if (Number(type) === count + 1) return count + 1;
      throw fieldError("illegal_transition", "type", `${key} is at ${count}, not before ${type}.`);
    },
  });
  broker.faults = {
    appendDelay: () => random() * 8,
    readDelay: () => 0,
    failure: () => undefined,
    doubt(writes) {
      if (random() < 0.5) return undefined;
      const fates: Fate[] = ["stored", "half", "late", "never", "refused"];
      return { fates: Array.from({ length: writes }, () => pick(fates)), knownAfter: random() * 100 };
    },
  };
  const history = createHistory();
  const work = async (name: string): Promise<void> => {
    const next = new Map<string, number>();
    for (let round = 0; round < 12; round += 1) {
      const batch = Array.from({ length: 1 + Math.floor(random() * 6) }, () => {
        const key = `${name}-${pick(["a", "b", "c", "d"])}`;
        const number = (next.get(key) ?? 0) + 1;
        next.set(key, number);
        history.publish(`${key}-${number}`, key);
        return event(`${key}-${number}`, { key, type: `${number}` });
      });
      await untilTaken(name, batch);
    }
  };
  const untilTaken = async (name: string, batch: ReturnType<typeof event>[]): Promise<void> => {
    for (;;) {
      try {
        const { positions } = await publish(batch, numbered.name, publisher(name));
        const logs = await inLog();
        expect(positions.map(({ partition, offset }) => logs[partition]![Number(offset)]!.id)).toEqual(
          batch.map(({ id }) => id),
        );
        for (const { id } of batch) history.settle(id, "acknowledged");
        return;
      } catch (failure) {
        expect(failure).toMatchObject({ code: "unavailable" });
        await runtime.sleep(random() * 50);
      }
    }
  };
  const working = Promise.all(["p", "q", "r"].map(work));
  let isOver = false;
  const ended = working.finally(() => {
    isOver = true;
  });
  ended.catch(() => undefined);
  for (let step = 0; step < 20_000 && !isOver; step += 1) await runtime.run(50);
  await ended;
  const observer = history.observer("the log");
  for (const { id } of (await inLog()).flat()) observer.saw(id);
  const report = history.report();
  expect([seed, report.faultless, report]).toMatchObject([seed, true, { acknowledged: expect.any(Number) }]);
  expect(ingest.inFlight()).toEqual({ batches: 0, events: 0, bytes: 0 });
}

it("publishers that try again until they are answered have everything once and in order, however appends end", async () => {
  for (let seed = 1; seed <= 30; seed += 1) await simulate(seed);
}, 60_000);
