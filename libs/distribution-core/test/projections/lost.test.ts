/** Projections whose log loses what they had, or never had all of it: in simulated time, over a broker that can be made to. */
import { NO_FAULTS } from "@distribution/testkit/simulation";
import { describe, expect, it } from "vitest";
import type { Broker, PartitionInfo } from "../../src/brokers/contract.ts";
import { DistributionError } from "../../src/errors.ts";
import { createCheckpointFiles, createProjection, from } from "../../src/projections/index.ts";
import { systemRuntime } from "../../src/runtime/index.ts";
import {
  applyOrder,
  createOrders,
  during,
  FILLS,
  folder,
  ORDERS,
  OrderJson,
  openEmbedded,
  openSimulated,
  prepareProjections,
  putOrder,
  type RunOptions,
  runProjections,
  topic,
} from "./support.ts";

const GONE = "The log no longer has what follows a projection's position; the projection is built anew.";

/** A projection of orders and one of orders and fills, which count their events by key. */
async function openBoth(options: RunOptions = {}) {
  const { runtime, broker } = openSimulated();
  const orders = createOrders();
  const counts = createProjection<number>({
    ...{ name: "counts", version: 1, bounds: { keys: 100, bytes: 100_000 } },
    sources: [FILLS.name, ORDERS.name].map((name) =>
      from<number, unknown>(name, OrderJson, { apply: (n = 0) => n + 1 }),
    ),
  });
  const put = (...args: [string, object?, { topic?: string; partition?: number }?]) =>
    during(runtime, putOrder(broker, ...args));
  const running = await during(runtime, prepareProjections(broker, [orders, counts], { runtime, ...options }));
  const start = () => during(runtime, running.host.start());
  return { runtime, broker, orders, counts, put, running, start };
}

describe("a projection whose partition lost its history", () => {
  it("is built anew from all of its partitions, and says since when it is complete", async () => {
    const { runtime, broker, orders, put, running, start } = await openBoth();
    await start();
    await put("a");
    await put("b", {}, { partition: 1 });
    await runtime.run(100);
    expect([orders.read("a").value.events, orders.read("b").value.events]).toEqual([1, 1]);
    expect(orders.read("a").completeFrom).toBeUndefined();
    broker.lose(ORDERS.name, 0);
    await put("c");
    await runtime.run(10_000);
    expect(() => orders.read("a")).toThrow(/Events before .* are not known/);
    expect([orders.read("b").value.events, orders.read("c").value.events]).toEqual([1, 1]);
    expect(orders.read("b").completeFrom).toBeGreaterThan(orders.find("b")!.changedAt);
    expect(orders.read("c").positions).toMatchObject([{ epoch: "e4", offset: "0" }, { offset: "0" }]);
    expect(running.log.lines.filter(({ message }) => message === GONE).map(({ fields }) => fields)).toMatchObject([
      { projection: "orders", position: { epoch: "e1", offset: "0" } },
      { projection: "counts" },
    ]);
  });

  it("refuses answers while it is, and is among the service's troubles", async () => {
    const { runtime, broker, orders, put, running, start } = await openBoth();
    await start();
    await put("a", {}, { partition: 1 });
    await runtime.run(100);
    broker.lose(ORDERS.name, 0);
    broker.faults = { ...broker.faults, readDelay: () => 500 };
    while (!running.host.troubles().some((each) => each.includes("orders is being built"))) await runtime.run(10);
    expect(() => orders.read("a")).toThrow(expect.objectContaining({ code: "unavailable" }));
    broker.faults = NO_FAULTS;
    await runtime.run(10_000);
    expect([orders.read("a").value.events, running.host.troubles()]).toEqual([1, []]);
  });

  it("refuses answers also where that partition is its only one", async () => {
    const { runtime, broker } = openSimulated();
    const fills = createOrders({ sources: [from(FILLS.name, OrderJson, { apply: applyOrder })] });
    const running = await during(runtime, prepareProjections(broker, [fills], { runtime }));
    await during(runtime, running.host.start());
    broker.lose(FILLS.name, 0);
    await during(runtime, putOrder(broker, "a", {}, { topic: FILLS.name }));
    broker.faults = { ...broker.faults, readDelay: () => 500 };
    while (running.host.troubles().length === 0) await runtime.run(10);
    await runtime.run(600);
    expect(() => fills.read("a")).toThrow(expect.objectContaining({ code: "unavailable" }));
    broker.faults = NO_FAULTS;
    await runtime.run(10_000);
    expect([fills.read("a").value.events, running.host.troubles()]).toEqual([1, []]);
  });

  it("leaves those that do not read the topic as they are, and lets those that read another of its topics take nothing twice", async () => {
    const { runtime, broker, orders, counts, put, start } = await openBoth();
    await start();
    await put("a");
    await put("a", {}, { topic: FILLS.name });
    await runtime.run(100);
    expect([orders.read("a").value.events, counts.read("a").value]).toEqual([1, 2]);
    // Fills are read by counts alone: it is built anew, and reads the orders again, which the other has.
    broker.lose(FILLS.name, 0);
    await runtime.run(10_000);
    await put("a");
    await runtime.run(100);
    expect([orders.read("a").value.events, orders.stats.events, counts.read("a").value]).toEqual([2, 2, 2]);
    expect([orders.read("a").completeFrom, counts.read("a").completeFrom]).toEqual([undefined, expect.any(BigInt)]);
  });

  it("to retention, before it had read it, is built from what is kept", async () => {
    const { runtime, broker, orders, put, running } = await openBoth();
    for (const key of ["a", "b", "c", "d"]) await put(key);
    const away = new DistributionError("unavailable", "The broker is away.");
    // Once it knows where it begins.
    const failure = () => (orders.intake.position(ORDERS.name, 0) ? away : undefined);
    broker.faults = { ...NO_FAULTS, failure };
    const started = running.host.start();
    while (!running.host.troubles().some((each) => each.includes("away"))) await runtime.run(10);
    broker.forget(ORDERS.name, 0);
    broker.faults = NO_FAULTS;
    await during(runtime, started);
    expect([orders.find("b"), orders.read("c").completeFrom]).toEqual([undefined, orders.find("c")!.changedAt]);
    expect(running.log.lines.map(({ message }) => message)).toContain(GONE);
  });
});

