/** Performance and attribution: returns are fractions with at most 12 places. */
import type { Period } from "@distribution/proto-types/portfolio/v1/portfolio";
import { PERIOD_NAMES, type PeriodName, periodName } from "../names.ts";
import {
  checkAbout,
  checkDecimal,
  checkFollows,
  checkFraction,
  checkItems,
  checkText,
  checkTime,
  invalid,
  memberOf,
  type PortfolioInput,
  TEXT_LIMITS,
  type Timed,
} from "./checks.ts";

export function nextPerformance(before: Timed | undefined, input: PortfolioInput): Timed {
  const { payload } = input;
  const performance = memberOf(payload, "performance");
  const { benchmark, benchmarkReturn } = performance;
  const path = "data.performance";
  const period = checkPeriod(performance, payload.asOf, path);
  checkAbout(input, `${payload.portfolioId}/${period}`);
  checkFraction(performance.periodReturn, `${path}.period_return`);
  checkDecimal(performance.profit, `${path}.profit`);
  checkText(benchmark, TEXT_LIMITS.name, `${path}.benchmark`);
  if (benchmark !== "") checkFraction(benchmarkReturn, `${path}.benchmark_return`);
  else if (benchmarkReturn !== "") throw invalid(`${path}.benchmark`, "It is required with a benchmark_return.");
  checkFollows(before, payload, `The ${period} performance of ${payload.portfolioId}`);
  return { asOf: payload.asOf };
}

export function nextAttribution(before: Timed | undefined, input: PortfolioInput): Timed {
  const { payload } = input;
  const attribution = memberOf(payload, "attribution");
  const { contributions } = attribution;
  const path = "data.attribution";
  const period = checkPeriod(attribution, payload.asOf, path);
  checkAbout(input, `${payload.portfolioId}/${period}/attribution`);
  checkText(attribution.benchmark, TEXT_LIMITS.name, `${path}.benchmark`);
  checkItems(contributions, `${path}.contributions`);
  for (const [index, { group, weight, contribution }] of contributions.entries()) {
    const place = `${path}.contributions[${index}]`;
    if (group === "") throw invalid(`${place}.group`, "It is required.");
    checkText(group, TEXT_LIMITS.name, `${place}.group`);
    checkFraction(weight, `${place}.weight`);
    checkFraction(contribution, `${place}.contribution`);
  }
  checkFollows(before, payload, `The ${period} attribution of ${payload.portfolioId}`);
  return { asOf: payload.asOf };
}

/** The topic has both. */
export function nextMeasure(before: Timed | undefined, input: PortfolioInput): Timed {
  const isAttribution = input.payload.payload?.$case === "attribution";
  return isAttribution ? nextAttribution(before, input) : nextPerformance(before, input);
}

function checkPeriod(
  { period, periodStart }: { readonly period: Period; readonly periodStart: bigint },
  asOf: bigint,
  path: string,
): PeriodName {
  const name = periodName(period);
  if (!name) throw invalid(`${path}.period`, `State one of ${PERIOD_NAMES.join(", ")}, as PERIOD_DAY.`);
  checkTime(periodStart, `${path}.period_start`);
  if (periodStart > asOf) throw invalid(`${path}.period_start`, "It is after as_of; a period ends where it is told.");
  return name;
}
