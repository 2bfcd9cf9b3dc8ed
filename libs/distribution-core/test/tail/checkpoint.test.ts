import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { describe, expect, it } from "vitest";
import { createMetrics } from "../../src/observability/index.ts";
import { systemRuntime } from "../../src/runtime/index.ts";
import { createFileCheckpoints, createTable, openTail, type TableSnapshot, type Tail } from "../../src/tail/index.ts";
import type { TopicDefinition } from "../../src/topics.ts";
import {
  applyAll,
  createRecorder,
  folder,
  idsOf,
  openEmbedded,
  openSimulated,
  put,
  storedOf,
  TABLE,
  topic,
} from "./support.ts";

const QUOTES = topic("test.quotes", { table: TABLE });
const FILE = "test.quotes-0.table";

async function tailOf(directory: string, topics: readonly TopicDefinition[] = [QUOTES]): Promise<Tail> {
  const broker = await openEmbedded(directory);
  for (const each of topics) await broker.admin.ensureTopic(each);
  return openTail({ broker, topics, runtime: systemRuntime, logger: createRecorder(), metrics: createMetrics() });
}

/** A folder with the checkpoint of a log with these events. */
async function saved(...names: string[]): Promise<string> {
  const directory = folder();
  const broker = await openEmbedded(directory);
  await broker.admin.ensureTopic(QUOTES);
  await put(broker, QUOTES.name, names);
  const options = { broker, topics: [QUOTES], runtime: systemRuntime, logger: createRecorder() };
  const tail = await openTail({ ...options, metrics: createMetrics() });
  await createFileCheckpoints(join(directory, "tables")).save(tail.all[0]!);
  await tail.close();
  await broker.close();
  return join(directory, "tables");
}

