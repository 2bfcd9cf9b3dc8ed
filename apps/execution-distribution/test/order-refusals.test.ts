import {
  type ExecutionEvent,
  OrderType,
  RejectReason,
  Side,
  TimeInForce,
} from "@distribution/proto-types/execution/v1/execution";
import { describe, expect, it } from "vitest";
import { illegal, invalid, next, orderAfter, reasonOf } from "./support/next-order.ts";
import { OrderLife, type Payload } from "./support/orders.ts";

function changed<Case extends Payload["$case"]>(
  event: ExecutionEvent,
  change: Partial<Extract<Payload, { $case: Case }>["value"]>,
): ExecutionEvent {
  const payload = event.payload as Payload;
  return { ...event, payload: { ...payload, value: { ...payload.value, ...change } } as Payload };
}

describe("a fill", () => {
  const life = () => new OrderLife("o-1", { quantity: "10" });
  const working = (own: OrderLife) => orderAfter(own.sent(), own.acknowledged(), own.filled("4", "100"));

  it("cannot be over what is open, and can be all of it", () => {
    const own = life();
    const order = working(own);
    expect(reasonOf(order, life().filled("6.0001", "1", { executionId: "e-2" }))).toEqual(
      illegal("data.fill.last_quantity", /It is 6\.0001, and 6 of order o-1 are open/),
    );
    expect(next(order, own.filled("6", "1")).state).toBe("filled");
  });

  it.each([
    ["filledQuantity", "6.0001", "filled_quantity", "6"],
    ["filledValue", "619.9999", "filled_value", "620"],
    ["remainingQuantity", "3.9999", "remaining_quantity", "4"],
  ] as const)("whose %s does not follow from the fills is refused with what it is", (field, given, path, exact) => {
    const own = life();
    const order = working(own);
    expect(reasonOf(order, own.filled("2", "110", { [field]: given, executionId: "e-2" }))).toEqual(
      illegal(`data.fill.${path}`, new RegExp(`It is ${given}; by the fills of order o-1 it is ${exact}\\.`)),
    );
  });

  it("with an execution_id that the order has had is refused", () => {
    const own = life();
    const order = working(own);
    expect(reasonOf(order, own.filled("2", "110", { executionId: "e-1" }))).toEqual(
      illegal("data.fill.execution_id", /Order o-1 has an execution e-1 already/),
    );
  });

  it("of the other side is refused", () => {
    const own = life();
    const order = working(own);
    expect(reasonOf(order, own.filled("2", "110", { side: Side.SELL }))).toEqual(
      illegal("data.fill.side", /It is sell; order o-1 is to buy/),
    );
  });

  it.each([
    [{ lastQuantity: "0" }, "last_quantity", /0 is not above 0/],
    [{ lastQuantity: "-1" }, "last_quantity", /-1 is not above 0/],
    [{ lastQuantity: "2.0" }, "last_quantity", /"2\.0" is no decimal in canonical form/],
    [{ lastQuantity: "" }, "last_quantity", /"" is no decimal/],
    [{ lastPrice: "01" }, "last_price", /"01" is no decimal/],
    [{ fee: "-0" }, "fee", /"-0" is no decimal/],
    [{ fee: "" }, "fee", /"" is no decimal in canonical form: .* 0 where there is none/],
    [{ filledQuantity: "6.00" }, "filled_quantity", /"6\.00"/],
    [{ filledValue: "1e2" }, "filled_value", /"1e2"/],
    [{ remainingQuantity: "+4" }, "remaining_quantity", /"\+4"/],
    [{ side: Side.UNSPECIFIED }, "side", /SIDE_UNSPECIFIED is not taken; it is one of SIDE_BUY, SIDE_SELL/],
    [{ executionId: "" }, "execution_id", /"" is no id/],
    [{ executionId: "a/b" }, "execution_id", /"a\/b" is no id/],
    [{ executionId: "x".repeat(65) }, "execution_id", /1 to 64/],
  ] as const)("with %j is invalid", (change, field, message) => {
    const own = life();
    const order = working(own);
    expect(reasonOf(order, own.filled("2", "110", change))).toEqual(invalid(`data.fill.${field}`, message));
  });

  it("may have a price below zero, as spreads and power have", () => {
    const own = life();
    const order = orderAfter(own.sent(), own.acknowledged());
    expect(next(order, own.filled("2", "-3.5"))).toMatchObject({ filledValue: "-7" });
  });
});

