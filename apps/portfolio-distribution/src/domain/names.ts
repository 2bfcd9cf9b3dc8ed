/** Periods and kinds of limits by the names that keys, addresses and answers have for them. */
import { LimitKind, Period } from "@distribution/proto-types/portfolio/v1/portfolio";

const PERIODS = {
  day: Period.DAY,
  week: Period.WEEK,
  month: Period.MONTH,
  quarter: Period.QUARTER,
  year: Period.YEAR,
  inception: Period.INCEPTION,
} as const;

export type PeriodName = keyof typeof PERIODS;

export const PERIOD_NAMES = Object.keys(PERIODS) as readonly PeriodName[];

/** Undefined: not stated, or one that this version does not know. */
export const periodName = (period: Period): PeriodName | undefined =>
  PERIOD_NAMES.find((name) => PERIODS[name] === period);

const LIMITS = {
  "position-size": LimitKind.POSITION_SIZE,
  concentration: LimitKind.CONCENTRATION,
  "gross-exposure": LimitKind.GROSS_EXPOSURE,
  drawdown: LimitKind.DRAWDOWN,
} as const;

export type LimitName = keyof typeof LIMITS;

export const LIMIT_NAMES = Object.keys(LIMITS) as readonly LimitName[];

/** Undefined: not stated, or one that this version does not know. */
export const limitName = (kind: LimitKind): LimitName | undefined => LIMIT_NAMES.find((name) => LIMITS[name] === kind);

/** Limits of the portfolio as a whole: while one is broken, nothing more may be opened for it. The others bind one instrument. */
const BLOCKING: readonly LimitName[] = ["gross-exposure", "drawdown"];

export const isBlocking = (name: LimitName): boolean => BLOCKING.includes(name);

/** As filters name them. */
export const BLOCKING_KINDS: readonly LimitKind[] = BLOCKING.map((name) => LIMITS[name]);
