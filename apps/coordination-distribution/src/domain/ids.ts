/** The shapes of ids and instruments: the same where events come in and where requests ask for them, so that all that was taken can be asked for. */
import { fieldError } from "@distribution/core/errors";
import type { ParameterKind } from "@distribution/core/transport/rest";

/** Of decisions, conflicts, policies, strategies and portfolios. */
export const ID = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$/;
export const ID_RULE =
  'must be 1 to 128 characters: letters, digits, "-", "_", "." and ":", the first a letter or digit';

export const INSTRUMENT = /^[a-z0-9][a-z0-9-]{0,31}:[A-Za-z0-9.][A-Za-z0-9._/-]{0,63}$/;
export const INSTRUMENT_RULE =
  'must be venue:symbol such as coinbase:BTC-USD: at most 32 lower-case letters, digits and "-", then at most 64 letters, digits, "-", "_", "." and "/"';

/** Throws `invalid_event` at `path`. */
export function checkId(text: string, path: string): void {
  if (!ID.test(text)) throw fieldError("invalid_event", path, `${ID_RULE}; it is ${shown(text)}.`);
}

/** Throws `invalid_event` at `path`. */
export function checkInstrument(text: string, path: string): void {
  if (!INSTRUMENT.test(text)) throw fieldError("invalid_event", path, `${INSTRUMENT_RULE}; it is ${shown(text)}.`);
}

const kind = (pattern: RegExp, rule: string): ParameterKind<string> => ({
  schema: { type: "string", pattern: pattern.source },
  parse(text, path) {
    if (pattern.test(text)) return text;
    throw fieldError("invalid_request", path, `${rule}; it is ${shown(text)}.`);
  },
});

/** For request parameters. */
export const id = kind(ID, ID_RULE);
export const instrument = kind(INSTRUMENT, INSTRUMENT_RULE);

/** For messages: what was sent, cut to a readable length. */
export const shown = (text: string): string => JSON.stringify(text.length > 64 ? `${text.slice(0, 64)}…` : text);
