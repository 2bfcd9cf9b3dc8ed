import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { describe, expect, it } from "vitest";
import type { Broker } from "../../src/brokers/contract.ts";
import { createCheckpointFiles, type Projection } from "../../src/projections/index.ts";
import { countedRuntime } from "../service/support.ts";
import {
  byStatus,
  createOrders,
  folder,
  ORDERS,
  type Order,
  openLog,
  putOrder,
  runProjections,
  saved,
} from "./support.ts";

const FILE = "orders.projection";
const IGNORED = "A projection's checkpoint is ignored; it is built from the log.";

/** A broker whose readers tell how many events they gave. */
function countRead(broker: Broker) {
  let events = 0;
  return {
    events: () => events,
    broker: {
      ...broker,
      async read(...place: Parameters<Broker["read"]>) {
        const reader = await broker.read(...place);
        return {
          start: reader.start,
          close: () => reader.close(),
          async next(bytes: number) {
            const batches = await reader.next(bytes);
            for (const { batch } of batches) events += batch.count;
            return batches;
          },
        };
      },
    },
  };
}

const stateOf = (orders: Projection<Order>) => {
  const { entries } = orders.list(byStatus, { group: "open", order: "ascending", limit: 1_000 }).value;
  return entries.map(({ key, state, changedAt }) => [key, state.events, changedAt > 0n, orders.read(key).tag]);
};

describe("a checkpoint", () => {
  it("is where a restart goes on: the log before it is not read again", async () => {
    const { directory, files } = await saved("a", "b", "a", "c");
    const { broker, events } = countRead(await openLog(directory));
    const orders = createOrders();
    const running = await runProjections(broker, [orders], { files: createCheckpointFiles(files) });
    expect(orders.stats).toMatchObject({ keys: 3, events: 0 });
    expect(stateOf(orders).map(([key, count]) => [key, count])).toEqual([
      ["b", 1],
      ["a", 2],
      ["c", 1],
    ]);
    expect(events()).toBe(0);
    expect(running.log.lines).toEqual([]);
    await orders.reached(await putOrder(broker, "b"));
    expect(orders.read("b").value.events).toBe(2);
  });

  it("has the same answers, tags and cursors as the log has", async () => {
    const { directory, files } = await saved("a", "b", "a", "c", "d");
    const broker = await openLog(directory);
    const [restored, built] = [createOrders(), createOrders()];
    await runProjections(broker, [restored], { files: createCheckpointFiles(files) });
    await runProjections(broker, [built]);
    expect(stateOf(restored)).toEqual(stateOf(built));
    expect(restored.read("b")).toEqual(built.read("b"));
    expect(restored.stats.bytes).toBe(built.stats.bytes);
    const page = (orders: Projection<Order>) => orders.list(byStatus, { group: "open", limit: 2 });
    expect(page(restored)).toEqual(page(built));
  });

  it("and what came after it are applied once each when the process was killed between them", async () => {
    const { directory, files } = await saved("a", "b");
    const broker = await openLog(directory);
    const orders = createOrders();
    await runProjections(broker, [orders], { files: createCheckpointFiles(files) });
    await orders.reached(await putOrder(broker, "a"));
    await orders.reached(await putOrder(broker, "c"));
    // The broker goes from under it: nothing of these two is saved.
    await broker.close();
    const after = createOrders();
    await runProjections(await openLog(directory), [after], { files: createCheckpointFiles(files) });
    expect(["a", "b", "c"].map((key) => after.read(key).value.events)).toEqual([2, 1, 1]);
    expect(after.stats.events).toBe(2);
  });

  it("is written at its interval when something has come, and when it stops", async () => {
    const broker = await openLog();
    const files = folder();
    const { runtime, fire } = countedRuntime();
    const orders = createOrders();
    const settings = { files: createCheckpointFiles(files), checkpointEveryMs: 7_000, runtime };
    const running = await runProjections(broker, [orders], settings);
    const path = join(files, FILE);
    fire(7_000);
    await orders.reached(await putOrder(broker, "a"));
    fire(7_000);
    await expect.poll(() => existsSync(path)).toBe(true);
    expect(readFileSync(path, "latin1"), "the first had nothing to write").toContain('"offset":"1"');
    await orders.reached(await putOrder(broker, "a"));
    await running.close();
    expect(readFileSync(path, "latin1")).toContain('"offset":"2"');
    expect(readdirSync(files)).toEqual([FILE]);
  });
});

it("checkpoints take a twentieth of the time and no more, however long one takes", async () => {
  const broker = await openLog();
  const { runtime: counted, fire } = countedRuntime();
  let now = 0;
  const runtime = { ...counted, clock: { ...counted.clock, monotonicMs: () => now } };
  const real = createCheckpointFiles(folder());
  const gate = Promise.withResolvers<void>();
  let begun = 0;
  const files: typeof real = {
    ...real,
    async write(...what) {
      begun += 1;
      await gate.promise;
      await real.write(...what);
      now += 6_000;
    },
  };
  const orders = createOrders();
  await runProjections(broker, [orders], { files, runtime });
  const change = async () => orders.reached(await putOrder(broker, "a"));
  const tick = async (ms: number) => {
    await change();
    now += ms;
    fire(30_000);
  };
  await tick(30_000);
  await expect.poll(() => begun).toBe(1);
  await tick(30_000);
  expect(begun, "the one before goes on").toBe(1);
  gate.resolve();
  // It took 36 seconds: it is a twentieth of the time 684 seconds later, and of these the last 30 go by anyway.
  await expect.poll(() => now).toBe(66_000);
  await tick(653_999);
  expect(begun).toBe(1);
  await tick(1);
  await expect.poll(() => begun).toBe(2);
});

