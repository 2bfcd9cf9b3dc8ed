import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { restoreProjection, saveProjection } from "../../src/projections/checkpoint.ts";
import {
  type CheckpointFiles,
  createCheckpointFiles,
  feedProjections,
  plainData,
} from "../../src/projections/index.ts";
import { systemRuntime } from "../../src/runtime/index.ts";
import { countedRuntime } from "../service/support.ts";
import {
  createOrders,
  createPlacing,
  folder,
  ORDERS,
  type Order,
  openLog,
  orderEvent,
  prepareProjections,
  putOrder,
  runProjections,
  saved,
} from "./support.ts";

const FILE = "orders.projection";

describe("a checkpoint that is written while states change", () => {
  it("has every state as it was at its positions, while states change in place as it is written", async () => {
    const broker = await openLog();
    const files = createCheckpointFiles(folder());
    const orders = createOrders({ codec: plainData() });
    const gate = Promise.withResolvers<void>();
    let chunks = 0;
    let slow = true;
    const slowly: CheckpointFiles = {
      read: files.read,
      write: (name, all) =>
        files.write(
          name,
          (async function* () {
            for await (const chunk of all) {
              chunks += 1;
              yield chunk;
              if (slow && chunks === 1) await gate.promise;
            }
          })(),
        ),
    };
    const { runtime, fire } = countedRuntime();
    await runProjections(broker, [orders], { files: slowly, runtime });
    const padding = ["x".repeat(1_000)];
    const keys = Array.from({ length: 600 }, (_, at) => `k${String(at).padStart(3, "0")}`);
    const puts = await Promise.all(keys.map((key) => putOrder(broker, key, { status: "open", strategies: padding })));
    await orders.reached(puts.at(-1)!);
    fire(30_000);
    await expect.poll(() => chunks).toBe(1);
    // The first chunk is written, the rest is not: change all, forget one, remove one, add one.
    const more = await Promise.all(keys.map((key) => putOrder(broker, key, { price: 1 })));
    await orders.reached(more.at(-1)!);
    await putOrder(broker, "k599", { status: "gone" });
    await orders.reached(await putOrder(broker, "new", { status: "open" }));
    slow = false;
    gate.resolve();
    await expect.poll(async () => (await files.read("orders")) !== undefined).toBe(true);

    const restored = createOrders();
    expect(await restoreProjection(restored.intake, { files, runtime })).toBe(true);
    expect(restored.stats.keys).toBe(600);
    expect(keys.map((key) => restored.find(key)!.state)).toEqual(
      keys.map(() => ({ status: "open", price: 0, strategies: padding, events: 1 })),
    );
    expect(restored.intake.position(ORDERS.name, 0)).toEqual(puts.at(-1));
  });

  it("is encoded once for it", async () => {
    let encoded = 0;
    const codec = {
      ...plainData<Order>(),
      encode: (order: Order): Uint8Array => {
        encoded += 1;
        return plainData<Order>().encode(order);
      },
    };
    const orders = createOrders({ codec, sizeOf: () => 1 });
    const give = feedProjections([ORDERS], [orders]);
    const placed = createPlacing();
    const put = (payload = {}) => give(placed(orderEvent("a", payload)));
    put();
    const snapshot = orders.intake.snapshot();
    for (const payload of [{}, { status: "poison" }, { status: "poison" }, {}]) put(payload);
    const entry = snapshot.next();
    expect([encoded, codec.decode(entry!.state).events, entry!.position.offset, snapshot.next()]).toEqual([
      ...[1, 1, "1", undefined],
    ]);
    snapshot.end();
    put();
    expect(encoded).toBe(1);
  });
});

