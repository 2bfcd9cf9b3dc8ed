/** Rules that judge by real projections of a real log: what they say when the log cannot be read, or goes on. */
import { expect, it } from "vitest";
import { DistributionError } from "../../src/errors.ts";
import type { TransitionRule } from "../../src/ingest/index.ts";
import {
  createOrders,
  ORDERS,
  type Order,
  type OrderEvent,
  OrderJson,
  openLog,
  orderEvent,
  putOrder,
  runProjections,
} from "../projections/support.ts";
import { open } from "./support.ts";

const KEYS = Array.from({ length: 16 }, (_, at) => `o-${at}`);

async function start(broker: Awaited<ReturnType<typeof openLog>>) {
  const orders = createOrders();
  await runProjections(broker, [orders], { topics: [ORDERS] });
  const { ingest, publish } = await open({ broker, topics: [ORDERS] });
  const rule: TransitionRule<Order, OrderEvent> = {
    ...{ topic: ORDERS.name, payload: OrderJson, by: [orders] },
    current: (key) => orders.find(key)?.state,
    next(order, { payload: { status = "" } }) {
      if (order?.status === status) throw new DistributionError("illegal_transition", `It is ${status} already.`);
      return { status, price: 0, strategies: [], events: (order?.events ?? 0) + 1 };
    },
  };
  ingest.govern(rule);
  return { orders, put: (key: string, payload: OrderEvent) => publish([orderEvent(key, payload)]) };
}

it("what follows on a damaged partition is refused at once; the other one goes on", async () => {
  const real = await openLog();
  await putOrder(real, "a");
  const { orders, put } = await start({
    ...real,
    async read(...place: Parameters<typeof real.read>) {
      const reader = await real.read(...place);
      if (place[1] === 1 || !("after" in place[2])) return reader;
      return { ...reader, next: () => Promise.reject(new DistributionError("record_damaged", "Damaged at 1.")) };
    },
  });
  const refused: unknown[] = [];
  const taken: number[] = [];
  for (const key of KEYS) {
    await put(key, { status: "open" }).then(
      ({ positions }) => taken.push(positions[0]!.partition),
      ({ code, message }: DistributionError) => refused.push([code, message]),
    );
  }
  const message =
    "test.orders/0 takes nothing that follows on what it holds: projection orders cannot read test.orders/0: Damaged at 1. Send the batch again.";
  expect(new Set(taken)).toEqual(new Set([1]));
  expect(refused).toEqual(Array.from({ length: KEYS.length - taken.length }, () => ["unavailable", message]));
  expect(refused.length).toBeGreaterThan(0);
  expect(() => orders.read("a")).toThrow(expect.objectContaining({ code: "unavailable" }));
});

it("many that publish to one key at a time are each judged by what the one before did", async () => {
  const { orders, put } = await start(await openLog());
  const outcomes = await Promise.allSettled(KEYS.map((_, at) => put("a", { status: at % 2 ? "open" : "closed" })));
  const same = await Promise.allSettled([put("b", { status: "open" }), put("b", { status: "open" })]);
  expect(outcomes.every(({ status }) => status === "fulfilled")).toBe(true);
  expect(same.map(({ status }) => status)).toEqual(["fulfilled", "rejected"]);
  expect(orders.read("a").value.events).toBe(KEYS.length);
});
