/** The life of orders: sent for a decision, taken or refused by the venue, worked, and ended. */
import {
  AlertKind,
  AlertSeverity,
  OrderType,
  RejectReason,
  TimeInForce,
} from "@distribution/proto-types/execution/v1/execution";
import { priceText, quantityText } from "../engine/decimals.ts";
import { KINDS } from "../engine/kinds.ts";
import { instrumentOf } from "../instruments.ts";
import { priceOf } from "../market/prices.ts";
import { SECOND_US, type Simulation } from "../simulation.ts";
import type { Decision, Order } from "../state.ts";
import { fill } from "./fills.ts";
import { sideOf, tellAbout, tellOrder } from "./voice.ts";

const MS = 1000;
const REJECTED = 0.025;
const LIMIT_ORDERS = 0.6;
const CANCELLED = 0.03;
const REPLACED = 0.05;
const REPLACED_WAITING = 0.3;
/** Of limit orders: those that wait for a better price. */
const PATIENT = 0.06;
const FILLED_WHOLE = 0.45;
/** Of rejections and of orders whose time ran out. */
const ALERTED = 0.2;
/** A limit order rests on average for this long before the next thing happens to it, and so long away from the market. */
const REST_US = 400 * MS;
const WAIT_US = 10 * SECOND_US;

const LIFETIMES = {
  day: TimeInForce.DAY,
  "good-till-cancel": TimeInForce.GOOD_TILL_CANCEL,
  immediate: TimeInForce.IMMEDIATE_OR_CANCEL,
  "fill-or-kill": TimeInForce.FILL_OR_KILL,
} as const satisfies Record<Order["lifetime"], TimeInForce>;

const REJECTIONS = [
  { reason: RejectReason.LIMIT_EXCEEDED, text: "The account's limit at the venue is used up." },
  { reason: RejectReason.PRICE_OUT_OF_BAND, text: "The price is outside the venue's band." },
  { reason: RejectReason.VENUE_CLOSED, text: "The venue takes no orders at the moment." },
  { reason: RejectReason.UNKNOWN_INSTRUMENT, text: "The venue does not trade the instrument at the moment." },
];

/** One to three orders for an approved decision. */
export function send(world: Simulation, decision: Decision): void {
  const { lot } = instrumentOf(decision.instrument);
  const lots = decision.quantity / lot;
  const drawn = world.random.next();
  const wanted = drawn < 0.5 ? 1n : drawn < 0.8 ? 2n : 3n;
  const count = wanted < lots ? wanted : lots;
  for (let number = 0n; number < count; number += 1n) {
    const share = lots / count + (number < lots % count ? 1n : 0n);
    const order = newOrder(world, decision, share * lot);
    decision.orders.push(order.id);
    decision.openOrders += 1;
    tellNew(world, order);
    world.scheduleWithin(MS, 20 * MS, { kind: "acknowledge", order });
  }
}

function newOrder(world: Simulation, decision: Decision, quantity: bigint): Order {
  const { random } = world;
  const isLimit = random.chance(LIMIT_ORDERS);
  const drawn = random.next();
  const lifetime =
    drawn < 0.65 ? "day" : drawn < 0.85 ? "good-till-cancel" : drawn < 0.95 ? "immediate" : "fill-or-kill";
  return {
    id: world.newId("o"),
    decision,
    terms: isLimit ? "limit" : "market",
    lifetime: isLimit ? lifetime : "day",
    deadline: decision.validUntil - random.between(100, 2000) * MS,
    quantity,
    limit: isLimit ? limitFor(world, decision) : 0n,
    sequence: 0,
    fills: 0,
    filled: 0n,
    filledValue: 0n,
  };
}

/** A few ticks from the market; mostly on its other side, so that it trades. */
function limitFor(world: Simulation, { instrument, direction }: Decision): bigint {
  const { tick } = instrumentOf(instrument);
  const ticks = world.random.chance(PATIENT) ? world.random.between(-40, -10) : world.random.between(-2, 5);
  const limit = priceOf(world, instrument) + BigInt(direction * ticks) * tick;
  return limit > tick ? limit : tick;
}

/** The venue's answer. */
export function acknowledge(world: Simulation, order: Order): void {
  if (world.random.chance(REJECTED)) {
    reject(world, order);
    return;
  }
  const venueOrderId = `${instrumentOf(order.decision.instrument).venue}-${order.id}`;
  tellOrder(world, KINDS.orderAcknowledged, order, () => ({ $case: "orderAcknowledged", value: { venueOrderId } }));
  if (isAtOnce(order)) world.scheduleWithin(MS, 5 * MS, { kind: "work", order });
  else workLater(world, order, REST_US);
}

/** The next thing that happens to an open order. */
export function work(world: Simulation, order: Order): void {
  if (isAtOnce(order)) workAtOnce(world, order);
  else if (world.random.chance(CANCELLED)) cancel(world, order, "The trader took it back.");
  else if (isMarketable(world, order)) trade(world, order);
  else wait(world, order);
}

