/** Close codes: what they say of an error, and which error they stand for. */
import { type DistributionError, ERROR_CODES, type ErrorCode } from "../../errors.ts";

/** RFC 6455: a close frame holds 125 bytes, two of them the code. */
export const MAX_REASON_BYTES = 123;

/** For errors that have no close code of their own: "try again later" and "policy violation" of RFC 6455. */
const TRY_AGAIN = 1013;
const POLICY = 1008;
const INTERNAL = 1011;

const BY_CLOSE: ReadonlyMap<number, ErrorCode> = new Map(
  Object.entries(ERROR_CODES).flatMap(([code, definition]) =>
    "close" in definition ? [[definition.close, code as ErrorCode] as const] : [],
  ),
);

export function closeOf(error: DistributionError): { readonly code: number; readonly reason: string } {
  const { close, retry } = error.definition;
  return { code: close ?? (retry ? TRY_AGAIN : POLICY), reason: error.message };
}

/** The error that a close code stands for; undefined for the codes of RFC 6455 itself. */
export function errorCodeOf(close: number): ErrorCode | undefined {
  return BY_CLOSE.get(close);
}

/** A code that may be sent: RFC 6455 reserves some for the library's own use. Anything else becomes 1011. */
export function sendableCode(code: number): number {
  const standard = code >= 1000 && code <= 1014 && code !== 1004 && code !== 1005 && code !== 1006;
  return standard || (Number.isInteger(code) && code >= 3000 && code <= 4999) ? code : INTERNAL;
}

/** The reason cut to `MAX_REASON_BYTES` of UTF-8, never within a character. */
export function fitReason(reason: string): string {
  const bytes = Buffer.from(reason.toWellFormed());
  if (bytes.length <= MAX_REASON_BYTES) return bytes.toString();
  let end = MAX_REASON_BYTES;
  // 10xxxxxx continues a character: step back to where one starts.
  while ((bytes[end]! & 0xc0) === 0x80) end -= 1;
  return bytes.toString("utf8", 0, end);
}
