/** How long to wait before the next attempt: exponential, with full jitter, so that a thousand clients do not come at once. */

export interface BackoffOptions {
  /** Upper end of the first delay, ms. */
  readonly minDelayMs: number;
  /** No delay is longer, ms. */
  readonly maxDelayMs: number;
}

/** Doublings beyond this overflow nothing and change nothing. */
const MOST_DOUBLINGS = 30;

/** ms, between 0 and min(max, min * 2^attempt). `attempt` counts from 0; `random` lies in [0, 1). */
export function backoffMs(attempt: number, { minDelayMs, maxDelayMs }: BackoffOptions, random: number): number {
  const ceiling = Math.min(maxDelayMs, minDelayMs * 2 ** Math.min(attempt, MOST_DOUBLINGS));
  return Math.round(random * ceiling);
}