describe("a checkpoint of a table", () => {
  it("gives back the table's events with their positions, oldest change first", async () => {
    const tables = await saved("1:a", "2:b", "3:a", "4:c");
    const seed = await createFileCheckpoints(tables).load(QUOTES.name, 0);
    expect(seed!.entries.map((stored) => idsOf(stored)[0])).toEqual(["2", "3", "4"]);
    expect(seed!.entries.map((stored) => stored.offsetAt(0))).toEqual(["2", "3", "4"]);
    expect(seed!.after.offset).toBe("4");
    expect(seed!.entries.every(({ epoch, appendedAt }) => epoch === seed!.after.epoch && appendedAt > 0n)).toBe(true);
  });

  it("has nothing of the epoch before the one it was saved in", async () => {
    const { runtime, broker } = openSimulated();
    await broker.admin.ensureTopic(QUOTES);
    const opening = openTail({
      ...{ broker, topics: [QUOTES], runtime },
      ...{ logger: createRecorder(), metrics: createMetrics() },
    });
    await runtime.run(10);
    const tail = await opening;
    void put(broker, QUOTES.name, ["1:a", "2:b"]);
    await runtime.run(10);
    broker.lose(QUOTES.name, 0);
    void put(broker, QUOTES.name, ["3:b"]);
    await runtime.run(1_000);
    const checkpoints = createFileCheckpoints(folder());
    await checkpoints.save(tail.all[0]!);
    const seed = await checkpoints.load(QUOTES.name, 0);
    expect(seed!.after).toEqual({ epoch: "e2", offset: "0" });
    expect(seed!.entries.map((stored) => idsOf(stored)[0])).toEqual(["3"]);
  });

  it("of an empty table is one", async () => {
    const tables = await saved("keyless");
    expect(await createFileCheckpoints(tables).load(QUOTES.name, 0)).toMatchObject({ entries: [] });
  });

  it("is not there for a partition that was never saved", async () => {
    expect(await createFileCheckpoints(join(folder(), "new", "nested")).load(QUOTES.name, 3)).toBeUndefined();
  });

  it("is not written for a topic without a table", async () => {
    const plain = topic("test.plain");
    const directory = folder();
    const tail = await tailOf(directory, [plain]);
    const tables = join(directory, "tables");
    await createFileCheckpoints(tables).save(tail.all[0]!);
    expect(readdirSync(tables)).toEqual([]);
    await tail.close();
  });

  it("replaces the one before in one step, so that a crash while writing leaves the old one", async () => {
    const tables = await saved("1:a");
    // What a crash leaves: a part of the new file beside the whole old one.
    writeFileSync(join(tables, `${FILE}.new`), readFileSync(join(tables, FILE)).subarray(0, 20));
    const seed = await createFileCheckpoints(tables).load(QUOTES.name, 0);
    expect(seed!.entries.map((stored) => idsOf(stored)[0])).toEqual(["1"]);
  });

  it("leaves no half-written file behind once it is saved", async () => {
    const tables = await saved("1:a");
    expect(existsSync(join(tables, `${FILE}.new`))).toBe(false);
  });

  it("is not trusted when any one byte of it is damaged", async () => {
    const tables = await saved("1:a", "2:b");
    const whole = readFileSync(join(tables, FILE));
    const checkpoints = createFileCheckpoints(tables);
    expect(await checkpoints.load(QUOTES.name, 0)).toBeDefined();
    for (let at = 0; at < whole.length; at += 1) {
      const damaged = Buffer.from(whole);
      damaged[at]! ^= 1;
      writeFileSync(join(tables, FILE), damaged);
      expect(await checkpoints.load(QUOTES.name, 0), `byte ${at}`).toBeUndefined();
    }
  });

  it("of another version is not read", async () => {
    const tables = await saved("1:a");
    const [, rest] = readFileSync(join(tables, FILE), "latin1").split(/\n(.*)/s) as [string, string];
    const write = (text: string): void => {
      const check = crc32(Buffer.from(text, "latin1")).toString(16).padStart(8, "0");
      writeFileSync(join(tables, FILE), `${check}\n${text}`, "latin1");
    };
    write(rest.replace('"version":2', '"version":1'));
    expect(await createFileCheckpoints(tables).load(QUOTES.name, 0)).toBeUndefined();
    write(rest);
    expect(await createFileCheckpoints(tables).load(QUOTES.name, 0)).toBeDefined();
  });

  it("of a large table is made in many turns, and is as the table was when it began", async () => {
    const names = Array.from({ length: 5_000 }, (_, at) => `${at}:k${at}`);
    const table = createTable({ maxKeys: names.length, maxBytes: 16 * 1024 * 1024 });
    applyAll(table, { first: 0, stored: storedOf(names) });
    let turn = 0;
    const steps: number[] = [];
    const counted = (snapshot: TableSnapshot): TableSnapshot => ({
      next(most) {
        steps[turn] = (steps[turn] ?? 0) + most;
        return snapshot.next(most);
      },
      close: () => snapshot.close(),
    });
    const checkpoints = createFileCheckpoints(folder());
    let saved = false;
    const saving = checkpoints
      .save({
        ...{ topic: QUOTES, partition: 0, head: { number: 5_000, epoch: "e1", offset: "4999" } },
        table: { ...table, keys: table.keys, snapshot: () => counted(table.snapshot()) },
      })
      .finally(() => {
        saved = true;
      });
    applyAll(table, { first: 5_000, stored: storedOf(names.toReversed(), 5_000) });
    while (!saved) {
      await new Promise((resolve) => setImmediate(resolve));
      turn += 1;
    }
    await saving;
    const seed = await checkpoints.load(QUOTES.name, 0);
    expect(seed!.after.offset).toBe("4999");
    expect(seed!.entries.map((stored) => stored.offsetAt(0))).toEqual(names.map((_, at) => String(at)));
    expect(seed!.entries.flatMap(idsOf)).toEqual(names.map((_, at) => String(at)));
    // Of small events a part has less than a thousand.
    expect(Math.max(...steps.filter(Boolean))).toBeLessThanOrEqual(1_024);
  });

  it("is not trusted when it is cut short, too long or empty", async () => {
    const tables = await saved("1:a", "2:b");
    const whole = readFileSync(join(tables, FILE));
    const checkpoints = createFileCheckpoints(tables);
    for (const bytes of [whole.subarray(0, -1), whole.subarray(0, 8), Buffer.concat([whole, whole]), Buffer.alloc(0)]) {
      writeFileSync(join(tables, FILE), bytes);
      expect(await checkpoints.load(QUOTES.name, 0)).toBeUndefined();
    }
  });
});
