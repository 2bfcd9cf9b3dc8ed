/** Rules as tests apply them: one event after the other. */
import { DistributionError } from "@distribution/core/errors";
import { expect } from "vitest";
import type { PortfolioInput } from "../../src/domain/rules/checks.ts";
import { inputOf, type Told } from "./events.ts";

/** The one rule of a topic's events, each after those before it; the state at the end. */
export function fold<State>(
  next: (before: State | undefined, input: PortfolioInput) => State,
  ...told: readonly Told[]
): State | undefined {
  let now: State | undefined;
  for (const each of told) now = next(now, inputOf(each));
  return now;
}

/** With the message first, as the name of the test. */
export const byMessage = <Case>(cases: readonly (readonly [Case, string])[]) =>
  cases.map(([told, message]) => [message, told] as const);

/** `code path: message` of the refusal. */
export function refusal(run: () => unknown): string {
  try {
    run();
  } catch (failure) {
    if (!(failure instanceof DistributionError)) throw failure;
    expect(failure.errors).toHaveLength(1);
    return `${failure.code} ${failure.errors[0]?.path}: ${failure.errors[0]?.message}`;
  }
  return "none";
}