describe("a checkpoint that cannot be trusted", () => {
  async function startOn(directory: string, files: string, orders = createOrders()) {
    const broker = await openLog(directory);
    const running = await runProjections(broker, [orders], { files: createCheckpointFiles(files) });
    await running.close();
    await broker.close();
    return { lines: running.log.lines, orders };
  }
  const reasons = (lines: Awaited<ReturnType<typeof startOn>>["lines"]) =>
    lines.map(({ message, fields }) => [message, (fields as { reason: string }).reason]);

  /** With a right checksum, so that only what is written counts. */
  function rewrite(path: string, change: (body: string) => string): void {
    const body = Buffer.from(change(readFileSync(path, "latin1").slice(9)), "latin1");
    writeFileSync(path, Buffer.concat([Buffer.from(`${crc32(body).toString(16).padStart(8, "0")}\n`), body]));
  }

  it("because any one byte of it is damaged is named and ignored", async () => {
    const { files } = await saved("a");
    const whole = readFileSync(join(files, FILE));
    for (const at of [...whole.keys()].filter((each) => each % 7 === 0)) {
      const damaged = Buffer.from(whole);
      damaged[at]! ^= 1;
      writeFileSync(join(files, FILE), damaged);
      await expect(createCheckpointFiles(files).read("orders"), `byte ${at}`).rejects.toMatchObject({
        code: "record_damaged",
      });
    }
    for (const cut of [0, 5, whole.length - 1]) {
      writeFileSync(join(files, FILE), whole.subarray(0, cut));
      await expect(createCheckpointFiles(files).read("orders")).rejects.toMatchObject({ code: "record_damaged" });
    }
  });

  it.each<[string, (body: string) => string, RegExp]>([
    ["its states have another version", (body) => body.replace('"version":1', '"version":2'), /version 2 .* 1 now/],
    ["its format is another", (body) => body.replace('"format":1', '"format":9'), /format 9; this version reads 1/],
    ["it is of another projection", (body) => body.replace("orders", "others"), /of the projection others/],
    ["it has been at a topic of before", (body) => body.replaceAll(ORDERS.name, "test.elders"), /test\.elders/],
    ["a state in it is none", (body) => `${body.slice(0, -8)}\0\0\0\0\0\0\0\0`, /cannot be read/],
    ["it is no checkpoint at all", () => "hello", /cannot be read/],
  ])("because %s is named and ignored, and the log has all", async (_, change, reason) => {
    const { directory, files } = await saved("a", "b", "a");
    rewrite(join(files, FILE), (body) => body);
    expect(reasons((await startOn(directory, files)).lines)).toEqual([]);
    rewrite(join(files, FILE), change);
    const { lines, orders } = await startOn(directory, files);
    expect(reasons(lines)).toEqual([[IGNORED, expect.stringMatching(reason)]]);
    expect(stateOf(orders).map(([key, events]) => [key, events])).toEqual([
      ["b", 1],
      ["a", 2],
    ]);
    expect(reasons((await startOn(directory, files)).lines), "and is put right at the stop").toEqual([]);
  });

  it("because the log was truncated beyond it is given up, and answers say since when they are complete", async () => {
    const { directory, files } = await saved("a", "b");
    const broker = await openLog(directory);
    const late = await putOrder(broker, "c", { status: "open" });
    await putOrder(broker, "d", { status: "open" });
    await broker.admin.truncate(late);
    const orders = createOrders();
    const running = await runProjections(broker, [orders], { files: createCheckpointFiles(files) });
    expect(stateOf(orders).map(([key]) => key)).toEqual(["d"]);
    expect(orders.read("d").completeFrom).toBe(orders.find("d")!.changedAt);
    expect(() => orders.read("a")).toThrow(/Events before 20\d\d-.*Z are not known\.$/);
    expect(running.log.lines).toMatchObject([
      { level: "warn", fields: { projection: "orders", position: { offset: "2" } } },
    ]);
    await running.close();
    const again = createOrders();
    await runProjections(broker, [again], { files: createCheckpointFiles(files) });
    expect(again.read("d").completeFrom, "also after the next restart").toBe(orders.read("d").completeFrom);
  });

  it("because the topic was made anew is given up", async () => {
    const { directory, files } = await saved("a");
    const broker = await openLog(directory);
    await broker.admin.deleteTopic(ORDERS.name);
    await broker.admin.ensureTopic(ORDERS);
    await putOrder(broker, "b", { status: "open" });
    const orders = createOrders();
    const { log } = await runProjections(broker, [orders], { files: createCheckpointFiles(files) });
    expect(stateOf(orders).map(([key]) => key)).toEqual(["b"]);
    expect(orders.read("b").completeFrom).toBeDefined();
    expect(log.lines.map(({ message }) => message)).toContain(
      "The log no longer has what follows a projection's position; the projection is built anew.",
    );
  });
});
