/** Offsets of the embedded broker: whole numbers from 1 as decimal text; 0 is the place before the first event. */
import { fieldError } from "@distribution/core/errors";
import { MAX_OFFSET } from "./record.ts";

/** Throws `invalid_request` naming the field on what is no offset. */
export function parseOffset(text: string, field: string): number {
  const value = typeof text === "string" && /^(0|[1-9][0-9]{0,14})$/.test(text) ? Number(text) : Number.NaN;
  if (!(value <= MAX_OFFSET)) {
    throw fieldError(
      "invalid_request",
      field,
      `must be a whole number from 0 to ${MAX_OFFSET} as text, not ${String(text)}`,
    );
  }
  return value;
}
