/** Fills: what was traded at which price and fee, booked at once and confirmed a little later. */
import { AlertKind, AlertSeverity } from "@distribution/proto-types/execution/v1/execution";
import { amountText, priceText, quantityText } from "../engine/decimals.ts";
import { KINDS } from "../engine/kinds.ts";
import { type Instrument, instrumentOf } from "../instruments.ts";
import { priceOf } from "../market/prices.ts";
import { book } from "../portfolio/books.ts";
import { initialNav, navOf } from "../portfolio/portfolios.ts";
import { SECOND_US, type Simulation } from "../simulation.ts";
import type { Order, Trade } from "../state.ts";
import { sideOf, tellAbout, tellOrder } from "./voice.ts";

/** Hundredths of a basis point that venues take; resting orders get some back. */
const TAKER_FEES: Readonly<Record<Instrument["venue"], bigint>> = { central: 60n, east: 80n, west: 100n };
const REBATE = -25n;
const RESTING = 0.25;
const FEE_PARTS = 1_000_000n;
/** Fees are whole hundredths of a cent. */
const FEE_STEP = 1_000_000n;
/** Ticks beyond the market from which on a fill is worth an alert, and the share of those that get one. */
const SLIPPED_TICKS = 3;
const SLIPPAGE_ALERTED = 0.05;

const DAY_MS = 86_400_000;
const SETTLEMENT_DAYS = 2;

/** `quantity`: above 0, at most what is open. */
export function fill(world: Simulation, order: Order, quantity: bigint): void {
  const { decision } = order;
  const { ticks, price } = drawPrice(world, order);
  const fee = drawFee(world, order, quantity * price);
  order.fills += 1;
  order.filled += quantity;
  order.filledValue += quantity * price;
  decision.filled += quantity;
  const trade: Trade = { order, executionId: `e${order.fills}`, quantity, price, fee };
  tellFill(world, trade);
  book(world, trade);
  if (ticks >= SLIPPED_TICKS && world.random.chance(SLIPPAGE_ALERTED)) tellSlippage(world, order, ticks);
  world.scheduleWithin(SECOND_US, 5 * SECOND_US, { kind: "confirm", trade });
}

export function confirm(world: Simulation, { order, executionId, quantity, price, fee }: Trade): void {
  tellAbout(world, KINDS.tradeConfirmed, order, order.id, 0, () => ({
    $case: "tradeConfirmed",
    value: {
      confirmationId: `${order.id}-${executionId}`,
      executionId,
      side: sideOf(order.decision.direction),
      quantity: quantityText(quantity),
      price: priceText(price),
      fee: amountText(fee),
      settlementDate: settlementDate(world.teller.nowNs),
    },
  }));
}

function tellFill(world: Simulation, { order, executionId, quantity, price, fee }: Trade): void {
  tellOrder(world, KINDS.orderFilled, order, () => ({
    $case: "fill",
    value: {
      executionId,
      side: sideOf(order.decision.direction),
      lastQuantity: quantityText(quantity),
      lastPrice: priceText(price),
      fee: amountText(fee),
      filledQuantity: quantityText(order.filled),
      filledValue: amountText(order.filledValue),
      remainingQuantity: quantityText(order.quantity - order.filled),
    },
  }));
}

/**
 * Near the market, never beyond the limit. Traders are lucky while their portfolio is worth less than in the beginning, and
 * unlucky while it is worth more: otherwise fees would eat up a world that runs for long.
 */
function drawPrice(world: Simulation, { decision, limit }: Order): { readonly ticks: number; readonly price: bigint } {
  const { instrument, portfolio, direction } = decision;
  const { tick } = instrumentOf(instrument);
  const isPoor = navOf(world.state.portfolios[portfolio]!) < initialNav(portfolio);
  const ticks = isPoor ? world.random.between(-4, 2) : world.random.between(-2, 4);
  const drawn = priceOf(world, instrument) + BigInt(ticks * direction) * tick;
  const least = drawn < tick ? tick : drawn;
  if (limit === 0n) return { ticks, price: least };
  const isBeyond = direction > 0 ? least > limit : least < limit;
  return { ticks, price: isBeyond ? limit : least };
}

function drawFee(world: Simulation, { decision, terms }: Order, value: bigint): bigint {
  const rests = terms === "limit" && world.random.chance(RESTING);
  const hundredths = rests ? REBATE : TAKER_FEES[instrumentOf(decision.instrument).venue];
  return ((value * hundredths) / FEE_PARTS / FEE_STEP) * FEE_STEP;
}

function tellSlippage(world: Simulation, order: Order, ticks: number): void {
  const key = instrumentOf(order.decision.instrument).id;
  const text = `Order ${order.id} was filled ${ticks} ticks beyond the market.`;
  tellAbout(world, KINDS.alert, order, key, 0, () => ({
    $case: "alert",
    value: { kind: AlertKind.SLIPPAGE, severity: AlertSeverity.WARNING, text },
  }));
}

/** Year, month and day, two days after the trade was confirmed. */
function settlementDate(nowNs: bigint): string {
  const ms = Number(nowNs / 1_000_000n) + SETTLEMENT_DAYS * DAY_MS;
  return new Date(ms).toISOString().slice(0, 10);
}
