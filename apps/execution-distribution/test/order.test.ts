import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isFinal, MAX_EXECUTIONS, openQuantity } from "../src/domain/order.ts";
import { illegal, next, orderAfter, reasonOf } from "./support/next-order.ts";
import { INSTRUMENT, NOON, OrderLife, textOf, unitsOf } from "./support/orders.ts";

describe("an order", () => {
  it("has its terms from its first event", () => {
    const life = new OrderLife("o-1", { side: "sell", quantity: "2.5", limitPrice: "60000" });
    expect(next(undefined, life.sent())).toEqual({
      ...{ orderId: "o-1", portfolioId: "p-1", instrument: INSTRUMENT, decisionId: "d-1", state: "new" },
      ...{ side: "sell", type: "limit", timeInForce: "day", quantity: "2.5", limitPrice: "60000" },
      ...{ filledQuantity: "0", filledValue: "0", fees: "0", executionCount: 0, executions: [] },
      ...{ venueOrderId: "", rejectReason: undefined, reason: "", sentTime: NOON, changedTime: NOON },
    });
  });

  it("is filled in parts, exactly", () => {
    const life = new OrderLife("o-1", { quantity: "0.3" });
    const working = orderAfter(life.sent(), life.acknowledged("77"));
    expect(working).toMatchObject({ state: "acknowledged", venueOrderId: "77", changedTime: NOON + 1_000_000n });
    const part = next(working, life.filled("0.1", "0.1"));
    expect(part).toMatchObject({ state: "partially_filled", filledQuantity: "0.1", filledValue: "0.01", fees: "0.25" });
    expect(openQuantity(part)).toBe("0.2");
    const whole = next(part, life.filled("0.2", "0.2", { fee: "-0.05" }));
    expect(whole).toMatchObject({
      ...{ state: "filled", filledQuantity: "0.3", filledValue: "0.05", fees: "0.2", executionCount: 2 },
      executions: [
        { number: 1, executionId: "e-1", time: NOON + 2_000_000n, quantity: "0.1", price: "0.1", fee: "0.25" },
        { number: 2, executionId: "e-2", time: NOON + 3_000_000n, quantity: "0.2", price: "0.2", fee: "-0.05" },
      ],
    });
    expect(isFinal(whole)).toBe(true);
  });

  it("may be replaced while it is worked, and is measured by its new terms", () => {
    const life = new OrderLife("o-1", { quantity: "10", limitPrice: "100" });
    const working = orderAfter(life.sent(), life.acknowledged(), life.replaced("8", "101"));
    expect(working).toMatchObject({ state: "acknowledged", quantity: "8", limitPrice: "101" });
    const part = next(next(working, life.filled("3", "100")), life.replaced("5", "102"));
    expect(part).toMatchObject({ state: "partially_filled", quantity: "5", filledQuantity: "3" });
    expect(next(part, life.filled("2", "102"))).toMatchObject({ state: "filled", filledValue: "504" });
  });

  it("is filled when it is replaced down to what is filled, and may be replaced to no less", () => {
    const life = new OrderLife("o-1", { quantity: "10" });
    const part = orderAfter(life.sent(), life.acknowledged(), life.filled("3", "100"));
    expect(reasonOf(part, life.replaced("2.9999"))).toEqual(
      illegal("data.order_replaced.quantity", /It is 2\.9999, and 3 of order o-1 are filled/),
    );
    expect(next(part, life.replaced("3"))).toMatchObject({ state: "filled", quantity: "3" });
  });

  it("says why it ended", () => {
    const life = new OrderLife("o-1");
    expect(orderAfter(life.sent(), life.rejected("no"))).toMatchObject({
      ...{ state: "rejected", rejectReason: "price_out_of_band", reason: "no" },
    });
    const working = orderAfter(life.sent(), life.acknowledged());
    expect(next(working, life.cancelled("late"))).toMatchObject({ state: "cancelled", reason: "late" });
    expect(next(working, life.expired())).toMatchObject({ state: "expired", reason: "" });
  });

  it(`keeps its ${MAX_EXECUTIONS} newest fills and counts all of them`, () => {
    const life = new OrderLife("o-1", { quantity: "2000" });
    let order = orderAfter(life.sent(), life.acknowledged());
    const kept = (): unknown[] => [order.executionCount, order.executions.length, order.executions[0]?.number];
    for (let fill = 1; fill < MAX_EXECUTIONS; fill += 1) order = next(order, life.filled("1", "2"));
    expect(kept()).toEqual([MAX_EXECUTIONS - 1, MAX_EXECUTIONS - 1, 1]);
    order = next(order, life.filled("1", "2"));
    expect(kept()).toEqual([MAX_EXECUTIONS, MAX_EXECUTIONS, 1]);
    order = next(order, life.filled("1", "2"));
    expect(kept()).toEqual([MAX_EXECUTIONS + 1, MAX_EXECUTIONS, 2]);
    expect(order.filledValue).toBe(String(2 * (MAX_EXECUTIONS + 1)));
  });
});

