import { createEmbeddedBroker } from "@distribution/broker-embedded";
import { describe, expect, it, onTestFinished } from "vitest";
import type { Position } from "../../src/brokers/contract.ts";
import { packEvents } from "../../src/events/index.ts";
import { createMetrics } from "../../src/observability/index.ts";
import { systemRuntime } from "../../src/runtime/index.ts";
import { parseFilter } from "../../src/subscriptions/filter/index.ts";
import { createMatcher } from "../../src/subscriptions/matcher/index.ts";
import { createQueries, type HistoryRequest, openTail, type PlacedEvent } from "../../src/tail/index.ts";
import { createRecorder, event, folder, idsPlaced, put, TABLE, topic, until } from "./support.ts";

const QUOTES = topic("test.quotes", { partitions: 2, table: TABLE });
const TRADES = topic("test.trades");
const START = 1_000n;

/** A log on a broker whose clock the test moves: one nanosecond an append. */
async function open() {
  let wall = START;
  const clock = { monotonicMs: systemRuntime.clock.monotonicMs, wallNs: () => wall };
  const broker = await createEmbeddedBroker({ directory: folder(), runtime: { ...systemRuntime, clock } });
  onTestFinished(() => broker.close());
  for (const each of [QUOTES, TRADES]) await broker.admin.ensureTopic(each);
  const tail = await openTail({
    ...{ broker, topics: [QUOTES, TRADES], runtime: systemRuntime },
    ...{ logger: createRecorder(), metrics: createMetrics() },
  });
  onTestFinished(() => tail.close());
  const queries = createQueries({ broker, tail, createMatcher, runtime: systemRuntime });
  let total = 0;
  return {
    broker,
    tail,
    queries,
    /** At `START`, the next a nanosecond later, and so on. */
    async put(partition: number, ...names: string[]): Promise<Position[]> {
      const offsets = await put(broker, QUOTES.name, names, partition);
      wall += 1n;
      total += names.length;
      await until(() => tail.partitions(QUOTES.name).reduce((sum, { head }) => sum + head.number, 0) === total);
      const { epoch } = (await broker.admin.partitions(QUOTES.name))[partition]!;
      return offsets.map((offset) => ({ topic: QUOTES.name, partition, epoch, offset }));
    },
    async history(request: Partial<HistoryRequest> = {}): Promise<PlacedEvent[]> {
      const events: PlacedEvent[] = [];
      const from = { at: "earliest" } as const;
      for await (const list of queries.history({ topic: QUOTES.name, from, keys: [], ...request })) {
        expect(list.length).toBeGreaterThan(0);
        events.push(...list);
      }
      return events;
    },
  };
}

