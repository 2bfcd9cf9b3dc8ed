/** One line of a recording → the venue's message, with numbers as the digits that the venue wrote. */
import { DistributionError, fieldError } from "@distribution/core/errors";
import { parseUnixSeconds } from "../timestamps.ts";

/** JSON as the venue sent it, except that a number is the text of its digits, so that nothing is rounded. */
export type RawValue = string | boolean | null | RawObject | readonly RawValue[];

export interface RawObject {
  readonly [name: string]: RawValue | undefined;
}

export interface RecordedMessage {
  /** When the recorder received it, Unix nanoseconds. */
  readonly receivedNs: bigint;
  readonly message: RawObject;
}

/** Objects and arrays within each other. Venues use at most 5; the reader recurses, so it must be bounded. */
export const MAX_NESTING = 16;

const QUOTE = 34;
const BACKSLASH = 92;
const OPEN_ARRAY = 91;
const CLOSE_ARRAY = 93;
const OPEN_OBJECT = 123;
const CLOSE_OBJECT = 125;

/** Reads `{receivedAt: seconds, message: object}`. Throws `invalid_event` naming what is wrong. */
export function parseRecordedLine(line: string): RecordedMessage {
  if (nesting(line) > MAX_NESTING) {
    throw fieldError("invalid_event", "line", `is nested deeper than ${MAX_NESTING} levels.`);
  }
  const value = parseJson(line);
  if (!isObject(value)) throw fieldError("invalid_event", "line", "must be a JSON object.");
  const { receivedAt, message } = value;
  const receivedNs = typeof receivedAt === "string" ? parseUnixSeconds(receivedAt) : undefined;
  if (receivedNs === undefined) {
    throw fieldError("invalid_event", "receivedAt", "must be Unix seconds with at most nine decimals.");
  }
  if (!isObject(message)) throw fieldError("invalid_event", "message", "must be a JSON object.");
  return { receivedNs, message };
}

export function isObject(value: RawValue | undefined): value is RawObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function parseJson(line: string): RawValue {
  try {
    return JSON.parse(line, keepDigits) as RawValue;
  } catch (failure) {
    throw new DistributionError("invalid_event", "line: is no JSON.", {
      errors: [{ path: "line", message: `is no JSON: ${(failure as SyntaxError).message}` }],
      cause: failure,
    });
  }
}

/** `context.source` is the number's own text: 1.814e-05, and ids beyond 2^53, stay as they were written. */
function keepDigits(_name: string, value: unknown, context?: { readonly source?: string }): unknown {
  return typeof value === "number" ? context?.source : value;
}

/** The deepest nesting, counted without parsing; brackets within strings do not count. */
function nesting(text: string): number {
  let depth = 0;
  let deepest = 0;
  let inString = false;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (inString) {
      if (code === BACKSLASH) at += 1;
      else if (code === QUOTE) inString = false;
    } else if (code === QUOTE) inString = true;
    else if (code === OPEN_ARRAY || code === OPEN_OBJECT) {
      depth += 1;
      if (depth > deepest) deepest = depth;
    } else if (code === CLOSE_ARRAY || code === CLOSE_OBJECT) depth -= 1;
  }
  return deepest;
}
