/** What the read models answer, as JSON: decimals are exact text, and so are 64-bit times (Unix nanoseconds). */
import { DistributionError } from "@distribution/core/errors";
import { divideDecimals, multiplyDecimals } from "@distribution/core/events";
import type { ExecutionEvent } from "@distribution/proto-types/execution/v1/execution";
import { type Execution, isFinal, type Order, openQuantity } from "./order.ts";
import {
  ALERT_KINDS,
  ALERT_SEVERITIES,
  type AlertKind,
  type AlertSeverity,
  type OrderState,
  type OrderType,
  REJECT_REASONS,
  type RejectReason,
  SIDES,
  type Side,
  type TimeInForce,
  type Words,
  wordOf,
} from "./words.ts";

/** filledValue divided by filledQuantity, which are exact; the quotient is not in general. */
export interface AveragePrice {
  readonly price: string;
  /** Of the price, after the point. */
  readonly places: number;
  readonly rounding: "half-even";
}

export const AVERAGE_PLACES = 12;

export interface OrderView {
  readonly orderId: string;
  readonly portfolioId: string;
  readonly instrument: string;
  readonly decisionId?: string;
  readonly state: OrderState;
  readonly side: Side;
  readonly type: OrderType;
  readonly timeInForce: TimeInForce;
  readonly quantity: string;
  readonly limitPrice?: string;
  readonly filledQuantity: string;
  readonly filledValue: string;
  readonly averagePrice?: AveragePrice;
  /** What can still be filled. */
  readonly openQuantity: string;
  readonly fees: string;
  readonly executionCount: number;
  readonly venueOrderId?: string;
  readonly rejectReason?: RejectReason;
  readonly reason?: string;
  /** By the clocks of the events. */
  readonly sentTime: string;
  readonly changedTime: string;
  /** By this service's log. */
  readonly createdAt: string;
  readonly changedAt: string;
}

export interface ExecutionView {
  readonly number: number;
  readonly executionId: string;
  readonly time: string;
  readonly quantity: string;
  readonly price: string;
  readonly fee: string;
}

export interface FillView {
  readonly orderId: string;
  readonly executionId: string;
  readonly portfolioId: string;
  readonly instrument: string;
  readonly decisionId?: string;
  readonly time: string;
  readonly side: Side;
  readonly quantity: string;
  readonly price: string;
  /** Quantity times price. */
  readonly value: string;
  readonly fee: string;
}

export interface ConfirmationView {
  readonly confirmationId: string;
  readonly orderId: string;
  readonly executionId: string;
  readonly portfolioId: string;
  readonly instrument: string;
  readonly decisionId?: string;
  readonly time: string;
  readonly side: Side;
  readonly quantity: string;
  readonly price: string;
  readonly fee: string;
  readonly settlementDate: string;
}

export interface AlertView {
  /** Of the event that tells it. */
  readonly eventId: string;
  /** Of an alert its kind; of an order that was refused "order_rejected". */
  readonly kind: AlertKind | "order_rejected";
  /** Of a rejection "warning". */
  readonly severity: AlertSeverity;
  readonly instrument: string;
  readonly orderId?: string;
  readonly portfolioId?: string;
  readonly decisionId?: string;
  readonly rejectReason?: RejectReason;
  readonly time: string;
  readonly text: string;
}

/** The members that hold something: an empty text says that there is none. */
function stated<Name extends string>(texts: Readonly<Record<Name, string | undefined>>): { [Key in Name]?: string } {
  return Object.fromEntries(Object.entries<string | undefined>(texts).filter(([, text]) => text)) as {
    [Key in Name]?: string;
  };
}

