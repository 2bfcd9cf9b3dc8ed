/** Unix nanoseconds and RFC 3339, without losing a digit. */

const TIMESTAMP = /^(\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d)(?:\.(\d{1,9})\d*)?([Zz]|[+-]\d\d:\d\d)$/;
const NS_PER_MS = 1_000_000n;
const NS_PER_S = 1_000_000_000n;

/** Throws RangeError on what is no RFC 3339 timestamp. */
export function parseTime(text: string): bigint {
  const match = TIMESTAMP.exec(text);
  const ms = match ? Date.parse(`${match[1]}${match[3]}`) : Number.NaN;
  if (!match || Number.isNaN(ms)) throw new RangeError(`"${text}" is no RFC 3339 timestamp.`);
  return BigInt(ms) * NS_PER_MS + BigInt((match[2] ?? "").padEnd(9, "0"));
}

/** UTC, with as many digits of a second as the time has. */
export function formatTime(ns: bigint): string {
  const within = ((ns % NS_PER_S) + NS_PER_S) % NS_PER_S;
  const date = new Date(Number((ns - within) / NS_PER_MS)).toISOString().slice(0, -".000Z".length);
  const digits = String(within).padStart(9, "0").replace(/0+$/, "");
  return digits === "" ? `${date}Z` : `${date}.${digits}Z`;
}
