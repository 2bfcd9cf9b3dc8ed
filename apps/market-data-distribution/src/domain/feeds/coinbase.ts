/**
 * Coinbase Exchange WebSocket feed (channels level2, ticker, matches) → normalized events.
 * https://docs.cdp.coinbase.com/exchange/docs/websocket-channels
 */
import { DistributionError } from "@distribution/core/errors";
import {
  type BookLevel,
  FeedAlertKind,
  type NormalizedMarketDataEvent,
  type Quote,
  Side,
} from "@distribution/proto-types/market_data/v1/market_data";
import type { Instrument } from "../instruments.ts";
import { listOf, optionalTimeOf, positiveSizeOf, priceOf, sideOf, sizeOf, textOf, timeOf, wholeOf } from "./fields.ts";
import {
  createInstruments,
  deltaOf,
  MAX_LEVELS,
  NOTHING,
  type Normalized,
  type Normalizer,
  normalizedEvent,
  type Problem,
  snapshotOf,
} from "./normalizer.ts";
import type { RawObject, RawValue } from "./raw-message.ts";
import { createSequenceTracker, type SequenceTracker } from "./sequence-tracker.ts";

interface ProductState {
  readonly trades: SequenceTracker;
  /** Sequence of the newest ticker; later tickers have higher ones, with steps. */
  ticker: bigint;
  hasBook: boolean;
}

export function createCoinbaseNormalizer(): Normalizer {
  const instruments = createInstruments("coinbase");
  const products = new Map<string, ProductState>();

  const stateOf = (instrument: Instrument): ProductState => {
    let state = products.get(instrument.symbol);
    if (!state) {
      state = { trades: createSequenceTracker(), ticker: -1n, hasBook: false };
      products.set(instrument.symbol, state);
    }
    return state;
  };
  const instrumentIn = (message: RawObject): Instrument =>
    instruments.of(textOf(message["product_id"], "message.product_id"), "message.product_id");

  return {
    venue: "coinbase",
    normalize(message, receivedNs) {
      const type = textOf(message["type"], "message.type");
      switch (type) {
        case "subscriptions":
        case "heartbeat":
          return NOTHING;
        case "snapshot":
        case "l2update": {
          const instrument = instrumentIn(message);
          return bookOf(type, message, instrument, stateOf(instrument), receivedNs);
        }
        case "ticker": {
          const instrument = instrumentIn(message);
          return quoteOf(message, instrument, stateOf(instrument), receivedNs);
        }
        case "match":
        case "last_match": {
          const instrument = instrumentIn(message);
          return tradeOf(message, instrument, stateOf(instrument), receivedNs);
        }
        case "error":
          return problem({ kind: FeedAlertKind.VENUE_ERROR, reason: `Coinbase says: ${reasonIn(message)}` });
        default:
          return problem({
            kind: FeedAlertKind.UNKNOWN,
            reason: `No messages of type ${JSON.stringify(type)} are known.`,
          });
      }
    },
  };
}

const problem = (problem: Problem): Normalized => ({ events: [], problems: [problem] });

function reasonIn(message: RawObject): string {
  const reason = message["reason"] ?? message["message"];
  return typeof reason === "string" ? reason.slice(0, 200) : "no reason given";
}

/** A book message that cannot be read leaves the book in doubt, which its subscribers must know. */
function bookOf(
  type: "snapshot" | "l2update",
  message: RawObject,
  instrument: Instrument,
  state: ProductState,
  receivedNs: bigint,
): Normalized {
  const inDoubt = { kind: FeedAlertKind.BOOK_IN_DOUBT, stream: "books", instrument } as const;
  if (type === "l2update" && !state.hasBook) {
    return problem({ ...inDoubt, reason: "A change came before the first snapshot." });
  }
  try {
    const time = optionalTimeOf(message["time"], "message.time");
    const payload = type === "snapshot" ? snapshotOf(snapshotLevels(message)) : deltaOf(changedLevels(message));
    state.hasBook = true;
    return { events: [normalizedEvent(instrument, time, receivedNs, payload)], problems: [] };
  } catch (failure) {
    if (!(failure instanceof DistributionError)) throw failure;
    const malformed = { kind: FeedAlertKind.MALFORMED, stream: "books", instrument, reason: failure.message } as const;
    return {
      events: [],
      problems: [malformed, { ...inDoubt, reason: `A change was not readable: ${failure.message}` }],
    };
  }
}