function trade(world: Simulation, order: Order): void {
  if (order.terms === "limit" && world.random.chance(REPLACED)) replace(world, order);
  else fill(world, order, partOf(world, order));
  if (order.filled === order.quantity) finish(world, order);
  else workLater(world, order, REST_US);
}

function wait(world: Simulation, order: Order): void {
  if (world.random.chance(REPLACED_WAITING)) replace(world, order);
  workLater(world, order, WAIT_US);
}

function workAtOnce(world: Simulation, order: Order): void {
  const isWhole = order.lifetime === "fill-or-kill";
  const found = isMarketable(world, order) && world.random.chance(isWhole ? 0.7 : 0.9);
  if (found) fill(world, order, isWhole ? order.quantity : partOf(world, order));
  if (order.filled === order.quantity) finish(world, order);
  else cancel(world, order, isWhole ? "Not all of it could be had at once." : "The rest could not be had at once.");
}

/** Its time has run out. */
export function end(world: Simulation, order: Order): void {
  if (order.lifetime === "good-till-cancel") {
    cancel(world, order, "The decision's time ran out.");
    return;
  }
  tellOrder(world, KINDS.orderExpired, order, () => ({ $case: "orderExpired", value: {} }));
  if (world.random.chance(ALERTED)) {
    const text = `Order ${order.id} was open until its time ran out.`;
    alert(world, order, AlertKind.STUCK_ORDER, AlertSeverity.INFO, text);
  }
  finish(world, order);
}

function tellNew(world: Simulation, order: Order): void {
  const { quantity, limit } = order;
  tellOrder(world, KINDS.orderNew, order, () => ({
    $case: "orderNew",
    value: {
      side: sideOf(order.decision.direction),
      type: order.terms === "limit" ? OrderType.LIMIT : OrderType.MARKET,
      quantity: quantityText(quantity),
      limitPrice: limit === 0n ? "" : priceText(limit),
      timeInForce: LIFETIMES[order.lifetime],
    },
  }));
}

function reject(world: Simulation, order: Order): void {
  const value = world.random.pick(REJECTIONS);
  tellOrder(world, KINDS.orderRejected, order, () => ({ $case: "orderRejected", value }));
  if (world.random.chance(ALERTED)) {
    const isDown = value.reason === RejectReason.VENUE_CLOSED;
    const kind = isDown ? AlertKind.VENUE_DOWN : AlertKind.REJECT_RATE;
    alert(world, order, kind, isDown ? AlertSeverity.CRITICAL : AlertSeverity.WARNING, value.text);
  }
  finish(world, order);
}

function cancel(world: Simulation, order: Order, reason: string): void {
  tellOrder(world, KINDS.orderCancelled, order, () => ({ $case: "orderCancelled", value: { reason } }));
  finish(world, order);
}

/** Back to the market; sometimes for less, but always more than is filled already. */
function replace(world: Simulation, order: Order): void {
  const { lot } = instrumentOf(order.decision.instrument);
  const less = partOf(world, order);
  if (world.random.chance(0.3) && order.filled + lot <= order.quantity - less) order.quantity -= less;
  order.limit = limitFor(world, order.decision);
  tellOrder(world, KINDS.orderReplaced, order, () => ({
    $case: "orderReplaced",
    value: { quantity: quantityText(order.quantity), limitPrice: priceText(order.limit) },
  }));
}

function alert(world: Simulation, order: Order, kind: AlertKind, severity: AlertSeverity, text: string): void {
  const key = instrumentOf(order.decision.instrument).id;
  tellAbout(world, KINDS.alert, order, key, 0, () => ({ $case: "alert", value: { kind, severity, text } }));
}

/** All that is open, or a part of it, at least a lot. */
function partOf(world: Simulation, { decision, quantity, filled }: Order): bigint {
  const { lot } = instrumentOf(decision.instrument);
  const lots = (quantity - filled) / lot;
  if (lots <= 1n || world.random.chance(FILLED_WHOLE)) return quantity - filled;
  const part = (lots * BigInt(world.random.between(10, 70))) / 100n;
  return (part > 0n ? part : 1n) * lot;
}

const isAtOnce = ({ lifetime }: Order): boolean => lifetime === "immediate" || lifetime === "fill-or-kill";

function isMarketable(world: Simulation, { terms, limit, decision }: Order): boolean {
  const beyond = priceOf(world, decision.instrument) - limit;
  return terms === "market" || (decision.direction > 0 ? beyond <= 0n : beyond >= 0n);
}

function workLater(world: Simulation, order: Order, meanUs: number): void {
  const at = world.nowUs + MS + Math.round(world.random.exponential(meanUs));
  if (at < order.deadline) world.scheduleAt(at, { kind: "work", order });
  else world.scheduleAt(order.deadline, { kind: "end", order });
}

/** When the decision's last order has ended, the decision is settled. */
function finish(world: Simulation, { decision }: Order): void {
  decision.openOrders -= 1;
  if (decision.openOrders === 0) world.scheduleWithin(MS, 20 * MS, { kind: "settle", decision });
}