export function orderView(order: Order, createdAt: bigint, changedAt: bigint): OrderView {
  const { orderId, portfolioId, instrument, decisionId, state, side, type, timeInForce } = order;
  const { quantity, limitPrice, filledQuantity, filledValue, fees, executionCount } = order;
  return {
    ...{ orderId, portfolioId, instrument, ...stated({ decisionId }), state, side, type, timeInForce },
    ...{ quantity, ...stated({ limitPrice }), filledQuantity, filledValue, ...averageOf(order) },
    ...{ openQuantity: isFinal(order) ? "0" : openQuantity(order), fees, executionCount },
    ...stated({ venueOrderId: order.venueOrderId, reason: order.reason }),
    ...(order.rejectReason && { rejectReason: order.rejectReason }),
    ...{ sentTime: String(order.sentTime), changedTime: String(order.changedTime) },
    ...{ createdAt: String(createdAt), changedAt: String(changedAt) },
  };
}

function averageOf({ filledValue, filledQuantity }: Order): { averagePrice?: AveragePrice } {
  if (filledQuantity === "0") return {};
  const price = divideDecimals(filledValue, filledQuantity, AVERAGE_PLACES);
  return { averagePrice: { price, places: AVERAGE_PLACES, rounding: "half-even" } };
}

export const executionView = ({ time, ...execution }: Execution): ExecutionView => ({
  ...execution,
  time: String(time),
});

export function fillView({ payload, ...event }: ExecutionEvent): FillView {
  if (payload?.$case !== "fill") throw new DistributionError("invalid_event", "It is no fill.");
  const { executionId, side, lastQuantity, lastPrice, fee } = payload.value;
  const { orderId, portfolioId, instrument, decisionId, eventTime } = event;
  return {
    ...{ orderId, executionId, portfolioId, instrument, ...stated({ decisionId }), time: String(eventTime) },
    ...{ side: known(side, SIDES), quantity: lastQuantity, price: lastPrice },
    ...{ value: multiplyDecimals(lastQuantity, lastPrice), fee },
  };
}

export function confirmationView({ payload, ...event }: ExecutionEvent): ConfirmationView {
  if (payload?.$case !== "tradeConfirmed") throw new DistributionError("invalid_event", "It is no confirmation.");
  const { confirmationId, executionId, side, quantity, price, fee, settlementDate } = payload.value;
  const { orderId, portfolioId, instrument, decisionId, eventTime } = event;
  return {
    ...{ confirmationId, orderId, executionId, portfolioId, instrument, ...stated({ decisionId }) },
    ...{ time: String(eventTime), side: known(side, SIDES), quantity, price, fee, settlementDate },
  };
}

export function alertView(eventId: string, { payload, ...event }: ExecutionEvent): AlertView {
  const { orderId, portfolioId, instrument, decisionId, eventTime } = event;
  const about = { eventId, instrument, ...stated({ orderId, portfolioId, decisionId }), time: String(eventTime) };
  if (payload?.$case === "orderRejected") {
    const { reason, text } = payload.value;
    return {
      ...{ kind: "order_rejected", severity: "warning", ...about, rejectReason: known(reason, REJECT_REASONS), text },
    };
  }
  if (payload?.$case !== "alert") throw new DistributionError("invalid_event", "It is no alert.");
  const { kind, severity, text } = payload.value;
  return { kind: known(kind, ALERT_KINDS), severity: known(severity, ALERT_SEVERITIES), ...about, text };
}

/** Of an event of the log, which was checked at the way in. */
function known<const Of extends Words>(value: string, of: Of): Of["words"][number] {
  const word = wordOf(value, of);
  if (word === undefined) throw new DistributionError("invalid_event", `${value} is not known here.`);
  return word;
}

/** What a flat object takes in memory, about: a slot for each field, and the characters of its texts. */
export function bytesOf(view: object): number {
  let bytes = 64;
  for (const value of Object.values(view)) bytes += 24 + (typeof value === "string" ? value.length : 0);
  return bytes;
}

/** An execution at the bounds of its fields, about: an id, three decimals, two numbers. */
const EXECUTION_BYTES = 480;

export function bytesOfOrder(order: Order): number {
  return bytesOf(order) + order.executions.length * EXECUTION_BYTES;
}
