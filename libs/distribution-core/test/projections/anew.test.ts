/** One projection is built anew at run time, slowly: what the others do meanwhile, and what it does afterwards. */
import { expect, it } from "vitest";
import { createProjection, from } from "../../src/projections/index.ts";
import {
  createOrders,
  during,
  FILLS,
  ORDERS,
  OrderJson,
  openSimulated,
  prepareProjections,
  putOrder,
} from "./support.ts";

let decoded = 0;
const CountedJson: typeof OrderJson = {
  decode(bytes) {
    decoded += 1;
    return OrderJson.decode(bytes);
  },
};

/** Of orders, and of orders and fills: where fills lose their history, the second is built anew, from the orders too. */
async function openBoth() {
  const { runtime, broker: simulated } = openSimulated();
  let held: Promise<void> | undefined;
  const broker: typeof simulated = {
    ...simulated,
    async read(topic, partition, place) {
      const reader = await simulated.read(topic, partition, place);
      // Of those opened from now on.
      const gate = topic === ORDERS.name ? held : undefined;
      return { ...reader, next: (bytes) => Promise.resolve(gate).then(() => reader.next(bytes)) };
    },
  };
  const orders = createOrders({
    sources: [from(ORDERS.name, CountedJson, { apply: (_, { payload }) => ({ ...NEW, ...payload }) })],
  });
  const counts = createProjection<number>({
    ...{ name: "counts", version: 1, bounds: { keys: 100, bytes: 100_000 } },
    sources: [FILLS.name, ORDERS.name].map((name) =>
      from<number, unknown>(name, CountedJson, { apply: (n = 0) => n + 1 }),
    ),
  });
  const running = await during(runtime, prepareProjections(broker, [orders, counts], { runtime }));
  await during(runtime, running.host.start());
  const put = (key: string, payload = {}) => during(runtime, putOrder(broker, key, payload));
  return {
    ...{ runtime, orders, counts, put, running },
    lose: () => simulated.lose(FILLS.name, 0),
    hold() {
      const { promise, resolve } = Promise.withResolvers<void>();
      held = promise;
      return resolve;
    },
  };
}

const NEW = { status: "new", price: 0, strategies: [], events: 1 };

it("the others go on at the head, and answer what came meanwhile", async () => {
  const { runtime, orders, counts, put, running, lose, hold } = await openBoth();
  await put("a", { status: "open" });
  await runtime.run(100);
  const release = hold();
  lose();
  await runtime.run(1_000);
  expect(running.host.troubles()).toEqual(["projection counts is being built from the log"]);
  await put("a", { status: "filled" });
  await runtime.run(100);
  expect([orders.read("a").value.status, orders.lack(0)]).toEqual(["filled", undefined]);
  expect(() => counts.read("a")).toThrow(expect.objectContaining({ code: "unavailable" }));
  release();
  await runtime.run(10_000);
  expect([counts.read("a").value, running.host.troubles()]).toEqual([2, []]);
});

it("afterwards it reads with the others again, as often as that happens: what comes is decoded once for all", async () => {
  const { runtime, orders, counts, put, lose } = await openBoth();
  for (const times of [1, 2, 3]) {
    lose();
    await runtime.run(10_000);
    decoded = 0;
    await put("a");
    await runtime.run(100);
    expect([counts.read("a").value, orders.stats.events, decoded]).toEqual([times, times, 1]);
  }
});
