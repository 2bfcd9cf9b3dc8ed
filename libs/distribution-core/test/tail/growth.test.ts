import { describe, expect, it } from "vitest";
import { DistributionError } from "../../src/errors.ts";
import { createMetrics } from "../../src/observability/index.ts";
import { openTail } from "../../src/tail/index.ts";
import { createRecorder, idsOf, openSimulated, put, TABLE, topic } from "./support.ts";

const TRADES = topic("test.trades", { partitions: 2 });
const QUOTES = topic("test.quotes", { partitions: 2, table: TABLE });

/** The tail of both topics, and what its listener was told. */
async function open(more: { readonly lookEveryMs?: number } = {}) {
  const { runtime, broker } = openSimulated();
  for (const each of [TRADES, QUOTES]) await broker.admin.ensureTopic(each);
  const logger = createRecorder();
  const metrics = createMetrics();
  const opening = openTail({ broker, topics: [TRADES, QUOTES], runtime, logger, metrics, ...more });
  await runtime.run(10);
  const tail = await opening;
  const told: string[] = [];
  tail.listen({
    name: "one",
    added: ({ topic: { name }, partition, head }) => void told.push(`${name}/${partition} added at ${head.offset}`),
    events: ({ topic: { name }, partition }, batches) =>
      void told.push(`${name}/${partition} ${batches.flatMap(({ stored }) => idsOf(stored))}`),
    lost: () => undefined,
  });
  return {
    ...{ runtime, broker, logger, metrics, tail, told },
    grow: (of: typeof TRADES, partitions: number) => broker.admin.ensureTopic({ ...of, partitions }),
    /** No reader can be opened, for this reason. */
    refuse(failure: DistributionError | undefined): void {
      broker.faults = { ...broker.faults, failure: (operation) => (operation === "read" ? failure : undefined) };
    },
    async put(of: typeof TRADES, partition: number, ...names: string[]): Promise<void> {
      const done = put(broker, of.name, names, partition);
      await runtime.run(10);
      await done;
    },
  };
}