describe("since when a projection is complete that was built from the log", () => {
  const KEPT = topic("test.orders", { retention: { ms: 1_000_000 } });

  async function built(broker: Broker, options: RunOptions = {}) {
    const orders = createOrders();
    await runProjections(broker, [orders], { topics: [KEPT], ...options });
    return orders;
  }

  it("is always, where the broker says that nothing was deleted", async () => {
    const broker = await openEmbedded();
    await broker.admin.ensureTopic(KEPT);
    await putOrder(broker, "a");
    expect((await built(broker)).read("a").completeFrom).toBeUndefined();
  });

  it("is its oldest event, where something was deleted", async () => {
    const broker = await openEmbedded();
    await broker.admin.ensureTopic(KEPT);
    await broker.admin.truncate(await putOrder(broker, "a"));
    await putOrder(broker, "b");
    await putOrder(broker, "c");
    const orders = await built(broker);
    expect(orders.read("c").completeFrom).toBe(orders.find("b")!.changedAt);
  });

  it("is its start, where all was deleted", async () => {
    const broker = await openEmbedded();
    await broker.admin.ensureTopic(KEPT);
    const last = await putOrder(broker, "a");
    await broker.admin.truncate(last);
    const orders = await built(broker);
    await orders.reached(await putOrder(broker, "b"));
    expect(orders.read("b").completeFrom).toBeLessThan(orders.find("b")!.changedAt);
  });

  it("is the bound of the rebuild, where the log has older events than that", async () => {
    const directory = folder();
    const broker = await openEmbedded(directory);
    await broker.admin.ensureTopic(KEPT);
    await putOrder(broker, "a");
    const within = await built(broker, { rebuildMs: 3_600_000 });
    expect(within.read("a").completeFrom, "all of the log is within").toBeUndefined();
    const hourLater = () => systemRuntime.clock.wallNs() + 3_600_000_000_000n;
    const runtime = { ...systemRuntime, clock: { ...systemRuntime.clock, wallNs: hourLater } };
    const beyond = await built(broker, { rebuildMs: 1_000, runtime });
    expect(() => beyond.read("a")).toThrow(/Events before .* are not known/);
    await beyond.reached(await putOrder(broker, "b"));
    expect(beyond.read("b").completeFrom).toBeGreaterThan(beyond.find("b")!.changedAt);
  });

  it("is its oldest event, where the broker does not say and the topic does not keep all", async () => {
    const { runtime, broker: open } = openSimulated();
    const partitions = async (topic: string) =>
      (await open.admin.partitions(topic)).map(({ whole: _, ...info }): PartitionInfo => info);
    const broker: Broker = { ...open, admin: { ...open.admin, partitions } };
    const build = async (definition: typeof KEPT) => {
      await broker.admin.ensureTopic(definition);
      await during(runtime, putOrder(broker, "a"));
      const orders = createOrders();
      await during(runtime, runProjections(broker, [orders], { topics: [definition], runtime }));
      return orders.read("a").completeFrom;
    };
    expect(await build(KEPT)).toBe(1_767_225_600_000_000_000n);
    expect(await build(ORDERS)).toBeUndefined();
  });
});

describe("who waits for an event that the log lost before it was read", () => {
  it("is let go, with `unavailable`, once the projection has what the log has instead", async () => {
    const { runtime, broker } = openSimulated();
    await broker.admin.ensureTopic(ORDERS);
    const orders = createOrders();
    await during(runtime, runProjections(broker, [orders], { topics: [ORDERS], runtime }));
    const position = await during(runtime, putOrder(broker, "a"));
    await during(runtime, orders.reached(position));
    let code: string | undefined;
    void orders.reached({ ...position, epoch: "lost" }).catch((failure: { code: string }) => {
      code = failure.code;
    });
    await runtime.run(30_000);
    expect(code).toBeUndefined();
    await runtime.run(60_000);
    expect(code).toBe("unavailable");
  });
});

describe("a projection that is new beside others", () => {
  it("is built from the beginning, while those with a checkpoint further on take nothing twice", async () => {
    const broker = await openEmbedded();
    await broker.admin.ensureTopic(ORDERS);
    const settings = { files: createCheckpointFiles(folder()), topics: [ORDERS] };
    const first = await runProjections(broker, [createOrders()], settings);
    await putOrder(broker, "a");
    await putOrder(broker, "a");
    await first.close();
    await putOrder(broker, "a");
    const [orders, fresh] = [createOrders(), createOrders({ name: "fresh" })];
    await runProjections(broker, [orders, fresh], settings);
    expect([orders.read("a").value.events, fresh.read("a").value.events]).toEqual([3, 3]);
  });
});
