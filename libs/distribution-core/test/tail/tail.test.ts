import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { DistributionError } from "../../src/errors.ts";
import { createMetrics } from "../../src/observability/index.ts";
import { systemRuntime } from "../../src/runtime/index.ts";
import { type Checkpoints, createFileCheckpoints, openTail, type PartitionTail } from "../../src/tail/index.ts";
import { createRecorder, folder, idsOf, openEmbedded, openSimulated, put, TABLE, topic, until } from "./support.ts";

const QUOTES = topic("test.quotes", { partitions: 2, table: TABLE });
const TRADES = topic("test.trades");
const TOPICS = [QUOTES, TRADES];

async function openReal(directory = folder(), checkpoints?: Checkpoints) {
  const broker = await openEmbedded(directory);
  for (const each of TOPICS) await broker.admin.ensureTopic(each);
  const metrics = createMetrics();
  const logger = createRecorder();
  const tail = await openTail({ broker, topics: TOPICS, runtime: systemRuntime, logger, metrics, checkpoints });
  const close = async (): Promise<void> => {
    await tail.close();
    await broker.close();
  };
  return { broker, metrics, logger, tail, close };
}

/** In simulated time, with checkpoints that the test decides. */
async function openTimed(save: (tail: PartitionTail) => Promise<void>, checkpointEveryMs?: number) {
  const { runtime, broker } = openSimulated();
  await broker.admin.ensureTopic(QUOTES);
  const logger = createRecorder();
  const opening = openTail({
    ...{ broker, topics: [QUOTES], runtime, logger, metrics: createMetrics() },
    checkpoints: { load: async () => undefined, save },
    ...(checkpointEveryMs && { checkpointEveryMs }),
  });
  await runtime.run(10);
  return { runtime, broker, logger, tail: await opening };
}

