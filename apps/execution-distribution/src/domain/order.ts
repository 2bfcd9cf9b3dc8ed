/**
 * The life of an order: what it has come to by its events, and what may follow. Pure: ingest asks it before an event is
 * taken, and the read models are made with it.
 *
 *   (none) ─▶ new ─▶ acknowledged ─▶ partially_filled ─▶ filled
 *              │        │  ▲ replaced       │  ▲ replaced, filled in part
 *              ▼        └──────────┬────────┘
 *           rejected               ▼
 *                          cancelled, expired
 *
 * A replacement down to what is filled leaves nothing open, and so the order filled.
 */
import { fieldError } from "@distribution/core/errors";
import { addDecimals, compareDecimals, multiplyDecimals, subtractDecimals } from "@distribution/core/events";
import type { JudgedEvent } from "@distribution/core/ingest";
import type {
  ExecutionEvent,
  Fill,
  OrderNew,
  OrderRejected,
  OrderReplaced,
} from "@distribution/proto-types/execution/v1/execution";
import {
  checkAboveZero,
  checkDecimal,
  checkEventTime,
  checkId,
  checkInstrument,
  checkKey,
  checkText,
  checkWord,
} from "./checks.ts";
import {
  ORDER_TYPES,
  type OrderState,
  type OrderType,
  REJECT_REASONS,
  type RejectReason,
  SIDES,
  type Side,
  TIMES_IN_FORCE,
  type TimeInForce,
} from "./words.ts";

/** One fill of an order. Decimals are canonical text. */
export interface Execution {
  /** From 1, in the order's own order. */
  readonly number: number;
  readonly executionId: string;
  /** When it happened, Unix nanoseconds. */
  readonly time: bigint;
  readonly quantity: string;
  readonly price: string;
  readonly fee: string;
}

/** What an order has come to. A value: what follows is another one. */
export interface Order {
  readonly orderId: string;
  readonly portfolioId: string;
  readonly instrument: string;
  /** Empty: none. */
  readonly decisionId: string;
  readonly state: OrderState;
  readonly side: Side;
  readonly type: OrderType;
  readonly timeInForce: TimeInForce;
  readonly quantity: string;
  /** Empty: a market order. */
  readonly limitPrice: string;
  readonly filledQuantity: string;
  /** Sum of quantity times price over all fills. */
  readonly filledValue: string;
  readonly fees: string;
  /** All fills; the newest MAX_EXECUTIONS of them are in `executions`, oldest first. */
  readonly executionCount: number;
  readonly executions: readonly Execution[];
  /** Empty before it is acknowledged. */
  readonly venueOrderId: string;
  /** Of a rejected order. */
  readonly rejectReason: RejectReason | undefined;
  /** Why it was cancelled or rejected, for people. */
  readonly reason: string;
  /** When it was sent and when it changed last, as its events say. Unix nanoseconds. */
  readonly sentTime: bigint;
  readonly changedTime: bigint;
}

/** Fills of one order that are kept, and among which an execution_id is known again. */
export const MAX_EXECUTIONS = 1_000;
/** Characters. */
const MAX_VENUE_ORDER_ID = 128;
const MAX_REASON = 500;

type Payload = NonNullable<ExecutionEvent["payload"]>;
type Step = Payload["$case"];

/** Event types without the service's name and their version, for people. */
const STEP_NAMES: Readonly<Partial<Record<Step, string>>> = {
  orderNew: "order-new",
  orderAcknowledged: "order-acknowledged",
  fill: "order-filled",
  orderReplaced: "order-replaced",
  orderCancelled: "order-cancelled",
  orderRejected: "order-rejected",
  orderExpired: "order-expired",
};

const WORKING: readonly Step[] = ["fill", "orderReplaced", "orderCancelled", "orderExpired"];

/** What may follow; nothing where nothing is named. */
const FOLLOWING: Readonly<Partial<Record<OrderState, readonly Step[]>>> = {
  new: ["orderAcknowledged", "orderRejected"],
  acknowledged: WORKING,
  partially_filled: WORKING,
};

export const isFinal = ({ state }: Order): boolean => FOLLOWING[state] === undefined;

