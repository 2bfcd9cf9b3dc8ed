import { describe, expect, it } from "vitest";
import { DistributionError } from "../../src/errors.ts";
import { createProjection, from, type Projection } from "../../src/projections/index.ts";
import { systemRuntime } from "../../src/runtime/index.ts";
import { countReaders } from "../service/support.ts";
import { holdReaders } from "../tail/support.ts";
import {
  byPrice,
  createOrders,
  FILLS,
  folder,
  ORDERS,
  OrderJson,
  openEmbedded,
  openLog,
  prepareProjections,
  putOrder,
  runProjections,
  topic,
  until,
} from "./support.ts";

/** The offsets of one partition that were applied, in the order they came. */
function createOffsets(name = "offsets", topics = [ORDERS.name]): Projection<string[]> {
  return createProjection<string[]>({
    ...{ name, version: 1, bounds: { keys: 100, bytes: 1 << 24 }, sizeOf: () => 1 },
    sources: topics.map((each) =>
      from(each, OrderJson, {
        key: ({ position }) => `${position.topic}/${position.partition}`,
        apply: (seen = [], { position }) => [...seen, position.offset],
      }),
    ),
  });
}

const countTo = (count: number): string[] => Array.from({ length: count }, (_, at) => String(at + 1));

describe("a projection of a log", () => {
  it("has a partition that is added while it runs, from its first event on", async () => {
    const broker = await openLog();
    const offsets = createOffsets();
    const others = createOffsets("others", [ORDERS.name, FILLS.name]);
    const { host, tail } = await runProjections(broker, [offsets, others]);
    await offsets.reached(await putOrder(broker, "a"));
    await broker.admin.ensureTopic({ ...ORDERS, partitions: 3 });
    const early = await putOrder(broker, "b", {}, { partition: 2 });
    await tail.look(ORDERS.name);
    await others.reached(early);
    const late = await putOrder(broker, "b", {}, { partition: 2 });
    for (const each of [offsets, others]) {
      await each.reached(late);
      expect(each.read("test.orders/2").value).toEqual(countTo(2));
      expect(each.read("test.orders/0").value).toEqual(countTo(1));
    }
    expect(offsets.read("test.orders/2").positions.map(({ partition }) => partition)).toEqual([0, 1, 2]);
    expect(host.troubles()).toEqual([]);
  });

  it("that cannot read a partition that was added lacks what is there, and has the others", async () => {
    const broker = await openLog();
    const offsets = createOffsets();
    const read: typeof broker.read = async (name, partition, from) => {
      if (partition === 2) throw new DistributionError("record_damaged", "It is damaged.");
      return broker.read(name, partition, from);
    };
    const { tail } = await runProjections({ ...broker, read }, [offsets]);
    await broker.admin.ensureTopic({ ...ORDERS, partitions: 3 });
    await tail.look(ORDERS.name);
    const lack = (partition: number) => offsets.lack(100, { topic: ORDERS.name, partition });
    await until(() => lack(2) !== undefined);
    expect(lack(2)).toBe("projection offsets cannot read test.orders/2: It is damaged.");
    expect(lack(0)).toBeUndefined();
    await offsets.reached(await putOrder(broker, "a"));
  });

  it("has what the log had before it started, and then what comes, each event once and in order", async () => {
    const broker = await openLog();
    const offsets = createOffsets();
    for (let at = 0; at < 3; at += 1) await putOrder(broker, "a");
    await putOrder(broker, "b", {}, { partition: 1 });
    await runProjections(broker, [offsets]);
    expect(offsets.read("test.orders/0").value).toEqual(countTo(3));
    const last = await putOrder(broker, "a");
    await offsets.reached(last);
    expect(offsets.read("test.orders/0").value).toEqual(countTo(4));
    expect(offsets.read("test.orders/1")).toMatchObject({
      value: ["1"],
      positions: [last, { partition: 1, offset: "1" }],
    });
    expect(offsets.read("test.orders/0").completeFrom).toBeUndefined();
  });

  it("has a position for each partition, also for one that never had an event", async () => {
    const broker = await openLog();
    const orders = createOrders();
    const position = await putOrder(broker, "a");
    await runProjections(broker, [orders]);
    const [info] = (await broker.admin.partitions(ORDERS.name)).slice(1);
    const empty = { topic: ORDERS.name, partition: 1, epoch: info!.epoch, offset: "0" };
    expect(orders.read("a").positions).toEqual([position, empty]);
  });

  it("misses nothing and takes nothing twice while events come as it starts", async () => {
    const broker = await openLog();
    const offsets = createOffsets();
    let put = 0;
    const putting = (async () => {
      for (; put < 200; put += 1) await putOrder(broker, "a");
    })();
    await until(() => put > 50);
    await runProjections(broker, [offsets]);
    expect(offsets.read("test.orders/0").value.length).toBeGreaterThan(50);
    await putting;
    await offsets.reached(await putOrder(broker, "a"));
    expect(offsets.read("test.orders/0").value).toEqual(countTo(201));
  });

  it("follows from memory, and has no reader of its own open at the head", async () => {
    const { broker, readers } = countReaders(await openLog());
    await putOrder(broker, "a");
    const orders = createOrders();
    await runProjections(broker, [orders]);
    await until(() => readers() === ORDERS.partitions + FILLS.partitions);
    await orders.reached(await putOrder(broker, "a"));
    expect(readers()).toBe(ORDERS.partitions + FILLS.partitions);
  });

  it("goes back to the log when memory has let go of what it needs next", async () => {
    const tiny = topic(FILLS.name, { ringBytes: 1 });
    const broker = await openLog();
    const offsets = createOffsets("tiny", [tiny.name]);
    const { host, tail } = await runProjections(broker, [offsets], { topics: [tiny] });
    // Without a turn of the loop between, the ring is past all but the last when the projection comes to look.
    const puts = Array.from({ length: 300 }, () => putOrder(broker, "a", {}, { topic: tiny.name }));
    await offsets.reached((await Promise.all(puts)).at(-1)!);
    expect(offsets.read("test.fills/0").value).toEqual(countTo(300));
    expect(tail.all[0]!.ring.first).toBeGreaterThan(200);
    expect(host.troubles()).toEqual([]);
  });

  it("reads on in the log while the tail is behind it, and what that gives too late is not taken again", async () => {
    const tiny = topic(FILLS.name, { ringBytes: 1 });
    const real = await openLog();
    const put = () => putOrder(real, "a", {}, { topic: tiny.name });
    const gates = { tail: Promise.withResolvers<void>(), own: Promise.withResolvers<void>() };
    let own = 0;
    const broker = {
      ...real,
      async read(...place: Parameters<typeof real.read>) {
        const reader = await real.read(...place);
        const [, , from] = place;
        const next = async (bytes: number) => {
          const batches = await reader.next(bytes);
          if ("at" in from && from.at === "latest") await gates.tail.promise;
          if ("after" in from) own += batches.length;
          // Its first reading comes at once, what it waits for then does not.
          if ("after" in from && own > 2) await gates.own.promise;
          return batches;
        };
        return { start: reader.start, next, close: () => reader.close() };
      },
    };
    gates.tail.resolve();
    await put();
    const offsets = createOffsets("tiny", [tiny.name]);
    const running = await prepareProjections(broker, [offsets], { topics: [tiny] });
    gates.tail = Promise.withResolvers();
    await put();
    await running.host.start();
    expect([offsets.read("test.fills/0").value, running.tail.all[0]!.head.offset]).toEqual([countTo(2), "1"]);
    await put();
    await until(() => own === 3);
    gates.tail.resolve();
    await until(() => offsets.stats.events === 3);
    gates.own.resolve();
    const puts = await Promise.all(Array.from({ length: 300 }, put));
    await offsets.reached(puts.at(-1)!);
    expect(offsets.read("test.fills/0").value).toEqual(countTo(303));
  });

  it("takes of several topics the events that were appended first, while it catches up", async () => {
    const real = await openLog();
    const turn = () => new Promise((resolve) => setImmediate(resolve));
    const broker: typeof real = {
      ...real,
      async read(name, ...place) {
        const reader = await real.read(name, ...place);
        const next = async (bytes: number) => {
          const batches = await reader.next(bytes);
          // One topic comes slower than the other.
          if (name === FILLS.name) for (let at = 0; at < 10; at += 1) await turn();
          return batches;
        };
        return { start: reader.start, next, close: () => reader.close() };
      },
    };
    const order: string[] = [];
    const both = createProjection<number>({
      ...{ name: "both", version: 1, bounds: { keys: 10, bytes: 10_000 } },
      sources: [FILLS.name, ORDERS.name].map((name) =>
        from<number, unknown>(name, OrderJson, {
          apply(count = 0, { position }) {
            order.push(position.topic);
            return count + 1;
          },
        }),
      ),
    });
    const expected: string[] = [];
    for (let at = 0; at < 20; at += 1) {
      const name = [ORDERS.name, FILLS.name][at % 3 === 0 ? 1 : 0]!;
      await putOrder(broker, "a", {}, { topic: name });
      expected.push(name);
    }
    await runProjections(broker, [both]);
    expect(order).toEqual(expected);
    expect(both.read("a").value).toBe(20);
  });

  it("takes so many events in one turn of the event loop and no more, however many there are", async () => {
    const broker = await openLog();
    await Promise.all(Array.from({ length: 3_000 }, () => putOrder(broker, "a")));
    const offsets = createOffsets();
    // Time stands still, so that only the number of events ends a turn.
    const clock = { ...systemRuntime.clock, monotonicMs: () => 0 };
    const running = await prepareProjections(broker, [offsets], { runtime: { ...systemRuntime, clock } });
    const started = running.host.start();
    let most = 0;
    for (let before = 0; before < 3_000; ) {
      await new Promise((resolve) => setImmediate(resolve));
      most = Math.max(most, offsets.stats.events - before);
      before = offsets.stats.events;
    }
    await started;
    expect(most).toBe(512);
  });
});