describe("the tail of a service", () => {
  it("reads every partition of every topic, and tells its listeners in the order they came", async () => {
    const { broker, tail, close } = await openReal();
    const seen: string[] = [];
    for (const name of ["first", "second"]) {
      tail.listen({
        name,
        events: ({ topic: { name: of }, partition }, batches) =>
          void seen.push(`${name} ${of}/${partition} ${batches.flatMap(({ stored }) => idsOf(stored))}`),
        lost: () => undefined,
      });
    }
    await put(broker, QUOTES.name, ["1:a"], 1);
    await until(() => seen.length === 2);
    await put(broker, TRADES.name, ["2"]);
    await until(() => seen.length === 4);
    expect(seen).toEqual([
      "first test.quotes/1 1",
      "second test.quotes/1 1",
      "first test.trades/0 2",
      "second test.trades/0 2",
    ]);
    await close();
  });

  it("has the partitions of a topic in order, and none of one that it does not know", async () => {
    const { tail, close } = await openReal();
    expect(tail.partitions(QUOTES.name).map(({ partition }) => partition)).toEqual([0, 1]);
    expect(tail.partitions("test.other")).toEqual([]);
    expect(tail.all).toHaveLength(3);
    await close();
  });

  it("counts what it read, and tells how much ring and table hold", async () => {
    const { broker, tail, metrics, close } = await openReal();
    await put(broker, QUOTES.name, ["1:a", "2:b"]);
    await put(broker, QUOTES.name, ["3:c"], 1);
    await put(broker, TRADES.name, ["4"]);
    await until(() => tail.all.reduce((sum, { head }) => sum + head.number, 0) === 4);
    const text = metrics.render();
    expect(text).toContain('distribution_tail_events_total{topic="test.quotes"} 3');
    expect(text).toContain('distribution_tail_events_total{topic="test.trades"} 1');
    expect(text).toContain('distribution_table_keys{topic="test.quotes"} 3');
    expect(text).toMatch(/distribution_ring_bytes\{topic="test.trades"\} [1-9]/);
    expect(text).toMatch(/distribution_table_bytes\{topic="test.quotes"\} [1-9]/);
    expect(text).not.toContain('distribution_table_keys{topic="test.trades"}');
    await close();
  });

  it("after a restart has its tables from the checkpoints, without reading the log again", async () => {
    const directory = folder();
    const checkpoints = createFileCheckpoints(join(directory, "tables"));
    const before = await openReal(directory, checkpoints);
    await put(before.broker, QUOTES.name, ["1:a", "2:b"]);
    await until(() => before.tail.partitions(QUOTES.name)[0]!.head.number === 2);
    await before.close();
    const after = await openReal(directory, checkpoints);
    expect(after.tail.partitions(QUOTES.name)[0]!.table!.keys).toBe(2);
    expect(after.metrics.render()).toContain('distribution_tail_events_total{topic="test.quotes"} 0');
    await after.close();
  });

  it("after a restart without checkpoints has its tables from the log", async () => {
    const directory = folder();
    const before = await openReal(directory);
    await put(before.broker, QUOTES.name, ["1:a", "2:b"]);
    await before.close();
    const after = await openReal(directory);
    expect(after.tail.partitions(QUOTES.name)[0]!.table!.keys).toBe(2);
    await after.close();
  });

  it("names the partitions that do not move, and why", async () => {
    const { runtime, broker, tail } = await openTimed(async () => undefined);
    expect(tail.troubles()).toEqual([]);
    broker.faults = {
      ...broker.faults,
      failure: (operation) => (operation === "read" ? new DistributionError("unavailable", "away") : undefined),
    };
    void put(broker, QUOTES.name, ["1:a"], 1);
    await runtime.run(10);
    expect(tail.troubles()).toEqual(["test.quotes/1: away"]);
    broker.faults = { ...broker.faults, failure: () => undefined };
    await runtime.run(500);
    expect(tail.troubles()).toEqual([]);
  });

  it("opens although one partition has a damaged record, and names it", async () => {
    const { runtime, broker } = openSimulated();
    await broker.admin.ensureTopic(QUOTES);
    for (const partition of [0, 1]) {
      void put(broker, QUOTES.name, ["1:a"], partition);
      await runtime.run(10);
    }
    const damaged: typeof broker.read = async (name, partition, from) => {
      const reader = await broker.read(name, partition, from);
      if (partition === 0) return reader;
      return { ...reader, next: () => Promise.reject(new DistributionError("record_damaged", "damaged")) };
    };
    const parts = { runtime, logger: createRecorder(), metrics: createMetrics() };
    const opening = openTail({ broker: { ...broker, read: damaged }, topics: [QUOTES], ...parts });
    await runtime.run(10);
    const tail = await opening;
    expect(tail.all.map(({ table }) => table!.keys)).toEqual([1, 0]);
    expect(tail.troubles()).toEqual(["test.quotes/1: damaged"]);
  });

  it("opens although one partition is refused from the beginning: the others flow, and it follows when it is served", async () => {
    const { runtime, broker } = openSimulated();
    await broker.admin.ensureTopic(QUOTES);
    void put(broker, QUOTES.name, ["1:a"], 1);
    await runtime.run(10);
    let refused = true;
    const read: typeof broker.read = (name, partition, from) =>
      refused && partition === 1
        ? Promise.reject(new DistributionError("record_damaged", "The partition is damaged."))
        : broker.read(name, partition, from);
    const metrics = createMetrics();
    const parts = { runtime, logger: createRecorder(), metrics };
    const tail = await openTail({ broker: { ...broker, read }, topics: [QUOTES], ...parts });
    const seen: string[] = [];
    tail.listen({
      name: "test",
      events: (_, batches) => void seen.push(...batches.flatMap(({ stored }) => idsOf(stored))),
      lost: () => undefined,
    });
    expect(tail.troubles()).toEqual(["test.quotes/1: The partition is damaged."]);
    expect(metrics.render()).toContain('distribution_tail_stuck_partitions{topic="test.quotes"} 1');
    void put(broker, QUOTES.name, ["2:b"], 0);
    await runtime.run(10_000);
    expect(seen).toEqual(["2"]);
    refused = false;
    await runtime.run(5_100);
    expect([seen, tail.troubles()]).toEqual([["2", "1"], []]);
    expect(metrics.render()).toContain('distribution_tail_stuck_partitions{topic="test.quotes"} 0');
  });

  it("does not open while the broker is away", async () => {
    const { runtime, broker } = openSimulated();
    await broker.admin.ensureTopic(QUOTES);
    broker.faults = { ...broker.faults, failure: () => new DistributionError("unavailable", "away") };
    const parts = { runtime, logger: createRecorder(), metrics: createMetrics() };
    await expect(openTail({ broker, topics: [QUOTES], ...parts })).rejects.toMatchObject({ code: "unavailable" });
  });

  it("goes on when a listener fails: the others get every event once, and it is told what it lost and logged by name", async () => {
    const { runtime, broker, logger, tail } = await openTimed(async () => undefined);
    const seen: string[] = [];
    const losses: string[] = [];
    tail.listen({
      name: "broken",
      events() {
        throw new TypeError("a defect");
      },
      lost: (_, from, to) => void losses.push(`${from.number}-${to.number}`),
    });
    tail.listen({
      name: "hopeless",
      events() {
        throw new TypeError("a defect");
      },
      lost() {
        throw new TypeError("another");
      },
    });
    tail.listen({
      name: "well",
      events: (_, batches) => void seen.push(...batches.flatMap(({ stored }) => idsOf(stored))),
      lost: () => undefined,
    });
    for (const name of ["1:a", "2:b", "3:c"]) {
      void put(broker, QUOTES.name, [name]);
      await runtime.run(1_000);
    }
    expect([seen, losses, tail.troubles()]).toEqual([["1", "2", "3"], ["0-1", "1-2", "2-3"], []]);
    expect(tail.partitions(QUOTES.name)[0]!.ring.next).toBe(3);
    const logged = logger.lines.map(({ fields }) => fields as { listener: string; failures: number });
    expect(logged.map(({ listener, failures }) => `${listener} ${failures}`)).toEqual([
      ...["broken 1", "hopeless 1", "hopeless 2"],
      ...["broken 2", "hopeless 4"],
    ]);
  });

  it("logs what the log lost, and tells its listeners from where to where", async () => {
    const { runtime, broker, logger, tail } = await openTimed(async () => undefined);
    const lost: unknown[] = [];
    tail.listen({
      name: "test",
      events: () => undefined,
      lost: (_, from, to) => void lost.push([from.epoch, to.epoch]),
    });
    broker.lose(QUOTES.name, 0);
    await runtime.run(500);
    expect(lost).toEqual([["e1", "e3"]]);
    expect(logger.lines.at(-1)?.message).toBe("The log lost events that were not read yet.");
    expect(logger.lines.every(({ level }) => level === "error")).toBe(true);
  });
});