/**
 * The order after the event. Throws `invalid_event` at a field that cannot be, whatever came before, and
 * `illegal_transition` at what cannot follow on what the order has come to; `order` is then as it was.
 */
export function nextOrder(order: Order | undefined, { envelope, payload: event }: JudgedEvent<ExecutionEvent>): Order {
  checkKey(envelope.key, event.orderId, "data.order_id");
  checkId(event.orderId, "data.order_id");
  checkEventTime(event.eventTime);
  const { payload } = event;
  if (payload?.$case === "orderNew") return begin(order, event, payload.value);
  assertFollows(order, event);
  return { ...order, ...follow(order, event), changedTime: event.eventTime };
}

const illegal = (path: string, message: string) => fieldError("illegal_transition", path, message);

function begin(order: Order | undefined, event: ExecutionEvent, terms: OrderNew): Order {
  const { orderId, portfolioId, instrument, decisionId, eventTime } = event;
  if (order) throw illegal("type", `Order ${orderId} is ${order.state}; order-new comes once. ${whatMayFollow(order)}`);
  checkId(portfolioId, "data.portfolio_id");
  checkInstrument(instrument, "data.instrument");
  if (decisionId !== "") checkId(decisionId, "data.decision_id");
  const type = checkWord(terms.type, ORDER_TYPES, "data.order_new.type");
  checkAboveZero(terms.quantity, "data.order_new.quantity");
  checkLimitPrice(type, terms.limitPrice, "data.order_new.limit_price");
  return {
    ...{ orderId, portfolioId, instrument, decisionId, state: "new", type },
    side: checkWord(terms.side, SIDES, "data.order_new.side"),
    timeInForce: checkWord(terms.timeInForce, TIMES_IN_FORCE, "data.order_new.time_in_force"),
    ...{ quantity: terms.quantity, limitPrice: terms.limitPrice },
    ...{ filledQuantity: "0", filledValue: "0", fees: "0", executionCount: 0, executions: [] },
    ...{ venueOrderId: "", rejectReason: undefined, reason: "", sentTime: eventTime, changedTime: eventTime },
  };
}

function assertFollows(order: Order | undefined, event: ExecutionEvent): asserts order is Order {
  const { orderId, payload } = event;
  const step = payload && STEP_NAMES[payload.$case];
  if (step === undefined) throw fieldError("invalid_event", "data", "It is no event of an order's life.");
  if (!order) {
    throw illegal("type", `No order ${orderId} goes on here, so ${step} cannot follow; order-new begins an order.`);
  }
  if (!FOLLOWING[order.state]?.includes(payload!.$case)) {
    throw illegal("type", `Order ${orderId} is ${order.state}; ${step} cannot follow. ${whatMayFollow(order)}`);
  }
  assertSame("data.portfolio_id", event.portfolioId, order.portfolioId, order);
  assertSame("data.instrument", event.instrument, order.instrument, order);
  assertSame("data.decision_id", event.decisionId, order.decisionId, order);
}

function whatMayFollow({ state }: Order): string {
  const steps = FOLLOWING[state];
  return steps
    ? `What may follow: ${steps.map((step) => STEP_NAMES[step]).join(", ")}.`
    : "Nothing may follow after that.";
}

function assertSame(path: string, given: string, own: string, { orderId }: Order): void {
  if (given !== own)
    throw illegal(path, `It is ${JSON.stringify(given)}; of order ${orderId} it is ${JSON.stringify(own)}.`);
}

/** What changes. The payload is one that may follow. */
function follow(order: Order, { payload, eventTime }: ExecutionEvent): Partial<Order> {
  switch (payload!.$case) {
    case "orderAcknowledged": {
      const { venueOrderId } = payload!.value;
      checkText(venueOrderId, "data.order_acknowledged.venue_order_id", MAX_VENUE_ORDER_ID);
      return { state: "acknowledged", venueOrderId };
    }
    case "fill":
      return filled(order, payload!.value, eventTime);
    case "orderReplaced":
      return replaced(order, payload!.value);
    case "orderCancelled": {
      const { reason } = payload!.value;
      checkText(reason, "data.order_cancelled.reason", MAX_REASON);
      return { state: "cancelled", reason };
    }
    case "orderRejected":
      return rejected(payload!.value);
    default:
      return { state: "expired" };
  }
}

