/** The books: every fill is booked exactly, and holdings are valued anew when prices have moved. */
import type { PortfolioEvent } from "@distribution/proto-types/portfolio/v1/portfolio";
import { absolute, amountText, priceText, quantityText } from "../engine/decimals.ts";
import { KINDS, type Kind } from "../engine/kinds.ts";
import { CURRENCY, INSTRUMENTS, type Instrument, instrumentOf } from "../instruments.ts";
import { scheduleEvenly } from "../market/activity.ts";
import { priceOf } from "../market/prices.ts";
import type { Simulation } from "../simulation.ts";
import type { Holding, Portfolio, Trade } from "../state.ts";
import { checkHolding, checkWhole } from "./limits.ts";
import { navOf, portfolioId } from "./portfolios.ts";

type Payload = NonNullable<PortfolioEvent["payload"]>;

export function tellPortfolio(
  { teller }: Simulation,
  kind: Kind<PortfolioEvent>,
  { index }: Portfolio,
  key: string,
  sequence: number,
  payload: () => Payload,
): void {
  const id = portfolioId(index);
  teller.tell<PortfolioEvent>(kind, key, id, sequence, () => ({
    portfolioId: id,
    currency: CURRENCY,
    asOf: teller.nowNs,
    payload: payload(),
  }));
}

/** cash ∓ quantity × price − fee, quantity ± quantity, and the holding at today's price. */
export function book(world: Simulation, { order, quantity, price, fee, executionId }: Trade): void {
  const { decision } = order;
  const portfolio = world.state.portfolios[decision.portfolio]!;
  const instrument = instrumentOf(decision.instrument);
  const holding = portfolio.holdings[instrument.index]!;
  const signed = decision.direction > 0 ? quantity : -quantity;
  const paid = signed * price;
  const before = holding.quantity;
  holding.quantity += signed;
  holding.cost += paid;
  portfolio.cash -= paid + fee;
  portfolio.fees += fee;
  if (before === 0n) portfolio.held += 1;
  if (holding.quantity === 0n) portfolio.held -= 1;
  revalue(world, portfolio, holding, instrument);
  tellHolding(world, portfolio, holding, instrument, order.id, executionId);
  tellState(world, portfolio);
  checkHolding(world, portfolio, instrument);
  checkWhole(world, portfolio);
}

/** One portfolio after the other is valued at the prices of now. */
export function markNext(world: Simulation): void {
  const { state, paces } = world;
  const portfolio = state.portfolios[state.markNext]!;
  state.markNext = (state.markNext + 1) % state.portfolios.length;
  let told = 0;
  for (const instrument of INSTRUMENTS) {
    const holding = portfolio.holdings[instrument.index]!;
    if (holding.quantity === 0n || holding.price === priceOf(world, instrument.index)) continue;
    revalue(world, portfolio, holding, instrument);
    tellHolding(world, portfolio, holding, instrument, "", "");
    told += 1;
  }
  if (told > 0) {
    tellState(world, portfolio);
    checkWhole(world, portfolio);
    told += 1;
  }
  scheduleEvenly(world, "mark", Math.max(told, 1), paces.markEvents);
}

export function tellState(world: Simulation, portfolio: Portfolio): void {
  portfolio.sequence += 1;
  const nav = navOf(portfolio);
  if (nav > portfolio.peak) portfolio.peak = nav;
  tellPortfolio(world, KINDS.state, portfolio, portfolioId(portfolio.index), portfolio.sequence, () => ({
    $case: "state",
    value: {
      nav: amountText(nav),
      cash: amountText(portfolio.cash),
      positionsValue: amountText(portfolio.value),
      positionCount: portfolio.held,
    },
  }));
}

function revalue(world: Simulation, portfolio: Portfolio, holding: Holding, { index }: Instrument): void {
  const before = holding.value;
  holding.price = priceOf(world, index);
  holding.value = holding.quantity * holding.price;
  portfolio.value += holding.value - before;
  portfolio.gross += absolute(holding.value) - absolute(before);
}

function tellHolding(
  world: Simulation,
  portfolio: Portfolio,
  holding: Holding,
  { id }: Instrument,
  orderId: string,
  executionId: string,
): void {
  holding.sequence += 1;
  const key = `${portfolioId(portfolio.index)}/${id}`;
  tellPortfolio(world, KINDS.position, portfolio, key, holding.sequence, () => ({
    $case: "position",
    value: {
      instrument: id,
      quantity: quantityText(holding.quantity),
      price: priceText(holding.price),
      value: amountText(holding.value),
      cost: amountText(holding.cost),
      orderId,
      executionId,
    },
  }));
}