describe("checkpoints of the tail", () => {
  it("are saved at the interval, and only of partitions that moved since", async () => {
    const saved: number[] = [];
    const { runtime, broker } = await openTimed(async ({ partition }) => void saved.push(partition), 5_000);
    await runtime.run(4_980);
    expect(saved).toEqual([]);
    await runtime.run(20);
    expect(saved).toEqual([0, 1]);
    void put(broker, QUOTES.name, ["1:a"], 1);
    await runtime.run(5_000);
    expect(saved).toEqual([0, 1, 1]);
    await runtime.run(20_000);
    expect(saved).toEqual([0, 1, 1]);
  });

  it("are saved every half minute unless told otherwise, and once more at the end", async () => {
    const saved: number[] = [];
    const { runtime, broker, tail } = await openTimed(async ({ head }) => void saved.push(head.number));
    await runtime.run(29_000);
    expect(saved).toEqual([]);
    await runtime.run(1_500);
    expect(saved).toEqual([0, 0]);
    void put(broker, QUOTES.name, ["1:a"]);
    await runtime.run(10);
    const closed = tail.close();
    await runtime.run(10);
    await closed;
    expect(saved).toEqual([0, 0, 1]);
    await runtime.run(100_000);
    expect(saved).toHaveLength(3);
  });

  it("that fail are tried again, keep no other partition from being saved, and stop nothing", async () => {
    const saved: number[] = [];
    let full = true;
    const { runtime, broker, logger } = await openTimed(async ({ partition }) => {
      if (full && partition === 0) throw new Error("disk full");
      saved.push(partition);
    }, 1_000);
    void put(broker, QUOTES.name, ["1:a"], 0);
    await runtime.run(1_000);
    expect(saved).toEqual([1]);
    expect(logger.lines.map(({ level }) => level)).toEqual(["warn"]);
    full = false;
    await runtime.run(1_000);
    expect(saved).toEqual([1, 0]);
  });
});
