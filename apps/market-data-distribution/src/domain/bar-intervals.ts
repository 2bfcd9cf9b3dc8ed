/** The lengths of bars: one name each, in payloads, addresses and settings. */
import { fieldError } from "@distribution/core/errors";

const SECOND_NS = 1_000_000_000n;

export const BAR_INTERVALS = {
  "1s": SECOND_NS,
  "5s": 5n * SECOND_NS,
  "1m": 60n * SECOND_NS,
  "5m": 300n * SECOND_NS,
  "15m": 900n * SECOND_NS,
  "1h": 3600n * SECOND_NS,
  "1d": 86_400n * SECOND_NS,
} as const;

export type BarInterval = keyof typeof BAR_INTERVALS;

export const BAR_INTERVAL_NAMES = Object.keys(BAR_INTERVALS) as readonly BarInterval[];

/** Throws `invalid_request` naming `path`. */
export function parseBarInterval(text: string, path = "interval"): BarInterval {
  const interval = BAR_INTERVAL_NAMES.find((name) => name === text);
  if (interval === undefined) {
    throw fieldError("invalid_request", path, `must be one of ${BAR_INTERVAL_NAMES.join(", ")}.`);
  }
  return interval;
}