describe("an event of an order", () => {
  it.each([
    ["portfolioId", "p-2", "data.portfolio_id"],
    ["instrument", "coinbase:ETH-USD", "data.instrument"],
    ["decisionId", "", "data.decision_id"],
  ] as const)("with another %s than the order has is refused", (field, other, path) => {
    const life = new OrderLife("o-1");
    const order = orderAfter(life.sent());
    expect(reasonOf(order, { ...life.acknowledged(), [field]: other })).toEqual(
      illegal(path, new RegExp(`It is "${other}"; of order o-1 it is "`)),
    );
  });

  it("has to have the order as its key", () => {
    expect(reasonOf(undefined, new OrderLife("o-1").sent(), "o-2")).toEqual(
      invalid("data.order_id", /It is "o-1" and the event's key \(partitionkey in CloudEvents\) is "o-2"/),
    );
  });

  it.each<readonly [Partial<ExecutionEvent>, string, RegExp]>([
    [{ orderId: "" }, "data.order_id", /"" is no id/],
    [{ orderId: "a b" }, "data.order_id", /"a b" is no id: it is 1 to 64 letters/],
    [{ portfolioId: "" }, "data.portfolio_id", /"" is no id/],
    [{ instrument: "BTC-USD" }, "data.instrument", /"BTC-USD" is no instrument: it is venue:symbol/],
    [{ decisionId: "-" }, "data.decision_id", /"-" is no id/],
    [{ eventTime: 0n }, "data.event_time", /0 is no time/],
    [{ eventTime: -1n }, "data.event_time", /-1 is no time/],
  ])("that begins with a bad field is invalid (%#)", (change, path, message) => {
    expect(reasonOf(undefined, { ...new OrderLife("o-1").sent(), ...change })).toEqual(invalid(path, message));
  });

  it("needs no decision", () => {
    expect(next(undefined, { ...new OrderLife("o-1").sent(), decisionId: "" }).decisionId).toBe("");
  });

  it("is one of its life: another is invalid", () => {
    const life = new OrderLife("o-1");
    expect(reasonOf(orderAfter(life.sent()), life.confirmed("c-1"))).toEqual(
      invalid("data", /no event of an order's life/),
    );
    expect(reasonOf(undefined, { ...life.sent(), payload: undefined })).toEqual(invalid("data", /no event/));
  });
});

describe("the terms of an order", () => {
  const sent = (change: object, limitPrice?: string) =>
    changed<"orderNew">(new OrderLife("o-1", limitPrice === undefined ? {} : { limitPrice }).sent(), change);

  it.each([
    [sent({ quantity: "0" }), "quantity", /0 is not above 0/],
    [sent({ quantity: "1.50" }), "quantity", /"1\.50" is no decimal in canonical form/],
    [sent({ quantity: "" }), "quantity", /"" is no decimal/],
    [sent({ side: Side.UNSPECIFIED }), "side", /SIDE_UNSPECIFIED is not taken/],
    [sent({ side: Side.UNRECOGNIZED }), "side", /UNRECOGNIZED is not taken/],
    [sent({ type: OrderType.UNSPECIFIED }), "type", /one of ORDER_TYPE_MARKET, ORDER_TYPE_LIMIT/],
    [sent({ timeInForce: TimeInForce.UNSPECIFIED }), "time_in_force", /TIME_IN_FORCE_DAY, TIME_IN_FORCE_GOOD/],
    [sent({ limitPrice: "100" }), "limit_price", /It is 100, and the order is no limit order/],
    [sent({ limitPrice: "" }, "100"), "limit_price", /"" is no decimal/],
    [sent({ limitPrice: "1.0" }, "100"), "limit_price", /"1\.0" is no decimal/],
  ] as const)("are refused where they cannot be (%#)", (event, field, message) => {
    expect(reasonOf(undefined, event)).toEqual(invalid(`data.order_new.${field}`, message));
  });

  it("are held to the same when they are replaced", () => {
    const life = new OrderLife("o-1", { limitPrice: "100" });
    const order = orderAfter(life.sent(), life.acknowledged());
    const path = "data.order_replaced";
    expect(reasonOf(order, life.replaced("0", "100"))).toEqual(invalid(`${path}.quantity`, /not above 0/));
    expect(reasonOf(order, life.replaced("5", ""))).toEqual(invalid(`${path}.limit_price`, /"" is no decimal/));
    const market = new OrderLife("o-2");
    expect(reasonOf(orderAfter(market.sent(), market.acknowledged()), market.replaced("5", "100"))).toEqual(
      invalid(`${path}.limit_price`, /the order is no limit order/),
    );
  });
});

describe("texts that are kept", () => {
  const life = () => new OrderLife("o-1");
  const long = "x".repeat(501);

  it("are bounded", () => {
    const own = life();
    const order = orderAfter(own.sent(), own.acknowledged("v".repeat(128)));
    const sent = orderAfter(life().sent());
    expect(next(order, own.cancelled(long.slice(1))).reason).toHaveLength(500);
    const limit = (characters: number) => new RegExp(`the limit is ${characters}\\. Shorten it`);
    expect(reasonOf(order, own.cancelled(long))).toEqual(invalid("data.order_cancelled.reason", limit(500)));
    expect(reasonOf(sent, life().rejected(long))).toEqual(invalid("data.order_rejected.text", limit(500)));
    expect(reasonOf(sent, life().acknowledged("v".repeat(129)))).toEqual(
      invalid("data.order_acknowledged.venue_order_id", limit(128)),
    );
  });

  it("and so are the reasons that there are", () => {
    const own = life();
    const event = changed<"orderRejected">(own.rejected(), { reason: RejectReason.UNSPECIFIED });
    expect(reasonOf(orderAfter(own.sent()), event)).toEqual(
      invalid("data.order_rejected.reason", /REJECT_REASON_UNSPECIFIED is not taken/),
    );
  });
});
