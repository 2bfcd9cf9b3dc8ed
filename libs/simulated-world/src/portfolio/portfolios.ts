/** The portfolios: what each holds, is worth and has told. */
import { INSTRUMENTS, SECTORS } from "../instruments.ts";
import { benchmarkLevel } from "../market/prices.ts";
import type { Simulation } from "../simulation.ts";
import type { PeriodStart, Portfolio, Prices } from "../state.ts";

const AMOUNT_ONE = 10_000_000_000n;

/** Cash in the beginning, units of currency. */
const PORTFOLIOS = [
  { id: "balanced", cash: 80_000_000n },
  { id: "growth", cash: 120_000_000n },
  { id: "income", cash: 50_000_000n },
  { id: "opportunity", cash: 200_000_000n },
] as const;

export const portfolioId = (index: number): string => PORTFOLIOS[index]!.id;

export const initialNav = (index: number): bigint => PORTFOLIOS[index]!.cash * AMOUNT_ONE;

export const pickPortfolio = ({ random }: Simulation): number => random.below(PORTFOLIOS.length);

/** Exactly what the last state event of the portfolio said. */
export const navOf = ({ cash, value }: Portfolio): bigint => cash + value;

export function newPortfolios(prices: Prices): Portfolio[] {
  return PORTFOLIOS.map((_, index) => {
    const nav = initialNav(index);
    const begin: PeriodStart = {
      at: 0,
      nav,
      fees: 0n,
      benchmark: benchmarkLevel(prices),
      sectors: SECTORS.map(() => 0n),
    };
    return {
      index,
      cash: nav,
      value: 0n,
      gross: 0n,
      held: 0,
      fees: 0n,
      peak: nav,
      sequence: 0,
      rebalancing: false,
      holdings: INSTRUMENTS.map(({ base }) => ({ quantity: 0n, price: base, value: 0n, cost: 0n, sequence: 0 })),
      breached: new Set<string>(),
      periods: { day: begin, week: begin, month: begin, inception: begin },
    };
  });
}

/** Since inception, by sector: what holdings are worth less what they have cost. */
export function sectorProfits({ holdings }: Portfolio): bigint[] {
  const profits = SECTORS.map(() => 0n);
  for (const { index, sector } of INSTRUMENTS) {
    const { value, cost } = holdings[index]!;
    profits[sector] = profits[sector]! + value - cost;
  }
  return profits;
}