describe("what a service sees of its projections", () => {
  it("is their lag, their size and what they took, in metrics", async () => {
    const broker = await openLog();
    const orders = createOrders();
    const { metrics, log } = await runProjections(broker, [orders]);
    await orders.reached(await putOrder(broker, "a"));
    await orders.reached(await putOrder(broker, "b", { status: "poison" }));
    await orders.reached(await putOrder(broker, "b", { status: "poison" }));
    const of = (name: string, more = "") =>
      metrics
        .render()
        .match(new RegExp(`^distribution_projection_${name}\\{projection="orders"${more}\\} (\\d+)$`, "m"))?.[1];
    expect([of("events_total"), of("keys"), of("lag_events"), of("forgotten_keys_total")]).toEqual([
      "1",
      "1",
      "0",
      "0",
    ]);
    expect(of("skipped_events_total", ',topic="test.orders"')).toBe("2");
    expect(of("bytes")).toBe(String(orders.stats.bytes));
    expect(metrics.render()).toContain("# TYPE distribution_projection_events_total counter");
    const named = log.lines.filter(({ message }) => message.startsWith("A projection skipped"));
    expect(named).toMatchObject([
      { level: "warn", fields: { projection: "orders", position: { topic: ORDERS.name, offset: "2" } } },
    ]);
  });

  it("is how far they are behind while they read the log", async () => {
    const { broker, hold, release } = holdReaders(await openLog());
    for (let at = 0; at < 5; at += 1) await putOrder(broker, "a");
    const orders = createOrders();
    const running = await prepareProjections(broker, [orders]);
    hold();
    const started = running.host.start();
    await until(() => orders.stats.lag === 5);
    expect(running.host.troubles()).toEqual(["projection orders is being built from the log"]);
    expect(() => orders.read("a")).toThrow(expect.objectContaining({ code: "unavailable" }));
    expect(() => orders.list(orders.stats as never, { limit: 1 })).toThrow("being built from the log");
    expect(orders.lack(5)).toBe("projection orders is being built from the log");
    release();
    await started;
    expect([orders.stats.lag, running.host.troubles()]).toEqual([0, []]);
  });

  it("is what they lack, where they are further behind than who asks can bear", async () => {
    const broker = await openLog();
    const orders = createOrders();
    const { tail } = await runProjections(broker, [orders]);
    const lacks: unknown[] = [];
    // Told in the turn in which the tail has the event, before projections take it.
    tail.listen({ name: "test", events: () => lacks.push(orders.lack(0), orders.lack(1)), lost: () => undefined });
    await orders.reached(await putOrder(broker, "a"));
    expect(lacks).toEqual(["projection orders is more than 0 events behind in test.orders/0", undefined]);
    expect(orders.lack(0)).toBeUndefined();
  });

  it("refuses at once a topic that it does not have, and two projections of one name", async () => {
    const broker = await openLog();
    const stranger = createOffsets("stranger", ["test.nowhere"]);
    await expect(prepareProjections(broker, [stranger])).rejects.toThrow("projection stranger: sources: test.nowhere");
    await expect(prepareProjections(broker, [createOrders(), createOrders()])).rejects.toThrow(
      "two have the name orders",
    );
  });
});

