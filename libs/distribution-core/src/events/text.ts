/** Which bytes may stand in an event's text fields: what CloudEvents calls a String. Fast on ASCII, exact on the rest. */
import { isUtf8 } from "node:buffer";
import { utf8 } from "./slices.ts";
import { nonPrintable, viewOf } from "./words.ts";

/** Control characters and noncharacters, which no CloudEvents attribute may hold. */
const FORBIDDEN = /[\p{Cc}\p{Noncharacter_Code_Point}]/u;

const PRINTABLE = /^[ -~]*$/;

/** Whether the bytes are printable ASCII that a JSON string holds as it is: no quote, no backslash. */
export function isPlainJson(bytes: Uint8Array, start: number, end: number): boolean {
  for (let pos = start; pos < end; pos++) {
    const byte = bytes[pos]!;
    if (byte < 0x20 || byte > 0x7e || byte === 0x22 || byte === 0x5c) return false;
  }
  return true;
}

/** What is wrong with these bytes as a CloudEvents String, for an error message; undefined when nothing is. */
export function textFault(bytes: Uint8Array, start: number, end: number): string | undefined {
  if (nonPrintable(viewOf(bytes), start, end) === 0) return undefined;
  if (!isUtf8(bytes.subarray(start, end))) return "It is not valid UTF-8.";
  return stringFault(utf8(bytes, start, end));
}

/** The same for a string: lone surrogates, control characters and noncharacters are refused. */
export function stringFault(text: string): string | undefined {
  if (PRINTABLE.test(text)) return undefined;
  if (!text.isWellFormed()) return "It has half of a surrogate pair. Send valid Unicode.";
  if (FORBIDDEN.test(text))
    return "It has a control character or a noncharacter. CloudEvents allows neither; remove it.";
  return undefined;
}
