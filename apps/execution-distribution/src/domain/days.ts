/** Days of the calendar in UTC, written like 2026-11-23. */

const DAY = /^\d{4}-\d{2}-\d{2}$/;
const NS_PER_MS = 1_000_000n;

/** False for a 30th of February, too. */
export function isDay(text: string): boolean {
  if (!DAY.test(text)) return false;
  const ms = Date.parse(`${text}T00:00:00Z`);
  // Date.parse rolls days over that a month does not have.
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(text);
}

/** The day of a time in Unix nanoseconds, up to the year 2262. */
export function dayOf(ns: bigint): string {
  return new Date(Number(ns / NS_PER_MS)).toISOString().slice(0, 10);
}
