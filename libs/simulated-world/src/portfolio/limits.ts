/** Limits of risk. A breach is told when it begins; it is over once the figure is well below the limit again. */
import { LimitKind, type PortfolioEvent } from "@distribution/proto-types/portfolio/v1/portfolio";
import { absolute, fractionOf, fractionText, quantityText } from "../engine/decimals.ts";
import { KINDS } from "../engine/kinds.ts";
import { CURRENCY, type Instrument } from "../instruments.ts";
import type { Simulation } from "../simulation.ts";
import type { Portfolio } from "../state.ts";
import { navOf, portfolioId } from "./portfolios.ts";

/** What may be held of one instrument, units of currency at its first price. */
const LARGEST_POSITION = 1_200_000n;
/** Of nav, at twelve places. */
const CONCENTRATION = 16_000_000_000n;
const GROSS_EXPOSURE = 350_000_000_000n;
const DRAWDOWN = 2_000_000_000n;
/** Percent of the limit below which a breach is over. */
const OVER_BELOW = 95n;

const NAMES = {
  [LimitKind.POSITION_SIZE]: "position-size",
  [LimitKind.CONCENTRATION]: "concentration",
  [LimitKind.GROSS_EXPOSURE]: "gross-exposure",
  [LimitKind.DRAWDOWN]: "drawdown",
} as const;

interface Measure {
  readonly kind: keyof typeof NAMES;
  /** "": the portfolio as a whole. */
  readonly instrument: string;
  readonly limit: bigint;
  readonly actual: bigint;
  readonly text: (value: bigint) => string;
}

export function checkHolding(world: Simulation, portfolio: Portfolio, { index, id, base, lot }: Instrument): void {
  const { quantity, value } = portfolio.holdings[index]!;
  const limit = ((LARGEST_POSITION * 10_000_000_000n) / (base * lot)) * lot;
  measure(world, portfolio, {
    kind: LimitKind.POSITION_SIZE,
    instrument: id,
    limit,
    actual: absolute(quantity),
    text: quantityText,
  });
  measure(world, portfolio, {
    kind: LimitKind.CONCENTRATION,
    instrument: id,
    limit: CONCENTRATION,
    actual: fractionOf(absolute(value), navOf(portfolio)),
    text: fractionText,
  });
}

export function checkWhole(world: Simulation, portfolio: Portfolio): void {
  const nav = navOf(portfolio);
  measure(world, portfolio, {
    kind: LimitKind.GROSS_EXPOSURE,
    instrument: "",
    limit: GROSS_EXPOSURE,
    actual: fractionOf(portfolio.gross, nav),
    text: fractionText,
  });
  measure(world, portfolio, {
    kind: LimitKind.DRAWDOWN,
    instrument: "",
    limit: DRAWDOWN,
    actual: fractionOf(portfolio.peak - nav, portfolio.peak),
    text: fractionText,
  });
}

function measure({ teller }: Simulation, portfolio: Portfolio, measured: Measure): void {
  const { kind, instrument, limit, actual, text } = measured;
  const name = instrument === "" ? NAMES[kind] : `${NAMES[kind]}/${instrument}`;
  if (actual <= limit) {
    if (actual * 100n < limit * OVER_BELOW) portfolio.breached.delete(name);
    return;
  }
  if (portfolio.breached.has(name)) return;
  portfolio.breached.add(name);
  const id = portfolioId(portfolio.index);
  teller.tell<PortfolioEvent>(KINDS.breach, `${id}/${name}`, id, 0, () => ({
    portfolioId: id,
    currency: CURRENCY,
    asOf: teller.nowNs,
    payload: { $case: "breach", value: { kind, instrument, limit: text(limit), actual: text(actual) } },
  }));
}