describe("history", () => {
  it("comes in the order in which the events were appended, across partitions", async () => {
    const log = await open();
    await log.put(1, "1");
    await log.put(0, "2", "3");
    await log.put(1, "4");
    await log.put(0, "5");
    const events = await log.history();
    expect(idsPlaced(events)).toEqual(["1", "2", "3", "4", "5"]);
    expect(events.map(({ position }) => position.partition)).toEqual([1, 0, 0, 1, 0]);
    expect(events.map(({ appendedAt }) => appendedAt - START)).toEqual([0n, 1n, 1n, 2n, 3n]);
  });

  it("has each event's own position", async () => {
    const log = await open();
    const positions = [...(await log.put(0, "1", "2")), ...(await log.put(1, "3"))];
    expect((await log.history()).map(({ position }) => position)).toEqual(positions);
  });

  it("is empty for an empty log", async () => {
    const log = await open();
    expect(await log.history()).toEqual([]);
  });

  it("begins at the end when asked to", async () => {
    const log = await open();
    await log.put(0, "1");
    expect(await log.history({ from: { at: "latest" } })).toEqual([]);
  });

  it("begins after the position given for a partition, and at `from` in the others", async () => {
    const log = await open();
    const [first] = await log.put(0, "1", "2");
    await log.put(1, "3");
    await log.put(0, "4");
    expect(idsPlaced(await log.history({ after: [first!] }))).toEqual(["2", "3", "4"]);
    expect(idsPlaced(await log.history({ after: [first!], from: { at: "latest" } }))).toEqual(["2", "4"]);
  });

  it("begins with the first event of a time", async () => {
    const log = await open();
    for (const [partition, name] of [
      [0, "1"],
      [1, "2"],
      [0, "3"],
    ] as const)
      await log.put(partition, name);
    const from = (time: bigint) => log.history({ from: { time } }).then(idsPlaced);
    expect(await from(START)).toEqual(["1", "2", "3"]);
    expect(await from(START + 1n)).toEqual(["2", "3"]);
    expect(await from(START + 3n)).toEqual([]);
  });

  it("ends before the time given by `to`", async () => {
    const log = await open();
    await log.put(0, "1");
    await log.put(1, "2");
    await log.put(0, "3");
    const to = (time: bigint) => log.history({ to: time }).then(idsPlaced);
    expect(await to(START)).toEqual([]);
    expect(await to(START + 1n)).toEqual(["1"]);
    expect(await to(START + 2n)).toEqual(["1", "2"]);
    expect(await to(START + 3n)).toEqual(["1", "2", "3"]);
  });

  it("has only events of the keys asked for", async () => {
    const log = await open();
    await log.put(0, "1:a", "2:b", "3:a");
    await log.put(1, "4:c");
    expect(idsPlaced(await log.history({ keys: ["a", "c"] }))).toEqual(["1", "3", "4"]);
    expect(await log.history({ keys: ["d"] })).toEqual([]);
  });

  it("has only what the filter lets through, of the keys asked for", async () => {
    const log = await open();
    await log.put(0, "1:a", "2:b", "3:a");
    const filter = parseFilter('data.id != "1"', QUOTES);
    expect(idsPlaced(await log.history({ filter }))).toEqual(["2", "3"]);
    expect(idsPlaced(await log.history({ filter, keys: ["a"] }))).toEqual(["3"]);
  });

  it("ends where the log ended when it was asked for, though more comes while it is read", async () => {
    const log = await open();
    await log.put(0, "1");
    await log.put(1, "2");
    const seen: string[] = [];
    for await (const events of log.queries.history({ topic: QUOTES.name, from: { at: "earliest" }, keys: [] })) {
      seen.push(...idsPlaced(events));
      await log.put(0, `late-${seen.length}`);
    }
    expect(seen).toEqual(["1", "2"]);
  });

  it("ends inside a batch when the log ended there", async () => {
    const log = await open();
    const [first] = await log.put(0, "1", "2", "3");
    await log.broker.admin.truncate(first!);
    expect(idsPlaced(await log.history())).toEqual(["2", "3"]);
  });

  it("of many batches is whole, whichever way they are cut", async () => {
    const log = await open();
    const names = Array.from({ length: 300 }, (_, at) => String(at));
    const data = Buffer.from(JSON.stringify({ filler: "x".repeat(4_000) }));
    for (let at = 0; at < names.length; at += 50) {
      const batch = packEvents(names.slice(at, at + 50).map((name) => event(name, { data })));
      await log.broker.append([{ topic: QUOTES.name, partition: 0, batch }]);
    }
    expect(idsPlaced(await log.history())).toEqual(names);
  });

  it("closes its readers when it is given up half-way", async () => {
    const log = await open();
    await log.put(0, "1");
    await log.put(1, "2");
    let readers = 0;
    const broker: typeof log.broker = {
      ...log.broker,
      async read(...place) {
        const reader = await log.broker.read(...place);
        readers += 1;
        return {
          ...reader,
          next: (bytes) => reader.next(bytes),
          async close() {
            readers -= 1;
            await reader.close();
          },
        };
      },
    };
    const queries = createQueries({ broker, tail: log.tail, createMatcher, runtime: systemRuntime });
    for await (const _ of queries.history({ topic: QUOTES.name, from: { at: "earliest" }, keys: [] })) break;
    expect(readers).toBe(0);
  });

  it("is refused for a position that is gone and for a topic that is not there", async () => {
    const log = await open();
    const [, second] = await log.put(0, "1", "2");
    await log.broker.admin.truncate(second!);
    await log.put(0, "3");
    await expect(log.history({ after: [{ ...second!, offset: "0" }] })).rejects.toMatchObject({
      code: "position_gone",
    });
    await expect(log.history({ topic: "test.other" })).rejects.toMatchObject({ code: "unknown_topic" });
  });
});