function snapshotLevels(message: RawObject): BookLevel[] {
  const levels: BookLevel[] = [];
  for (const [name, side] of [
    ["bids", Side.BUY],
    ["asks", Side.SELL],
  ] as const) {
    const path = `message.${name}`;
    for (const [index, entry] of listOf(message[name], path, MAX_LEVELS / 2).entries()) {
      const at = `${path}[${index}]`;
      const [price, size] = listOf(entry, at, 2);
      levels.push({ side, price: priceOf(price, `${at}[0]`), size: sizeOf(size, `${at}[1]`) });
    }
  }
  return levels;
}

function changedLevels(message: RawObject): BookLevel[] {
  return listOf(message["changes"], "message.changes", MAX_LEVELS).map((entry, index) => {
    const at = `message.changes[${index}]`;
    const [side, price, size] = listOf(entry, at, 3);
    return {
      side: sideOf(side, `${at}[0]`, "buy", "sell"),
      price: priceOf(price, `${at}[1]`),
      size: sizeOf(size, `${at}[2]`),
    };
  });
}

/** A ticker's sequence only rises. One that does not is older than what was passed on, and would undo it. */
function quoteOf(message: RawObject, instrument: Instrument, state: ProductState, receivedNs: bigint): Normalized {
  const sequence = wholeOf(message["sequence"], "message.sequence");
  const quote: Quote = {
    bidPrice: priceOf(message["best_bid"], "message.best_bid"),
    bidSize: optionalSizeOf(message["best_bid_size"], "message.best_bid_size"),
    askPrice: priceOf(message["best_ask"], "message.best_ask"),
    askSize: optionalSizeOf(message["best_ask_size"], "message.best_ask_size"),
  };
  const time = timeOf(message["time"], "message.time");
  if (sequence <= state.ticker) {
    const expected = state.ticker + 1n;
    const kind = sequence === state.ticker ? FeedAlertKind.DUPLICATE : FeedAlertKind.OUT_OF_ORDER;
    const reason = "The ticker is not newer than the one before; it was not passed on.";
    return problem({ kind, stream: "quotes", instrument, reason, expected, received: sequence });
  }
  state.ticker = sequence;
  return { events: [normalizedEvent(instrument, time, receivedNs, { $case: "quote", value: quote })], problems: [] };
}

/** Coinbase states no sizes in tickers before 2023. */
function optionalSizeOf(value: RawValue | undefined, path: string): string | undefined {
  return value === undefined ? undefined : sizeOf(value, path);
}

/** Coinbase tells the maker's side: a maker who sold was lifted by a buyer. */
function tradeOf(message: RawObject, instrument: Instrument, state: ProductState, receivedNs: bigint): Normalized {
  const tradeId = wholeOf(message["trade_id"], "message.trade_id");
  const maker = sideOf(message["side"], "message.side", "buy", "sell");
  const event = normalizedEvent(instrument, timeOf(message["time"], "message.time"), receivedNs, {
    $case: "trade",
    value: {
      price: priceOf(message["price"], "message.price"),
      size: positiveSizeOf(message["size"], "message.size"),
      aggressor: maker === Side.BUY ? Side.SELL : Side.BUY,
      tradeId: tradeId.toString(),
      lastKnown: message["type"] === "last_match",
    },
  });
  return inSequence(event, instrument, state.trades, tradeId);
}

/** Trade ids of a product are dense: a step over one is a gap, and one seen before is a repetition. */
function inSequence(
  event: NormalizedMarketDataEvent,
  instrument: Instrument,
  trades: SequenceTracker,
  received: bigint,
): Normalized {
  const seen = trades.see(received);
  if (seen.step === "next") return { events: [event], problems: [] };
  const { step, expected } = seen;
  const about = { stream: "trades", instrument, expected, received } as const;
  if (step === "repeat") {
    return problem({
      ...about,
      kind: FeedAlertKind.DUPLICATE,
      reason: `Trade ${received} came again; it was not passed on.`,
    });
  }
  const late = {
    ...about,
    kind: FeedAlertKind.OUT_OF_ORDER,
    reason: `Trade ${received} was missing and came late; it was passed on.`,
  };
  const gap = {
    ...about,
    kind: FeedAlertKind.GAP,
    reason: `Trades ${expected} to ${received - 1n} did not come.`,
  };
  return { events: [event], problems: [step === "late" ? late : gap] };
}