function rejected({ reason, text }: OrderRejected): Partial<Order> {
  checkText(text, "data.order_rejected.text", MAX_REASON);
  const rejectReason = checkWord(reason, REJECT_REASONS, "data.order_rejected.reason");
  return { state: "rejected", rejectReason, reason: text };
}

function replaced(order: Order, { quantity, limitPrice }: OrderReplaced): Partial<Order> {
  const { orderId, type, filledQuantity } = order;
  checkAboveZero(quantity, "data.order_replaced.quantity");
  checkLimitPrice(type, limitPrice, "data.order_replaced.limit_price");
  const open = compareDecimals(quantity, filledQuantity);
  if (open < 0) {
    throw illegal(
      "data.order_replaced.quantity",
      `It is ${quantity}, and ${filledQuantity} of order ${orderId} are filled; it cannot be less than that.`,
    );
  }
  const state = open === 0 ? "filled" : order.state;
  return { state, quantity, limitPrice };
}

function filled(order: Order, fill: Fill, time: bigint): Partial<Order> {
  const { executionId, lastQuantity, lastPrice, fee } = fill;
  checkFill(fill);
  const { orderId, executions } = order;
  if (executions.some((execution) => execution.executionId === executionId)) {
    throw illegal("data.fill.execution_id", `Order ${orderId} has an execution ${executionId} already.`);
  }
  const side = checkWord(fill.side, SIDES, "data.fill.side");
  if (side !== order.side) throw illegal("data.fill.side", `It is ${side}; order ${orderId} is to ${order.side}.`);
  const open = openQuantity(order);
  if (compareDecimals(lastQuantity, open) > 0) {
    throw illegal("data.fill.last_quantity", `It is ${lastQuantity}, and ${open} of order ${orderId} are open.`);
  }
  const filledQuantity = addDecimals(order.filledQuantity, lastQuantity);
  const filledValue = addDecimals(order.filledValue, multiplyDecimals(lastQuantity, lastPrice));
  const remaining = subtractDecimals(open, lastQuantity);
  assertExact("data.fill.filled_quantity", fill.filledQuantity, filledQuantity, order);
  assertExact("data.fill.filled_value", fill.filledValue, filledValue, order);
  assertExact("data.fill.remaining_quantity", fill.remainingQuantity, remaining, order);
  const number = order.executionCount + 1;
  const execution = { number, executionId, time, quantity: lastQuantity, price: lastPrice, fee };
  return {
    ...{ state: remaining === "0" ? "filled" : "partially_filled", filledQuantity, filledValue },
    ...{ fees: addDecimals(order.fees, fee), executionCount: number },
    executions: [...executions.slice(-(MAX_EXECUTIONS - 1)), execution],
  };
}

export const openQuantity = ({ quantity, filledQuantity }: Order): string => subtractDecimals(quantity, filledQuantity);

function checkFill(fill: Fill): void {
  checkId(fill.executionId, "data.fill.execution_id");
  checkAboveZero(fill.lastQuantity, "data.fill.last_quantity");
  checkDecimal(fill.lastPrice, "data.fill.last_price");
  checkDecimal(fill.fee, "data.fill.fee");
  checkDecimal(fill.filledQuantity, "data.fill.filled_quantity");
  checkDecimal(fill.filledValue, "data.fill.filled_value");
  checkDecimal(fill.remainingQuantity, "data.fill.remaining_quantity");
}

/** Both are canonical, so equal numbers are equal texts. */
function assertExact(path: string, given: string, exact: string, { orderId }: Order): void {
  if (given !== exact) throw illegal(path, `It is ${given}; by the fills of order ${orderId} it is ${exact}.`);
}

function checkLimitPrice(type: OrderType, price: string, path: string): void {
  if (type === "limit") checkDecimal(price, path);
  else if (price !== "") throw fieldError("invalid_event", path, `It is ${price}, and the order is no limit order.`);
}
