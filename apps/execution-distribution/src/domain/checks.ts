/** What the fields of an event have to be by themselves, whatever came before. All throw `invalid_event` at `path`. */
import { fieldError } from "@distribution/core/errors";
import { compareDecimals, isCanonicalDecimal } from "@distribution/core/events";
import { isDay } from "./days.ts";
import { type Words, wordOf } from "./words.ts";

/** Of orders, executions, portfolios, decisions, confirmations. */
export const ID_PATTERN = "^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$";
export const INSTRUMENT_PATTERN = "^[a-z0-9][a-z0-9-]{0,31}:[A-Za-z0-9.][A-Za-z0-9._/-]{0,63}$";

const ID = new RegExp(ID_PATTERN);
const INSTRUMENT = new RegExp(INSTRUMENT_PATTERN);

export const ID_RULE = 'is 1 to 64 letters, digits, ".", "_", ":" and "-", the first a letter or digit';
export const INSTRUMENT_RULE = "is venue:symbol, for example coinbase:BTC-USD: at most 32 and 64 characters";

export const isId = (text: string): boolean => ID.test(text);
export const isInstrument = (text: string): boolean => INSTRUMENT.test(text);

/** For messages: what was sent, cut to a readable length. */
const shown = (text: string): string => JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);

const refuse = (path: string, message: string) => fieldError("invalid_event", path, message);

export function checkId(text: string, path: string): void {
  if (!isId(text)) throw refuse(path, `${shown(text)} is no id: it ${ID_RULE}.`);
}

export function checkInstrument(text: string, path: string): void {
  if (!isInstrument(text)) throw refuse(path, `${shown(text)} is no instrument: it ${INSTRUMENT_RULE}.`);
}

export function checkDecimal(text: string, path: string): void {
  if (isCanonicalDecimal(text)) return;
  const rule = "no exponent, no leading or trailing zeros, no plus, no -0; 0 where there is none";
  throw refuse(path, `${shown(text)} is no decimal in canonical form: ${rule}.`);
}

export function checkAboveZero(text: string, path: string): void {
  checkDecimal(text, path);
  if (compareDecimals(text, "0") <= 0) throw refuse(path, `${text} is not above 0.`);
}

/** Of what is for people, or another's own: kept, so it has a bound. Characters. */
export function checkText(text: string, path: string, limit: number): void {
  if (text.length <= limit) return;
  throw refuse(path, `It has ${text.length} characters; the limit is ${limit}. Shorten it.`);
}

export function checkDay(text: string, path: string): void {
  if (!isDay(text)) throw refuse(path, `${shown(text)} is no day of the calendar, written like 2026-11-23.`);
}

export function checkWord<const Of extends Words>(value: string, of: Of, path: string): Of["words"][number] {
  const word = wordOf(value, of);
  if (word !== undefined) return word;
  const values = of.words.map((each) => `${of.prefix}_${each.toUpperCase()}`);
  throw refuse(path, `${value} is not taken; it is one of ${values.join(", ")}.`);
}

/** Of the events of a topic whose key is a field of the payload. */
export function checkKey(key: string, field: string, path: string): void {
  if (key === field) return;
  const named = "the event's key (partitionkey in CloudEvents)";
  throw refuse(path, `It is ${shown(field)} and ${named} is ${shown(key)}; they have to be the same.`);
}

/** Unix nanoseconds. */
export function checkEventTime(time: bigint): void {
  if (time <= 0n) throw refuse("data.event_time", `${time} is no time: it is nanoseconds since 1970, above 0.`);
}
