/** RFC 3339 timestamps and Unix nanoseconds, without loss in either direction. */
import { divideByBillion, remainderOfBillion } from "../int64.ts";
import { type EventPath, excerpt, invalidEvent } from "../path.ts";

const NS_PER_SECOND = 1_000_000_000;
const SECONDS_PER_DAY = 86_400;
const MIN_NS = -(2n ** 63n);
const MAX_NS = 2n ** 63n - 1n;

const TIMESTAMP = /^(\d{4})-(\d{2})-(\d{2})[Tt](\d{2}):(\d{2}):(\d{2})(?:\.(\d+))?(?:[Zz]|([+-])(\d{2}):(\d{2}))$/;

/** Longer texts are no timestamps; their fractions need not be read to say so. */
export const MAX_TIME_TEXT = 64;

/**
 * Unix nanoseconds of an RFC 3339 timestamp; its offset is taken into account and then forgotten.
 * Throws `invalid_event` at `path` on other text, a date that no calendar has, a leap second (Unix time has none), more
 * than 9 fraction digits, a time outside int64 (1677-09-21 to 2262-04-11), and 1970-01-01T00:00:00Z itself, whose 0 ns
 * mean "not stated" in an event.
 */
export function parseTime(text: string, path: EventPath): bigint {
  const match = text.length <= MAX_TIME_TEXT ? TIMESTAMP.exec(text) : null;
  if (match === null) {
    throw invalidEvent(
      path,
      `${excerpt(text)} is no RFC 3339 timestamp. Write it like 2026-01-31T09:30:00.123456789Z.`,
    );
  }
  const [, year, month, day, hour, minute, second, fraction = "", sign, offsetHour, offsetMinute] = match;
  if (fraction.length > 9) {
    throw invalidEvent(path, `${excerpt(text)} has ${fraction.length} fraction digits; the limit is 9 (nanoseconds).`);
  }
  const days = daysOf(Number(year), Number(month), Number(day));
  const offset = sign === undefined ? 0 : offsetSeconds(sign, Number(offsetHour), Number(offsetMinute));
  if (Number(second) === 60)
    throw invalidEvent(path, `${excerpt(text)} is a leap second, which Unix time cannot tell.`);
  if (days === undefined || offset === undefined || Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) {
    throw invalidEvent(path, `${excerpt(text)} is a time that does not exist. Check month, day, hour and offset.`);
  }
  const seconds = days * SECONDS_PER_DAY + Number(hour) * 3600 + Number(minute) * 60 + Number(second) - offset;
  const ns = BigInt(seconds) * 1_000_000_000n + BigInt(fraction.padEnd(9, "0"));
  if (ns < MIN_NS || ns > MAX_NS) {
    throw invalidEvent(
      path,
      `${excerpt(text)} is out of range: 1677-09-21T00:12:43.145224192Z to 2262-04-11T23:47:16.854775807Z.`,
    );
  }
  if (ns === 0n) throw invalidEvent(path, "The first instant of 1970 means that no time is stated. Leave it out.");
  return ns;
}

/** The timestamp of `ns` Unix nanoseconds (int64), in UTC, with as many fraction digits as it needs. */
export function formatTime(ns: bigint): string {
  return formatTimeParts(Number(BigInt.asIntN(32, ns >> 32n)), Number(BigInt.asIntN(32, ns)));
}

/** The same from the high and low 32 bits (both may be signed), without making a bigint. */
export function formatTimeParts(hi: number, lo: number): string {
  return `${dateTime(divideByBillion(hi, lo))}${fractionOf(remainderOfBillion(hi, lo))}Z`;
}

/** `2026-01-31T09:30:00`: days to a civil date as in Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms". */
function dateTime(seconds: number): string {
  const days = Math.floor(seconds / SECONDS_PER_DAY);
  const ofDay = seconds - days * SECONDS_PER_DAY;
  const shifted = days + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const marchMonth = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * marchMonth + 2) / 5) + 1;
  const month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9;
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
  const hour = Math.floor(ofDay / 3600);
  const minute = Math.floor((ofDay - hour * 3600) / 60);
  return `${year}-${two(month)}-${two(day)}T${two(hour)}:${two(minute)}:${two(ofDay - hour * 3600 - minute * 60)}`;
}

function fractionOf(nanos: number): string {
  if (nanos === 0) return "";
  const digits = String(nanos + NS_PER_SECOND);
  let end = digits.length;
  while (digits.charCodeAt(end - 1) === 0x30) end -= 1;
  return `.${digits.slice(1, end)}`;
}

function two(value: number): string {
  return value < 10 ? `0${value}` : String(value);
}

/** Days since 1970-01-01; undefined for a date that does not exist. */
function daysOf(year: number, month: number, day: number): number | undefined {
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  const exists = date.getUTCFullYear() === year && date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
  return exists ? date.getTime() / (SECONDS_PER_DAY * 1000) : undefined;
}

function offsetSeconds(sign: string, hours: number, minutes: number): number | undefined {
  if (hours > 23 || minutes > 59) return undefined;
  return (sign === "-" ? -1 : 1) * (hours * 3600 + minutes * 60);
}
