/** Typed reads of a venue's message. Each throws `invalid_event` with the field's path, what it must be and what it is. */
import { fieldError } from "@distribution/core/errors";
import { Side } from "@distribution/proto-types/market_data/v1/market_data";
import { decimalOf } from "../decimals.ts";
import { parseIsoTime } from "../timestamps.ts";
import { isObject, type RawObject, type RawValue } from "./raw-message.ts";

/** Longest text field of a message that is read, characters. */
export const MAX_TEXT_CHARACTERS = 128;

const WHOLE = /^\d{1,18}$/;

export function textOf(value: RawValue | undefined, path: string): string {
  if (typeof value !== "string" || value === "") throw invalid(path, "must be a text", value);
  if (value.length > MAX_TEXT_CHARACTERS) {
    throw fieldError(
      "invalid_event",
      path,
      `must be at most ${MAX_TEXT_CHARACTERS} characters; it has ${value.length}.`,
    );
  }
  return value;
}

/** A decimal in canonical form. Prices may be negative. */
export function priceOf(value: RawValue | undefined, path: string): string {
  const decimal = typeof value === "string" ? decimalOf(value) : undefined;
  if (decimal === undefined) throw invalid(path, "must be a decimal number", value);
  return decimal;
}

/** A decimal in canonical form, zero or above. */
export function sizeOf(value: RawValue | undefined, path: string): string {
  const decimal = priceOf(value, path);
  if (decimal.startsWith("-")) throw invalid(path, "must not be negative", value);
  return decimal;
}

/** A decimal in canonical form, above zero. */
export function positiveSizeOf(value: RawValue | undefined, path: string): string {
  const decimal = sizeOf(value, path);
  if (decimal === "0") throw invalid(path, "must be above zero", value);
  return decimal;
}

/** A whole number of at most 18 digits. */
export function wholeOf(value: RawValue | undefined, path: string): bigint {
  if (typeof value !== "string" || !WHOLE.test(value))
    throw invalid(path, "must be a whole number of 1 to 18 digits", value);
  return BigInt(value);
}

/** Unix nanoseconds of an RFC 3339 time. */
export function timeOf(value: RawValue | undefined, path: string): bigint {
  const time = typeof value === "string" ? parseIsoTime(value) : undefined;
  if (time === undefined) throw invalid(path, "must be a time in UTC such as 2021-04-17T16:43:37.075687Z", value);
  return time;
}

/** As `timeOf`, or 0 (not stated) when the field is absent. */
export function optionalTimeOf(value: RawValue | undefined, path: string): bigint {
  return value === undefined ? 0n : timeOf(value, path);
}

/** "buy" or "sell", in the given spelling. */
export function sideOf(value: RawValue | undefined, path: string, buy: string, sell: string): Side {
  if (value === buy) return Side.BUY;
  if (value === sell) return Side.SELL;
  throw invalid(path, `must be "${buy}" or "${sell}"`, value);
}

/** A list of at most `limit` entries. */
export function listOf(value: RawValue | undefined, path: string, limit: number): readonly RawValue[] {
  if (!Array.isArray(value)) throw invalid(path, "must be a list", value);
  const list = value as readonly RawValue[];
  if (list.length > limit) {
    throw fieldError("invalid_event", path, `must have at most ${limit} entries; it has ${list.length}.`);
  }
  return list;
}

export function objectOf(value: RawValue | undefined, path: string): RawObject {
  if (!isObject(value)) throw invalid(path, "must be an object", value);
  return value;
}

function invalid(path: string, rule: string, value: RawValue | undefined): Error {
  return fieldError("invalid_event", path, `${rule}; it is ${describe(value)}.`);
}

/** Short enough for a log line, whatever was sent. */
function describe(value: RawValue | undefined): string {
  if (value === undefined) return "absent";
  if (typeof value === "string") return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value);
  if (typeof value !== "object" || value === null) return String(value);
  return Array.isArray(value) ? "a list" : "an object";
}
