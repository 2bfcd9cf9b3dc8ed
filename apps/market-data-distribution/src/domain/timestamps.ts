/** Times of venues and recordings → Unix nanoseconds, exact. */

const ISO = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?Z$/;
const SECONDS = /^(\d{1,10})(?:\.(\d{1,9}))?$/;
const NS_PER_SECOND = 1_000_000_000n;
/** What int64 nanoseconds reach: the year 2262. */
const LAST_SECOND = 9_223_372_035n;

/**
 * RFC 3339 in UTC with up to nine decimals, `2021-04-17T16:43:37.075687Z`, between 1970 and 2262.
 * Undefined for anything else, a 30th of February included.
 */
export function parseIsoTime(text: string): bigint | undefined {
  const match = ISO.exec(text);
  if (match === null) return undefined;
  const [, second = "", fraction = ""] = match;
  const ms = Date.parse(`${second}Z`);
  // Date.parse rolls days over that a month does not have.
  if (Number.isNaN(ms) || new Date(ms).toISOString().slice(0, 19) !== second) return undefined;
  return withFraction(BigInt(ms) / 1000n, fraction);
}

/** Unix seconds as decimal text with up to nine decimals, `1618677817.061845`. Undefined for anything else. */
export function parseUnixSeconds(text: string): bigint | undefined {
  const match = SECONDS.exec(text);
  if (match === null) return undefined;
  return withFraction(BigInt(match[1] ?? ""), match[2] ?? "");
}

function withFraction(seconds: bigint, fraction: string): bigint | undefined {
  if (seconds < 0n || seconds > LAST_SECOND) return undefined;
  return seconds * NS_PER_SECOND + BigInt(fraction.padEnd(9, "0"));
}
