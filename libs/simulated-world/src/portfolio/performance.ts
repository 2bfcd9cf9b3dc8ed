/** Returns of the periods that are running, and which sectors brought them. */
import { Period } from "@distribution/proto-types/portfolio/v1/portfolio";
import { amountText, fractionOf, fractionText } from "../engine/decimals.ts";
import { KINDS } from "../engine/kinds.ts";
import { INSTRUMENTS, SECTORS } from "../instruments.ts";
import { scheduleEvenly } from "../market/activity.ts";
import { benchmarkLevel } from "../market/prices.ts";
import { SECOND_US, type Simulation } from "../simulation.ts";
import type { PeriodStart, Portfolio } from "../state.ts";
import { tellPortfolio } from "./books.ts";
import { navOf, portfolioId, sectorProfits } from "./portfolios.ts";

export const BENCHMARK = "ALL-60";

const PERIODS = [
  { name: "day", period: Period.DAY },
  { name: "week", period: Period.WEEK },
  { name: "month", period: Period.MONTH },
  { name: "inception", period: Period.INCEPTION },
] as const;

const DAYS_OF_WEEK = 7;
const DAYS_OF_MONTH = 30;

/** A world day ends: with it, periods may. */
export function turnDay(world: Simulation): void {
  const { state, settings } = world;
  state.day += 1;
  for (const portfolio of state.portfolios) {
    const begin: PeriodStart = {
      at: state.nowUs,
      nav: navOf(portfolio),
      fees: portfolio.fees,
      benchmark: benchmarkLevel(state.prices),
      sectors: sectorProfits(portfolio),
    };
    portfolio.peak = begin.nav;
    portfolio.periods.day = begin;
    if (state.day % DAYS_OF_WEEK === 0) portfolio.periods.week = begin;
    if (state.day % DAYS_OF_MONTH === 0) portfolio.periods.month = begin;
  }
  world.schedule(settings.daySeconds * SECOND_US, { kind: "day" });
}

/** One period of one portfolio after the other. */
export function measureNext(world: Simulation): void {
  const { state, paces } = world;
  const portfolio = state.portfolios[state.performanceNext % state.portfolios.length]!;
  const { name, period } = PERIODS[Math.floor(state.performanceNext / state.portfolios.length) % PERIODS.length]!;
  state.performanceNext = (state.performanceNext + 1) % (state.portfolios.length * PERIODS.length);
  const begin = portfolio.periods[name];
  tellPerformance(world, portfolio, name, period, begin);
  tellAttribution(world, portfolio, name, period, begin);
  scheduleEvenly(world, "performance", 2, paces.performanceEvents);
}

function tellPerformance(world: Simulation, portfolio: Portfolio, name: string, period: Period, begin: PeriodStart) {
  const profit = navOf(portfolio) - begin.nav;
  const level = benchmarkLevel(world.state.prices);
  const key = `${portfolioId(portfolio.index)}/${name}`;
  tellPortfolio(world, KINDS.performance, portfolio, key, 0, () => ({
    $case: "performance",
    value: {
      period,
      periodStart: world.teller.nsAt(begin.at),
      periodReturn: fractionText(fractionOf(profit, begin.nav)),
      benchmark: BENCHMARK,
      benchmarkReturn: fractionText(fractionOf(level - begin.benchmark, begin.benchmark)),
      profit: amountText(profit),
    },
  }));
}

/** What the sectors brought, and what fees took: together the period's return, but for rounding. */
function tellAttribution(world: Simulation, portfolio: Portfolio, name: string, period: Period, begin: PeriodStart) {
  const key = `${portfolioId(portfolio.index)}/${name}/attribution`;
  tellPortfolio(world, KINDS.attribution, portfolio, key, 0, () => {
    const nav = navOf(portfolio);
    const values = sectorValues(portfolio);
    const profits = sectorProfits(portfolio);
    const contributions = SECTORS.map((group, sector) => ({
      group,
      weight: fractionText(fractionOf(values[sector]!, nav)),
      contribution: fractionText(fractionOf(profits[sector]! - begin.sectors[sector]!, begin.nav)),
    }));
    const fees = fractionText(fractionOf(begin.fees - portfolio.fees, begin.nav));
    contributions.push({ group: "fees" as (typeof SECTORS)[number], weight: "0", contribution: fees });
    const periodStart = world.teller.nsAt(begin.at);
    return { $case: "attribution", value: { period, periodStart, benchmark: BENCHMARK, contributions } };
  });
}

function sectorValues({ holdings }: Portfolio): bigint[] {
  const values = SECTORS.map(() => 0n);
  for (const { index, sector } of INSTRUMENTS) values[sector] = values[sector]! + holdings[index]!.value;
  return values;
}