describe("writing a checkpoint", () => {
  it("that fails leaves the one before, says so, and is tried again", async () => {
    const directory = folder();
    const broker = await openLog();
    const files = createCheckpointFiles(directory);
    let full = false;
    const failing: CheckpointFiles = {
      read: files.read,
      write: (name, chunks) =>
        files.write(
          name,
          (async function* () {
            for await (const chunk of chunks) {
              yield chunk;
              if (full) throw new TypeError("the disk is full");
            }
          })(),
        ),
    };
    const { runtime, fire } = countedRuntime();
    const orders = createOrders();
    const running = await runProjections(broker, [orders], { files: failing, runtime });
    await orders.reached(await putOrder(broker, "a"));
    fire(30_000);
    await expect.poll(() => existsSync(join(directory, FILE))).toBe(true);
    const before = readFileSync(join(directory, FILE));
    full = true;
    await orders.reached(await putOrder(broker, "a"));
    fire(30_000);
    await expect.poll(() => running.log.lines.length).toBe(1);
    expect(running.log.lines[0]!.message).toMatch(/^A projection's checkpoint was not saved/);
    expect(readFileSync(join(directory, FILE))).toEqual(before);
    expect(readdirSync(directory)).toEqual([FILE]);
    full = false;
    await running.close();
    expect(readFileSync(join(directory, FILE), "latin1")).toContain('"offset":"2"');
  });

  it("that the projection is built anew meanwhile is given up, and the one before stays", async () => {
    const files = createCheckpointFiles(folder());
    const orders = createOrders();
    const give = feedProjections([ORDERS], [orders]);
    const placed = createPlacing();
    for (let at = 0; at < 2_000; at += 1) give(placed(orderEvent(`${at}`)));
    await saveProjection(orders.intake, { files, runtime: systemRuntime });
    const before = await files.read("orders");
    const soon = (run: () => void) => {
      orders.intake.reset();
      systemRuntime.timers.soon(run);
    };
    const runtime = { ...systemRuntime, timers: { ...systemRuntime.timers, soon } };
    await expect(saveProjection(orders.intake, { files, runtime })).rejects.toThrow("is being built anew");
    expect(await files.read("orders")).toEqual(before);
  });

  it("of states that cannot be encoded says so, and leaves the projection going", async () => {
    const directory = folder();
    const codec = {
      ...plainData<Order>(),
      encode: (): Uint8Array => {
        throw new TypeError("no bytes");
      },
    };
    const broker = await openLog();
    const orders = createOrders({ codec, sizeOf: () => 1 });
    const running = await runProjections(broker, [orders], { files: createCheckpointFiles(directory) });
    await orders.reached(await putOrder(broker, "a"));
    const snapshot = orders.intake.snapshot();
    await orders.reached(await putOrder(broker, "a"));
    expect(() => snapshot.next(), "encoded before the change").toThrow("no bytes");
    expect(orders.read("a").value.events).toBe(2);
    await running.close();
    expect(running.log.lines.map(({ message }) => message)).toEqual([expect.stringContaining("was not saved")]);
    expect(readdirSync(directory)).toEqual([]);
  });

  it("never overwrites one that is not restored yet", async () => {
    const { directory, files } = await saved("a");
    const before = readFileSync(join(files, FILE));
    const broker = await openLog(directory);
    const store = createCheckpointFiles(files);
    const gate = Promise.withResolvers<void>();
    const slow: CheckpointFiles = { write: store.write, read: (name) => gate.promise.then(() => store.read(name)) };
    const running = await prepareProjections(broker, [createOrders()], { files: slow });
    const starting = running.host.start();
    const closing = running.close();
    gate.resolve();
    await Promise.all([starting, closing]);
    expect(readFileSync(join(files, FILE))).toEqual(before);
  });

  it("keeps what was forgotten in mind", async () => {
    const directory = folder();
    const broker = await openLog();
    const settings = { files: createCheckpointFiles(directory) };
    const small = { bounds: { keys: 1, bytes: 1 << 20 } };
    const orders = createOrders(small);
    const running = await runProjections(broker, [orders], settings);
    await putOrder(broker, "a");
    await orders.reached(await putOrder(broker, "b"));
    await running.close();
    const again = createOrders(small);
    await runProjections(broker, [again], settings);
    expect(again.stats.forgotten).toBe(0);
    expect(() => again.read("a")).toThrow("It may have been forgotten");
  });
});
