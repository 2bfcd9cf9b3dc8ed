/** Lives of orders for tests: what is usual is filled in, and what a fill says is reckoned in whole units, not as the service does it. */
import { Event } from "@distribution/proto-types/distribution/v1/event";
import {
  AlertKind,
  AlertSeverity,
  ExecutionEvent,
  type Fill,
  OrderType,
  RejectReason,
  Side,
  TimeInForce,
} from "@distribution/proto-types/execution/v1/execution";
import { EVENT_TYPES } from "../../src/domain/topics.ts";

export type Payload = NonNullable<ExecutionEvent["payload"]>;

export const INSTRUMENT = "coinbase:BTC-USD";
export const PORTFOLIO = "p-1";
/** 2026-11-23T14:00:00Z. */
export const NOON = 1_795_442_400_000_000_000n;

const QUANTITY_PLACES = 4;
const PRICE_PLACES = 6;

/** Canonical text of a whole number of units of 10^-places. */
export function textOf(units: bigint, places: number): string {
  const digits = (units < 0n ? -units : units).toString().padStart(places + 1, "0");
  const whole = digits.slice(0, digits.length - places);
  const fraction = digits.slice(digits.length - places).replace(/0+$/, "");
  const sign = units < 0n ? "-" : "";
  return `${sign}${whole}${fraction === "" ? "" : `.${fraction}`}`;
}

/** Of a canonical decimal with at most so many places; throws where it has more. */
export function unitsOf(text: string, places: number): bigint {
  const [whole = "", fraction = ""] = text.split(".");
  if (fraction.length > places) throw new RangeError(`${text} has more than ${places} places.`);
  return BigInt(whole + fraction.padEnd(places, "0"));
}

export interface OrderTerms {
  readonly portfolioId?: string;
  readonly instrument?: string;
  readonly decisionId?: string;
  readonly side?: "buy" | "sell";
  readonly quantity?: string;
  /** A limit order. Absent: a market order. */
  readonly limitPrice?: string;
  /** Of its first event; each further one comes a millisecond later. */
  readonly time?: bigint;
}

/** Payloads of one order, one after the other, each right after those before it. */
export class OrderLife {
  readonly orderId: string;
  readonly #terms: OrderTerms;
  #quantity: bigint;
  #filled = 0n;
  #value = 0n;
  #fills = 0;
  #time: bigint;

  constructor(orderId: string, terms: OrderTerms = {}) {
    this.orderId = orderId;
    this.#terms = terms;
    this.#quantity = unitsOf(terms.quantity ?? "10", QUANTITY_PLACES);
    this.#time = terms.time ?? NOON;
  }

  get open(): bigint {
    return this.#quantity - this.#filled;
  }

  /** Any payload, at the order's next millisecond. */
  event(payload: Payload): ExecutionEvent {
    const { portfolioId = PORTFOLIO, instrument = INSTRUMENT, decisionId = "d-1" } = this.#terms;
    const eventTime = this.#time;
    this.#time += 1_000_000n;
    return { orderId: this.orderId, portfolioId, instrument, decisionId, eventTime, payload };
  }

  sent(): ExecutionEvent {
    const { limitPrice } = this.#terms;
    return this.event({
      $case: "orderNew",
      value: {
        side: this.#side,
        type: limitPrice === undefined ? OrderType.MARKET : OrderType.LIMIT,
        quantity: textOf(this.#quantity, QUANTITY_PLACES),
        limitPrice: limitPrice ?? "",
        timeInForce: TimeInForce.DAY,
      },
    });
  }

  acknowledged(venueOrderId = `v-${this.orderId}`): ExecutionEvent {
    return this.event({ $case: "orderAcknowledged", value: { venueOrderId } });
  }

  /** `change`: what is wrong with it, or else than usual. */
  filled(quantity: string, price: string, change: Partial<Fill> = {}): ExecutionEvent {
    const units = unitsOf(quantity, QUANTITY_PLACES);
    this.#filled += units;
    this.#value += units * unitsOf(price, PRICE_PLACES);
    this.#fills += 1;
    const value: Fill = {
      ...{ executionId: `e-${this.#fills}`, side: this.#side, lastQuantity: quantity, lastPrice: price, fee: "0.25" },
      filledQuantity: textOf(this.#filled, QUANTITY_PLACES),
      filledValue: textOf(this.#value, QUANTITY_PLACES + PRICE_PLACES),
      remainingQuantity: textOf(this.open, QUANTITY_PLACES),
      ...change,
    };
    return this.event({ $case: "fill", value });
  }

  replaced(quantity: string, limitPrice = ""): ExecutionEvent {
    this.#quantity = unitsOf(quantity, QUANTITY_PLACES);
    return this.event({ $case: "orderReplaced", value: { quantity, limitPrice } });
  }

  cancelled(reason = "taken back"): ExecutionEvent {
    return this.event({ $case: "orderCancelled", value: { reason } });
  }

  rejected(text = "too far from the market"): ExecutionEvent {
    return this.event({ $case: "orderRejected", value: { reason: RejectReason.PRICE_OUT_OF_BAND, text } });
  }

  expired(): ExecutionEvent {
    return this.event({ $case: "orderExpired", value: {} });
  }

  confirmed(confirmationId: string, executionId = "e-1"): ExecutionEvent {
    const traded = { side: this.#side, quantity: "1", price: "100", fee: "0.25" };
    return this.event({
      $case: "tradeConfirmed",
      value: { confirmationId, executionId, ...traded, settlementDate: "2026-11-25" },
    });
  }

  get #side(): Side {
    return this.#terms.side === "sell" ? Side.SELL : Side.BUY;
  }
}

export function alert(kind: AlertKind = AlertKind.SLIPPAGE, change: Partial<ExecutionEvent> = {}): ExecutionEvent {
  const value = { kind, severity: AlertSeverity.WARNING, text: "Look at it." };
  return {
    ...{ orderId: "", portfolioId: "", instrument: INSTRUMENT, decisionId: "", eventTime: NOON },
    payload: { $case: "alert", value },
    ...change,
  };
}

const TYPES: Readonly<Record<Payload["$case"], string>> = {
  orderNew: EVENT_TYPES.orderNew,
  orderAcknowledged: EVENT_TYPES.orderAcknowledged,
  fill: EVENT_TYPES.orderFilled,
  orderReplaced: EVENT_TYPES.orderReplaced,
  orderCancelled: EVENT_TYPES.orderCancelled,
  orderRejected: EVENT_TYPES.orderRejected,
  orderExpired: EVENT_TYPES.orderExpired,
  tradeConfirmed: EVENT_TYPES.tradeConfirmed,
  alert: EVENT_TYPES.alert,
};

let lastId = 0;

/** As an event to publish, with an id of its own. */
export function eventOf(data: ExecutionEvent, change: Partial<Event> = {}): Event {
  lastId += 1;
  const key = data.payload?.$case === "alert" ? data.instrument : data.orderId;
  return Event.create({
    ...{ id: `event-${lastId}`, source: "/test/desk", type: TYPES[data.payload!.$case], subject: data.instrument, key },
    contentType: "application/protobuf",
    data: Buffer.from(ExecutionEvent.encode(data).finish()),
    ...change,
  });
}