describe("what cannot be read", () => {
  it("is tried again until it can, and named meanwhile", async () => {
    const real = await openLog();
    await putOrder(real, "a");
    let away = false;
    const broker = {
      ...real,
      read: ((...place) =>
        away && "after" in place[2] ? Promise.reject(new TypeError("away")) : real.read(...place)) as typeof real.read,
    };
    const orders = createOrders();
    const running = await prepareProjections(broker, [orders]);
    away = true;
    const started = running.host.start();
    await until(() => running.host.troubles().length > 1);
    expect(running.host.troubles()[1]).toMatch(/^projections of test\.orders\/0: /);
    away = false;
    await started;
    expect([orders.read("a").value.events, running.host.troubles()]).toEqual([1, []]);
  });

  it("because the broker closed the reader is read by another", async () => {
    const real = await openLog();
    await putOrder(real, "a");
    let closed = 0;
    const broker: typeof real = {
      ...real,
      async read(name, partition, place) {
        const reader = await real.read(name, partition, place);
        if (!("after" in place) || closed > 0) return reader;
        return {
          ...reader,
          async next() {
            closed += 1;
            await reader.close();
            return [];
          },
        };
      },
    };
    const orders = createOrders();
    const { log } = await runProjections(broker, [orders]);
    expect([orders.read("a").value.events, closed]).toEqual([1, 1]);
    expect(log.lines.map(({ fields }) => fields)).toMatchObject([{ code: "unavailable", topic: ORDERS.name }]);
  });

  it("and will never be able to be, does not hold up the rest", async () => {
    const real = await openLog();
    await putOrder(real, "a");
    await putOrder(real, "b", {}, { partition: 1 });
    const broker = {
      ...real,
      async read(...place: Parameters<typeof real.read>) {
        const reader = await real.read(...place);
        if (place[1] === 1 || !("after" in place[2])) return reader;
        return { ...reader, next: () => Promise.reject(new DistributionError("record_damaged", "Damaged at 1.")) };
      },
    };
    const orders = createOrders();
    const before = systemRuntime.clock.wallNs();
    const { host, log } = await runProjections(broker, [orders]);
    expect(orders.read("b").value.events).toBe(1);
    expect(host.troubles()).toEqual(["projections of test.orders/0: Damaged at 1."]);
    expect(log.lines.filter(({ message }) => message.startsWith("Projections cannot read"))).toHaveLength(1);
    // Nor is it taken for nothing: answers say that they are not complete, and rules that what lies there is not known.
    expect(orders.read("b").completeFrom).toBeGreaterThan(before);
    expect(orders.list(byPrice, { limit: 1 }).completeFrom).toBeGreaterThan(before);
    expect(orders.read("b").tag).toBe(orders.read("b").tag);
    const unknown = 'Whether there is "a" in orders is not known: it cannot read test.orders/0: Damaged at 1.';
    expect(() => orders.read("a")).toThrow(expect.objectContaining({ code: "unavailable", message: unknown }));
    const lack = "projection orders cannot read test.orders/0: Damaged at 1.";
    expect([0, 1].map((partition) => orders.lack(0, { topic: ORDERS.name, partition }))).toEqual([lack, undefined]);
    expect(orders.lack(0)).toBe(lack);
  });

  it("is not known either where it comes to the head after all before it was read", async () => {
    const real = await openLog();
    let damage: DistributionError | undefined;
    const broker = {
      ...real,
      async read(...place: Parameters<typeof real.read>) {
        const reader = await real.read(...place);
        if (place[0] !== ORDERS.name || place[1] !== 0) return reader;
        const next: typeof reader.next = async (bytes) => {
          const batches = await reader.next(bytes);
          if (damage) throw damage;
          return batches;
        };
        return { ...reader, next };
      },
    };
    const orders = createOrders();
    const { host, tail } = await runProjections(broker, [orders]);
    await orders.reached(await putOrder(broker, "a"));
    damage = new DistributionError("record_damaged", "Damaged at 2.");
    await putOrder(broker, "b");
    await until(() => tail.troubles().length > 0);
    expect([tail.troubles(), host.troubles()]).toEqual([["test.orders/0: Damaged at 2."], []]);
    expect(() => orders.read("b")).toThrow(expect.objectContaining({ code: "unavailable" }));
    expect(orders.read("a").completeFrom).toBeDefined();
    const lack = "projection orders cannot read test.orders/0: Damaged at 2.";
    expect([0, 1].map((partition) => orders.lack(0, { topic: ORDERS.name, partition }))).toEqual([lack, undefined]);
    damage = undefined;
    await until(() => orders.find("b") !== undefined);
    await until(() => orders.lack(0) === undefined);
    expect(orders.read("b").completeFrom).toBeUndefined();
  });

  it("of no projections is nothing", async () => {
    const running = await runProjections(await openLog(), []);
    expect(running.host.troubles()).toEqual([]);
  });
});

describe("a restart", () => {
  it("without a checkpoint builds the same again", async () => {
    const directory = folder();
    const answers: unknown[] = [];
    for (const _ of [1, 2]) {
      const broker = await openEmbedded(directory);
      const orders = createOrders();
      const running = await runProjections(broker, [orders]);
      if (answers.length === 0) await orders.reached(await putOrder(broker, "a", { status: "open" }));
      answers.push(orders.read("a"));
      await running.close();
      await broker.close();
    }
    expect(answers[1]).toEqual(answers[0]);
  });
});
