/** The contract of a venue's normalizer, and what the normalizers share. A new venue is one file that implements it. */
import { fieldError } from "@distribution/core/errors";
import {
  BookAction,
  type BookLevel,
  type FeedAlertKind,
  type NormalizedMarketDataEvent,
} from "@distribution/proto-types/market_data/v1/market_data";
import { type Instrument, instrumentOf } from "../instruments.ts";
import type { RawObject } from "./raw-message.ts";

export type Stream = "trades" | "quotes" | "books";

/** Something of a message that is not passed on, or that was missing before it. Every one is counted and reported. */
export interface Problem {
  readonly kind: FeedAlertKind;
  /** Absent: not known. */
  readonly stream?: Stream;
  /** Absent: about the whole venue. */
  readonly instrument?: Instrument;
  /** For people: what is wrong, and what follows from it. */
  readonly reason: string;
  /** The venue's sequence number that was to come, and the one that came. */
  readonly expected?: bigint;
  readonly received?: bigint;
}

export interface Normalized {
  /** In the order in which they happened. */
  readonly events: readonly NormalizedMarketDataEvent[];
  readonly problems: readonly Problem[];
}

/**
 * A function of one venue's messages so far, from one connection: same messages, same answers. It does no I/O and reads
 * no clock. What it remembers (level ids, last sequences) is bounded by instruments and levels.
 */
export interface Normalizer {
  readonly venue: string;
  /**
   * Nothing in both lists: a message that is not about the market, such as a subscription's confirmation.
   * Throws `invalid_event` for a message that breaks the venue's format; what it remembers is then as before.
   */
  normalize(message: RawObject, receivedNs: bigint): Normalized;
}

/** Instruments a feed keeps state for. More are refused, one message at a time. */
export const MAX_INSTRUMENTS = 10_000;
/** Levels of one book message, and of one instrument's book at BitMEX. The largest known has 9,346. */
export const MAX_LEVELS = 25_000;

export const NOTHING: Normalized = { events: [], problems: [] };

/** The instruments seen, each checked and named once. */
export interface Instruments {
  /** Throws `invalid_event` when the symbol is none, or one more than `MAX_INSTRUMENTS`. */
  of(symbol: string, path: string): Instrument;
}

export function createInstruments(venue: string, limit = MAX_INSTRUMENTS): Instruments {
  const known = new Map<string, Instrument>();
  return {
    of(symbol, path) {
      const found = known.get(symbol);
      if (found) return found;
      if (known.size >= limit) {
        throw fieldError("invalid_event", path, `is one instrument more than the ${limit} that a feed follows.`);
      }
      const instrument = checked(venue, symbol, path);
      known.set(symbol, instrument);
      return instrument;
    },
  };
}

/** A message's symbol is part of an event here, not of a request. */
function checked(venue: string, symbol: string, path: string): Instrument {
  try {
    return instrumentOf(venue, symbol);
  } catch (failure) {
    throw fieldError("invalid_event", path, (failure as Error).message);
  }
}

type Payload = NonNullable<NormalizedMarketDataEvent["payload"]>;

export function normalizedEvent(
  instrument: Instrument,
  exchangeTime: bigint,
  receivedTime: bigint,
  payload: Payload,
): NormalizedMarketDataEvent {
  const { venue, symbol, key } = instrument;
  return { venue, symbol, instrument: key, exchangeTime, receivedTime, payload };
}

export const snapshotOf = (levels: BookLevel[]): Payload => ({
  $case: "book",
  value: { action: BookAction.SNAPSHOT, levels },
});

export const deltaOf = (levels: BookLevel[]): Payload => ({
  $case: "book",
  value: { action: BookAction.DELTA, levels },
});
