import { describe, expect, it } from "vitest";
import type { Projection } from "../../src/projections/index.ts";
import { systemRuntime } from "../../src/runtime/index.ts";
import { holdReaders } from "../tail/support.ts";
import {
  byStatus,
  createOrders,
  type Order,
  openLog,
  prepareProjections,
  putOrder,
  runProjections,
  until,
} from "./support.ts";

describe("what is read of a projection", () => {
  const clock = { ...systemRuntime.clock, monotonicMs: () => 0 };
  const runtime = { ...systemRuntime, clock };

  /** The tail's other listener, as delivery is: it sees the events before the projections have had a turn. */
  async function readAsTheyCome<T>(projections: readonly Projection<unknown>[], read: () => T) {
    const broker = await openLog();
    const running = await prepareProjections(broker, projections, { runtime });
    const seen: T[] = [];
    running.tail.listen({ name: "test", events: () => void seen.push(read()), lost: () => undefined });
    await running.host.start();
    return { broker, seen };
  }

  it("is no older than what was delivered before", async () => {
    const orders = createOrders();
    const { broker, seen } = await readAsTheyCome([orders], () => orders.read("a").value.events);
    for (const count of [1, 2, 3]) {
      await putOrder(broker, "a");
      await until(() => seen.length === count);
    }
    expect(seen).toEqual([1, 2, 3]);
  });

  it("is of one moment, in all projections, until the reader waits; and of one turn at most", async () => {
    const [orders, others] = [createOrders(), createOrders({ name: "others" })];
    const eventsOf = (projection: Projection<Order>) => projection.find("a")!.state.events;
    const read = () => [eventsOf(orders), eventsOf(others), eventsOf(orders)];
    const { broker, seen } = await readAsTheyCome([orders, others], read);
    const puts = await Promise.all(Array.from({ length: 1_500 }, () => putOrder(broker, "a")));
    await orders.reached(puts.at(-1)!);
    for (const [first, ...rest] of seen) expect(rest).toEqual([first, first]);
    expect(seen[0]![0]).toBeLessThanOrEqual(512);
  });

  it("before it is restored is refused, and begins nothing", async () => {
    const real = await openLog();
    await putOrder(real, "a");
    let asked = 0;
    const partitions: typeof real.admin.partitions = (name) => {
      asked += 1;
      return real.admin.partitions(name);
    };
    const orders = createOrders();
    const running = await prepareProjections({ ...real, admin: { ...real.admin, partitions } }, [orders]);
    const before = asked;
    expect(() => orders.find("a")).toThrow("being built");
    expect(() => orders.count(byStatus, "new")).toThrow("being built");
    expect(asked).toBe(before);
    await running.host.start();
    expect(orders.read("a").value.events).toBe(1);
  });
});

describe("waiting for a position", () => {
  it("ends when the projection is there or behind it, and not before", async () => {
    const { broker, hold, release } = holdReaders(await openLog());
    const orders = createOrders();
    await runProjections(broker, [orders]);
    hold();
    const first = await putOrder(broker, "a");
    const second = await putOrder(broker, "a");
    let there = false;
    const waiting = orders.reached(second).then(() => {
      there = true;
    });
    expect(there).toBe(false);
    release();
    await waiting;
    await orders.reached(first);
    expect(orders.read("a").value.events).toBe(2);
  });

  it("is refused for a topic that is not the projection's, and when nothing comes any more", async () => {
    const broker = await openLog();
    const orders = createOrders();
    const running = await runProjections(broker, [orders]);
    const position = { ...(await putOrder(broker, "a")), offset: "99" };
    await expect(orders.reached({ ...position, topic: "test.other" })).rejects.toMatchObject({
      code: "invalid_request",
    });
    const refused = expect(orders.reached(position)).rejects.toMatchObject({ code: "unavailable" });
    await running.close();
    await refused;
    await expect(orders.reached(position)).rejects.toMatchObject({ code: "unavailable" });
  });
});

it("goes on in memory also when the reader of the log cannot be closed", async () => {
  const real = await openLog();
  const at = await putOrder(real, "a");
  let refused = 0;
  const broker: typeof real = {
    ...real,
    async read(name, partition, place) {
      const reader = await real.read(name, partition, place);
      if (!("after" in place)) return reader;
      return {
        ...reader,
        async close() {
          await reader.close();
          refused += 1;
          throw new TypeError("The connection is gone.");
        },
      };
    },
  };
  const orders = createOrders();
  const running = await runProjections(broker, [orders]);
  await orders.reached(at);
  await orders.reached(await putOrder(broker, "a"));
  await until(() => refused > 0);
  expect([orders.read("a").value.events, running.host.troubles()]).toEqual([2, []]);
});