describe("partitions that are added to a topic", () => {
  it("are seen within a minute, and read from their beginning, with a table or without", async () => {
    const { runtime, tail, told, grow, put, metrics } = await open();
    await grow(QUOTES, 4);
    await grow(TRADES, 3);
    await put(TRADES, 2, "t1", "t2");
    await put(QUOTES, 3, "q1:a", "q2:a");
    await runtime.run(59_900 - runtime.clock.monotonicMs());
    expect(told).toEqual([]);
    await runtime.run(200);
    expect(told).toEqual([
      "test.trades/2 added at -1",
      "test.trades/2 t1,t2",
      "test.quotes/2 added at -1",
      "test.quotes/3 added at -1",
      "test.quotes/3 q1,q2",
    ]);
    expect(tail.partitions(QUOTES.name).map(({ partition }) => partition)).toEqual([0, 1, 2, 3]);
    expect(tail.partitions(QUOTES.name)[3]!.table!.keys).toBe(1);
    expect(tail.all.slice(-3)).toEqual([tail.partitions(TRADES.name)[2], ...tail.partitions(QUOTES.name).slice(2)]);
    expect(metrics.render()).toContain('distribution_table_keys{topic="test.quotes"} 1');
    expect(metrics.render()).toContain('distribution_tail_events_total{topic="test.trades"} 2');
    await put(TRADES, 2, "t3");
    expect(told.at(-1)).toBe("test.trades/2 t3");
    expect(tail.troubles()).toEqual([]);
  });

  it("are looked for as often as is asked for, and no more once the tail is closed", async () => {
    const { runtime, broker, tail, grow } = await open({ lookEveryMs: 1_000 });
    await grow(TRADES, 3);
    await runtime.run(1_000);
    expect(tail.partitions(TRADES.name)).toHaveLength(3);
    const closed = tail.close();
    await runtime.run(10);
    await closed;
    let looks = 0;
    const { partitions } = broker.admin;
    broker.admin.partitions = (name) => {
      looks += 1;
      return partitions(name);
    };
    await runtime.run(10_000);
    expect(looks).toBe(0);
  });

  it("are looked for at once where somebody asks, and opened once whoever asks", async () => {
    const { runtime, tail, told, grow } = await open();
    await grow(TRADES, 3);
    const looks = Promise.all([tail.look(TRADES.name), tail.look(TRADES.name), tail.look("test.other")]);
    await runtime.run(10);
    await looks;
    expect(told).toEqual(["test.trades/2 added at -1"]);
    expect(tail.partitions(TRADES.name)).toHaveLength(3);
  });

  it("are looked for twice at most while many ask: by the look under way, and by one that begins after all of them asked", async () => {
    const { runtime, broker, tail, grow } = await open();
    const { partitions } = broker.admin;
    const gate = Promise.withResolvers<void>();
    let looks = 0;
    broker.admin.partitions = async (name) => {
      looks += 1;
      const infos = await partitions(name);
      if (looks === 1) await gate.promise;
      return infos;
    };
    const first = tail.look(TRADES.name);
    await runtime.run(10);
    await grow(TRADES, 3);
    const others = Array.from({ length: 100 }, () => tail.look(TRADES.name));
    gate.resolve();
    await runtime.run(10);
    await first;
    // Two looks, and the question of the one partition that was opened.
    expect(looks).toBe(3);
    await Promise.all(others);
    expect(tail.partitions(TRADES.name)).toHaveLength(3);
  });

  it("and cannot be opened are named until they are, with the number that is read, and tried again soon", async () => {
    const { runtime, tail, told, grow, refuse, logger, metrics } = await open();
    await grow(TRADES, 4);
    refuse(new DistributionError("unavailable", "The leader is away."));
    const looked = expect(tail.look(TRADES.name)).rejects.toMatchObject({ code: "unavailable" });
    await runtime.run(10);
    await looked;
    const reason =
      "test.trades has 4 partitions, and the first 2 are read: test.trades/2, which was added, cannot be opened: The leader is away.";
    expect(tail.troubles()).toEqual([reason]);
    await runtime.run(5_000);
    expect(tail.troubles()).toEqual([reason]);
    expect(metrics.render()).toContain('distribution_tail_stuck_partitions{topic="test.trades"} 2');
    expect(logger.lines.filter(({ level }) => level === "error")).toHaveLength(1);
    refuse(undefined);
    await runtime.run(5_000);
    expect(tail.troubles()).toEqual([]);
    expect(metrics.render()).toContain('distribution_tail_stuck_partitions{topic="test.trades"} 0');
    expect(told).toEqual(["test.trades/2 added at -1", "test.trades/3 added at -1"]);
  });

  it("and are refused for good are there, in trouble, and begin where they would have", async () => {
    const { runtime, tail, told, grow, put, refuse } = await open();
    await grow(TRADES, 3);
    await put(TRADES, 2, "t1");
    refuse(new DistributionError("record_damaged", "The record is damaged."));
    const look = tail.look(TRADES.name);
    await runtime.run(10);
    await look;
    expect(tail.troubles()).toEqual(["test.trades/2: The record is damaged."]);
    refuse(undefined);
    await runtime.run(5_000);
    expect(told).toEqual(["test.trades/2 added at -1", "test.trades/2 t1"]);
    expect(tail.troubles()).toEqual([]);
  });

  it("leave no reader open where the broker goes away in the middle of it", async () => {
    const { runtime, broker, tail, told, grow } = await open();
    await grow(TRADES, 3);
    const { read, admin } = broker;
    const { partitions } = admin;
    let readers = 0;
    broker.read = async (...where) => {
      const reader = await read(...where);
      readers += 1;
      admin.partitions = () => Promise.reject(new DistributionError("unavailable", "The broker is away."));
      const close = async (): Promise<void> => {
        readers -= 1;
        await reader.close();
      };
      return { ...reader, close };
    };
    const looked = expect(tail.look(TRADES.name)).rejects.toMatchObject({ code: "unavailable" });
    await runtime.run(10);
    await looked;
    expect(readers).toBe(0);
    Object.assign(broker, { read });
    Object.assign(admin, { partitions });
    await runtime.run(5_000);
    expect(told).toEqual(["test.trades/2 added at -1"]);
  });

  it("are not opened by a look that is under way when the tail is closed", async () => {
    const { runtime, broker, tail, told, grow } = await open();
    await grow(TRADES, 3);
    const { partitions } = broker.admin;
    const gate = Promise.withResolvers<void>();
    broker.admin.partitions = async (name) => {
      await gate.promise;
      return partitions(name);
    };
    const look = tail.look(TRADES.name);
    await runtime.run(10);
    const closed = tail.close();
    gate.resolve();
    await runtime.run(10);
    await Promise.all([look, closed]);
    expect(told).toEqual([]);
    expect(tail.all).toHaveLength(4);
  });
});
