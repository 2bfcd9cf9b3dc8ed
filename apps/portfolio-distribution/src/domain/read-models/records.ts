/** What read models keep, and the same as JSON: decimals are text as they came, and so are times, Unix nanoseconds. */
import type { PortfolioEvent } from "@distribution/proto-types/portfolio/v1/portfolio";
import { isBlocking, type LimitName, limitName, type PeriodName, periodName } from "../names.ts";
import type { Timed, ValueOf } from "../rules/checks.ts";
import type { Rebalance } from "../rules/rebalance.ts";

export interface StateRecord extends Timed {
  readonly currency: string;
  readonly nav: string;
  readonly cash: string;
  readonly positionsValue: string;
  readonly positionCount: number;
}

export interface HoldingRecord extends Timed {
  readonly currency: string;
  readonly quantity: string;
  readonly price: string;
  readonly value: string;
  readonly cost: string;
  /** Empty: a price changed it. */
  readonly orderId: string;
  readonly executionId: string;
}

export interface PerformanceRecord extends Timed {
  readonly currency: string;
  readonly period: PeriodName;
  readonly periodStart: bigint;
  readonly periodReturn: string;
  /** Empty: compared with nothing. */
  readonly benchmark: string;
  readonly benchmarkReturn: string;
  readonly profit: string;
}

export interface AttributionRecord extends Timed {
  readonly currency: string;
  readonly period: PeriodName;
  readonly periodStart: bigint;
  readonly benchmark: string;
  readonly contributions: readonly {
    readonly group: string;
    readonly weight: string;
    readonly contribution: string;
  }[];
}

export interface BreachRecord extends Timed {
  readonly portfolioId: string;
  readonly kind: LimitName;
  /** Empty: the portfolio as a whole. */
  readonly instrument: string;
  readonly limit: string;
  readonly actual: string;
}

type About = Pick<PortfolioEvent, "currency" | "asOf">;

export function stateRecord(
  { currency, asOf }: About,
  { nav, cash, positionsValue, positionCount }: ValueOf<"state">,
): StateRecord {
  return { asOf, currency, nav, cash, positionsValue, positionCount };
}

export function holdingRecord({ currency, asOf }: About, position: ValueOf<"position">): HoldingRecord {
  const { quantity, price, value, cost, orderId, executionId } = position;
  return { asOf, currency, quantity, price, value, cost, orderId, executionId };
}

export function performanceRecord({ currency, asOf }: About, value: ValueOf<"performance">): PerformanceRecord {
  const { periodStart, periodReturn, benchmark, benchmarkReturn, profit } = value;
  // The event followed the rules, so the period is one of these.
  const period = periodName(value.period)!;
  return { asOf, currency, period, periodStart, periodReturn, benchmark, benchmarkReturn, profit };
}

export function attributionRecord({ currency, asOf }: About, value: ValueOf<"attribution">): AttributionRecord {
  const { periodStart, benchmark, contributions } = value;
  return { asOf, currency, period: periodName(value.period)!, periodStart, benchmark, contributions };
}

export function breachRecord({ portfolioId, asOf }: PortfolioEvent, value: ValueOf<"breach">): BreachRecord {
  const { instrument, limit, actual } = value;
  return { asOf, portfolioId, kind: limitName(value.kind)!, instrument, limit, actual };
}

const time = (ns: bigint): string => ns.toString();
/** The field, unless it is empty. */
const stated = <Name extends string>(name: Name, text: string): Partial<Record<Name, string>> =>
  text === "" ? {} : ({ [name]: text } as Record<Name, string>);

export const stateView = (portfolioId: string, { asOf, ...rest }: StateRecord) => ({
  ...{ portfolioId, asOf: time(asOf) },
  ...rest,
});

export const holdingView = (instrument: string, { asOf, orderId, executionId, ...rest }: HoldingRecord) => ({
  ...{ instrument, asOf: time(asOf) },
  ...rest,
  ...stated("orderId", orderId),
  ...stated("executionId", executionId),
});

export function performanceView(portfolioId: string, record: PerformanceRecord) {
  const { asOf, periodStart, benchmark, benchmarkReturn, ...rest } = record;
  return {
    ...{ portfolioId, asOf: time(asOf), periodStart: time(periodStart) },
    ...rest,
    ...stated("benchmark", benchmark),
    ...stated("benchmarkReturn", benchmarkReturn),
  };
}

export const attributionView = (portfolioId: string, { asOf, periodStart, benchmark, ...rest }: AttributionRecord) => ({
  ...{ portfolioId, asOf: time(asOf), periodStart: time(periodStart) },
  ...rest,
  ...stated("benchmark", benchmark),
});

export const breachView = ({ asOf, kind, instrument, limit, actual }: BreachRecord) => ({
  ...{ asOf: time(asOf), kind, limit, actual, blocking: isBlocking(kind) },
  ...stated("instrument", instrument),
});

export function rebalanceView(rebalanceId: string, rebalance: Rebalance) {
  const { state, reason, trades, proposedAt, asOf, completion } = rebalance;
  return {
    ...{ rebalanceId, state, reason, trades, proposedAt: time(proposedAt) },
    ...(completion && { completedAt: time(asOf), ...completion }),
  };
}
