/** What holds of orders and their fills, whoever made them. */

import { Action } from "@distribution/proto-types/coordination/v1/coordination";
import type { Event } from "@distribution/proto-types/distribution/v1/event";
import {
  type ExecutionEvent,
  type Fill,
  type OrderNew,
  OrderType,
  Side,
} from "@distribution/proto-types/execution/v1/execution";
import type { DecisionSeen, Executed } from "./coordination-reader.ts";
import { exact, times } from "./exact.ts";
import { found, must, same } from "./must.ts";

type Payload = NonNullable<ExecutionEvent["payload"]>;

const MAY_FOLLOW: Readonly<Record<OrderSeen["state"], readonly Payload["$case"][]>> = {
  new: ["orderAcknowledged", "orderRejected"],
  open: ["fill", "orderReplaced", "orderCancelled", "orderExpired"],
  ended: [],
};

const TYPES: Readonly<Record<Payload["$case"], string>> = {
  orderNew: "execution.order-new.v1",
  orderAcknowledged: "execution.order-acknowledged.v1",
  fill: "execution.order-filled.v1",
  orderCancelled: "execution.order-cancelled.v1",
  orderReplaced: "execution.order-replaced.v1",
  orderRejected: "execution.order-rejected.v1",
  orderExpired: "execution.order-expired.v1",
  tradeConfirmed: "execution.trade-confirmed.v1",
  alert: "execution.alert.v1",
};

interface OrderSeen {
  readonly made: ExecutionEvent;
  readonly terms: OrderNew;
  state: "new" | "open" | "ended";
  quantity: bigint;
  limit: bigint | undefined;
  filled: bigint;
  value: bigint;
}

export interface FillSeen extends Fill {
  readonly order: ExecutionEvent;
  readonly time: bigint;
  confirmed: boolean;
}

export class ExecutionReader {
  /** By order and execution. */
  readonly fills = new Map<string, FillSeen>();
  readonly counts = new Map<string, number>();
  readonly #orders = new Map<string, OrderSeen>();
  readonly #ofDecision = new Map<string, string[]>();
  readonly #decision: (id: string) => DecisionSeen | undefined;

  constructor(decision: (id: string) => DecisionSeen | undefined) {
    this.#decision = decision;
  }

  read(event: Event, message: ExecutionEvent): void {
    const { payload, orderId } = message;
    must(payload !== undefined, "it carries something");
    same(event.type, TYPES[payload.$case], "type");
    same(event.subject, message.instrument, "subject");
    same(event.time, message.eventTime, "time");
    same(event.key, payload.$case === "alert" ? message.instrument : orderId, "key");
    this.counts.set(payload.$case, (this.counts.get(payload.$case) ?? 0) + 1);
    if (payload.$case === "orderNew") {
      this.#begin(message, payload.value);
      return;
    }
    const order = found(this.#orders.get(orderId), "the order was sent");
    same(aboutText(message), aboutText(order.made), "what it is about");
    if (payload.$case === "tradeConfirmed") this.#confirm(event, orderId, payload.value);
    else if (payload.$case !== "alert") this.#step(event, order, payload);
  }

  executed(decision: string): Executed {
    const ids = this.#ofDecision.get(decision) ?? [];
    const orders = ids.map((id) => this.#orders.get(id)!);
    return {
      orders: ids,
      filled: orders.reduce((sum, { filled }) => sum + filled, 0n),
      open: orders.filter(({ state }) => state !== "ended").length,
    };
  }

  #begin(made: ExecutionEvent, terms: OrderNew): void {
    const { orderId, decisionId } = made;
    must(!this.#orders.has(orderId), "the id is new");
    const decision = found(this.#decision(decisionId), "its decision was coordinated");
    same(decision.state, "approved", "state of its decision");
    same(made.portfolioId, decision.made.portfolioId, "portfolio");
    same(made.instrument, decision.made.instrument, "instrument");
    same(terms.side === Side.BUY, decision.terms.action === Action.BUY, "whether it buys");
    const isLimit = terms.type === OrderType.LIMIT;
    same(terms.limitPrice !== "", isLimit, "whether it has a limit");
    const quantity = exact(terms.quantity);
    must(quantity > 0n, "quantity is above zero");
    const limit = isLimit ? exact(terms.limitPrice) : undefined;
    this.#orders.set(orderId, { made, terms, state: "new", quantity, limit, filled: 0n, value: 0n });
    const orders = this.#ofDecision.get(decisionId) ?? [];
    orders.push(orderId);
    this.#ofDecision.set(decisionId, orders);
    must(orders.length <= 3, "a decision has three orders at most");
  }

  #step(event: Event, order: OrderSeen, payload: Payload): void {
    must(MAY_FOLLOW[order.state].includes(payload.$case), `${payload.$case} may follow ${order.state}`);
    const decision = found(this.#decision(order.made.decisionId), "its decision was coordinated");
    must(event.time <= decision.terms.validUntil, "its decision is valid still");
    if (payload.$case === "orderAcknowledged") order.state = "open";
    else if (payload.$case === "fill") this.#fill(event, order, payload.value);
    else if (payload.$case === "orderReplaced") {
      order.quantity = exact(payload.value.quantity);
      order.limit = exact(payload.value.limitPrice);
      same(order.terms.type, OrderType.LIMIT, "terms of an order that is replaced");
      must(order.quantity > order.filled, "it is for more than is filled");
    } else order.state = "ended";
  }

  #fill(event: Event, order: OrderSeen, fill: Fill): void {
    const id = `${order.made.orderId}/${fill.executionId}`;
    must(!this.fills.has(id), "the execution's id is new");
    this.fills.set(id, { ...fill, order: order.made, time: event.time, confirmed: false });
    const quantity = exact(fill.lastQuantity);
    const price = exact(fill.lastPrice);
    must(quantity > 0n && price > 0n, "quantity and price are above zero");
    same(fill.side, order.terms.side, "side");
    order.filled += quantity;
    order.value += times(quantity, price);
    same(exact(fill.filledQuantity), order.filled, "filled quantity");
    same(exact(fill.filledValue), order.value, "filled value");
    same(exact(fill.remainingQuantity), order.quantity - order.filled, "remaining quantity");
    must(order.filled <= order.quantity, "no more is filled than was ordered");
    const { limit = price } = order;
    must(fill.side === Side.BUY ? price <= limit : price >= limit, "the price is within the limit");
    if (fill.remainingQuantity === "0") order.state = "ended";
  }

  #confirm(event: Event, orderId: string, trade: Extract<Payload, { $case: "tradeConfirmed" }>["value"]): void {
    const fill = found(this.fills.get(`${orderId}/${trade.executionId}`), "there was such a fill");
    must(!fill.confirmed, "it is confirmed once");
    fill.confirmed = true;
    same(trade.side, fill.side, "side");
    same(trade.quantity, fill.lastQuantity, "quantity");
    same(trade.price, fill.lastPrice, "price");
    same(trade.fee, fill.fee, "fee");
    must(event.time > fill.time, "it is confirmed later");
    const settledMs = Date.parse(`${trade.settlementDate}T23:59:59Z`);
    must(settledMs > Number(event.time / 1_000_000n), "it settles later");
  }
}

const aboutText = ({ portfolioId, instrument, decisionId }: ExecutionEvent): string =>
  `${portfolioId} ${instrument} ${decisionId}`;
