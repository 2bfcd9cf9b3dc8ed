/** Instrument keys, `venue:symbol`: what order is kept for, and how addresses and subscriptions name an instrument. */
import { fieldError } from "@distribution/core/errors";

export interface Instrument {
  /** Lower-case letters, digits and "-", 1 to 32 characters. */
  readonly venue: string;
  /** As the venue writes it: letters, digits and "-", "_", ".", "/", 1 to 64 characters, starting with a letter, digit or ".". */
  readonly symbol: string;
  /** `venue:symbol`. */
  readonly key: string;
}

export const MAX_VENUE_CHARACTERS = 32;
export const MAX_SYMBOL_CHARACTERS = 64;

const VENUE = /^[a-z0-9][a-z0-9-]*$/;
const SYMBOL = /^[A-Za-z0-9.][A-Za-z0-9._/-]*$/;

/** Throws `invalid_request` naming `path` when the text is no instrument key. */
export function parseInstrument(text: string, path = "instrument"): Instrument {
  const colon = text.indexOf(":");
  if (colon === -1) {
    throw fieldError("invalid_request", path, `must be "venue:symbol", for example "coinbase:BTC-USD"; it has no ":".`);
  }
  return instrumentOf(text.slice(0, colon), text.slice(colon + 1), path);
}

/** Throws `invalid_request` naming `path` when a part is empty, too long or holds a character it may not. */
export function instrumentOf(venue: string, symbol: string, path = "instrument"): Instrument {
  check(venue, VENUE, MAX_VENUE_CHARACTERS, `${path}.venue`, `lower-case letters, digits and "-"`);
  check(symbol, SYMBOL, MAX_SYMBOL_CHARACTERS, `${path}.symbol`, `letters, digits, "-", "_", "." and "/"`);
  return { venue, symbol, key: `${venue}:${symbol}` };
}

function check(text: string, pattern: RegExp, limit: number, path: string, allowed: string): void {
  if (text.length === 0 || text.length > limit) {
    throw fieldError("invalid_request", path, `must be 1 to ${limit} characters; it has ${text.length}.`);
  }
  if (!pattern.test(text)) {
    throw fieldError(
      "invalid_request",
      path,
      `may hold ${allowed} only, and starts with a letter or digit (a symbol also with ".").`,
    );
  }
}