/** Every state, made by real events, and every step that could be tried on it. */
const STATES = {
  none: () => undefined,
  new: (life: OrderLife) => orderAfter(life.sent()),
  acknowledged: (life: OrderLife) => orderAfter(life.sent(), life.acknowledged()),
  partially_filled: (life: OrderLife) => orderAfter(life.sent(), life.acknowledged(), life.filled("1", "5")),
  filled: (life: OrderLife) => orderAfter(life.sent(), life.acknowledged(), life.filled("10", "5")),
  cancelled: (life: OrderLife) => orderAfter(life.sent(), life.acknowledged(), life.cancelled()),
  rejected: (life: OrderLife) => orderAfter(life.sent(), life.rejected()),
  expired: (life: OrderLife) => orderAfter(life.sent(), life.acknowledged(), life.expired()),
} as const;

const STEPS = {
  "order-new": (life: OrderLife) => life.sent(),
  "order-acknowledged": (life: OrderLife) => life.acknowledged(),
  "order-filled": (life: OrderLife) => life.filled("1", "5"),
  "order-replaced": (life: OrderLife) => life.replaced("9"),
  "order-cancelled": (life: OrderLife) => life.cancelled(),
  "order-rejected": (life: OrderLife) => life.rejected(),
  "order-expired": (life: OrderLife) => life.expired(),
} as const;

type StepName = keyof typeof STEPS;
const WORKED: readonly StepName[] = ["order-filled", "order-replaced", "order-cancelled", "order-expired"];
const LEGAL: Readonly<Record<keyof typeof STATES, readonly StepName[]>> = {
  none: ["order-new"],
  new: ["order-acknowledged", "order-rejected"],
  acknowledged: WORKED,
  partially_filled: WORKED,
  ...{ filled: [], cancelled: [], rejected: [], expired: [] },
};

const every = (Object.keys(STATES) as (keyof typeof STATES)[]).flatMap((state) =>
  (Object.keys(STEPS) as StepName[]).map((step) => ({ state, step, isLegal: LEGAL[state].includes(step) })),
);

describe("what may follow", () => {
  it.each(every.filter(({ isLegal }) => isLegal))("on $state: $step", ({ state, step }) => {
    const life = new OrderLife("o-1");
    const order = STATES[state](life);
    expect(next(order, STEPS[step](life)).orderId).toBe("o-1");
  });

  it.each(every.filter(({ isLegal }) => !isLegal))("on $state never: $step", ({ state, step }) => {
    const life = new OrderLife("o-1");
    const order = STATES[state](life);
    const [code, path, message] = reasonOf(order, STEPS[step](life));
    expect([code, path]).toEqual(["illegal_transition", "type"]);
    expect(message).toContain(state === "none" ? "order-new begins an order" : `Order o-1 is ${state};`);
    expect(message).toContain(step);
    for (const possible of LEGAL[state]) expect(message).toContain(possible);
    if (LEGAL[state].length === 0) expect(message).toContain("Nothing may follow");
  });
});

describe("any life of an order", () => {
  const fill = fc.record({
    units: fc.bigInt({ min: 1n, max: 10n ** 7n }),
    price: fc.bigInt({ min: 1n, max: 10n ** 12n }),
  });

  it("comes to the sums of its fills, by whole numbers, until nothing is open", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 1n, max: 10n ** 8n }), fc.array(fill, { maxLength: 30 }), (quantity, fills) => {
        const life = new OrderLife("o-1", { quantity: textOf(quantity, 4) });
        let order = orderAfter(life.sent(), life.acknowledged());
        let [units, value] = [0n, 0n];
        for (const { units: wanted, price } of fills) {
          if (life.open === 0n) break;
          const traded = wanted < life.open ? wanted : life.open;
          units += traded;
          value += traded * price;
          order = next(order, life.filled(textOf(traded, 4), textOf(price, 6)));
        }
        expect([unitsOf(order.filledQuantity, 4), unitsOf(order.filledValue, 10)]).toEqual([units, value]);
        const state = units === 0n ? "acknowledged" : units === quantity ? "filled" : "partially_filled";
        expect([order.state, isFinal(order)]).toEqual([state, units === quantity]);
        expect(order.executionCount).toBe(order.executions.length);
      }),
    );
  });
});