describe("the latest", () => {
  it("is one event a key, oldest change first, across partitions and within a batch", async () => {
    const log = await open();
    await log.put(0, "1:a", "2:b", "3:c");
    await log.put(1, "4:d");
    await log.put(0, "5:a", "6:e");
    expect(idsPlaced((await log.queries.latest(QUOTES.name, [], undefined)).events)).toEqual(["2", "3", "4", "5", "6"]);
  });

  it("of some keys has those that are there, each once, in the order of their change", async () => {
    const log = await open();
    await log.put(0, "1:a", "2:b", "3:c");
    const { events } = await log.queries.latest(QUOTES.name, ["c", "a", "x", "c"], undefined);
    expect(idsPlaced(events)).toEqual(["1", "3"]);
  });

  it("leaves out a key whose newest event the filter does not let through, rather than show an older one", async () => {
    const log = await open();
    await log.put(0, "1:a", "2:b", "3:a");
    const { events } = await log.queries.latest(QUOTES.name, [], parseFilter('data.id != "3"', QUOTES));
    expect(idsPlaced(events)).toEqual(["2"]);
  });

  it("names the positions at which it is true, one a partition", async () => {
    const log = await open();
    const [position] = await log.put(1, "1:a");
    const { positions } = await log.queries.latest(QUOTES.name, [], undefined);
    expect(positions.map(({ partition }) => partition)).toEqual([0, 1]);
    expect(positions[1]).toEqual(position);
    await log.put(1, "2:b");
    expect(idsPlaced(await log.history({ after: positions }))).toEqual(["2"]);
  });

  it("of many keys takes many turns, and is as the table was when it was asked for", async () => {
    const log = await open();
    const half = Array.from({ length: 1_000 }, (_, at) => `${at}:k${at}`);
    await log.put(0, ...half);
    await log.put(1, ...half.map((name) => `b${name}`));
    let turns = 0;
    const changed = Promise.withResolvers<void>();
    const soon = (run: () => void): void => {
      turns += 1;
      void changed.promise.then(() => systemRuntime.timers.soon(run));
    };
    // Time stands still: turns end by the keys that were looked at.
    const clock = { ...systemRuntime.clock, monotonicMs: () => 0 };
    const runtime = { clock, timers: { ...systemRuntime.timers, soon } };
    const queries = createQueries({ broker: log.broker, tail: log.tail, createMatcher, runtime });
    const asked = queries.latest(QUOTES.name, [], parseFilter('data.id != "7"', QUOTES));
    await log.put(0, ...half.toReversed().map((name) => `late-${name}`));
    changed.resolve();
    const { positions, events } = await asked;
    const expected = [...half, ...half.map((name) => `b${name}`)].map((name) => name.split(":")[0]!);
    expect(idsPlaced(events)).toEqual(expected.filter((id) => id !== "7"));
    expect(turns).toBeGreaterThanOrEqual(3);
    expect(idsPlaced(await log.history({ after: positions }))).toHaveLength(1_000);
  });

  it("is refused for a topic without a table and for one that is not there", async () => {
    const log = await open();
    const latest = (name: string) => log.queries.latest(name, [], undefined);
    await expect(latest(TRADES.name)).rejects.toMatchObject({ code: "not_supported" });
    await expect(latest("test.other")).rejects.toMatchObject({ code: "unknown_topic" });
  });
});
