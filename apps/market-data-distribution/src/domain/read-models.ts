/**
 * What this service answers of the market right now: a projection of each topic, state by instrument. They are folds of the
 * log and hold nothing that is not in it; the core feeds, bounds, saves and restores them.
 */
import { DistributionError, fieldError } from "@distribution/core/errors";
import {
  type Answer,
  createProjection,
  defineIndex,
  from,
  mergeAnswers,
  type ProjectedEvent,
  type Projection,
  type Source,
} from "@distribution/core/projections";
import { type Bar, NormalizedMarketDataEvent } from "@distribution/proto-types/market_data/v1/market_data";
import { parseBarInterval } from "./bar-intervals.ts";
import { type Book, bookCodec, bytesOfBook, createBook, MAX_BOOK_LEVELS } from "./books.ts";
import { parseInstrument } from "./instruments.ts";
import { addBar, addRecent, type Recent } from "./read-models/recent.ts";
import {
  bytesOf,
  type InstrumentView,
  type QuoteView,
  quoteView,
  type TradeView,
  tradeView,
} from "./read-models/views.ts";
import { TOPICS } from "./topics.ts";

export interface ReadModelOptions {
  /** Instruments kept by each model. Default 10,000. */
  readonly maxInstruments?: number;
  /** Bytes kept by each model. Default 256 MiB. */
  readonly maxBytes?: number;
  /** Trades kept by instrument. Default 1,000. */
  readonly maxTrades?: number;
  /** Levels kept by side of a book. Default 10,000. */
  readonly maxBookLevels?: number;
  /** Bars kept by instrument and interval. Default 1,000. */
  readonly maxBars?: number;
}

export interface BarsByInterval {
  readonly intervals: Map<string, Recent<Bar>>;
  bytes: number;
}

/** By what an instrument has of it. */
export interface ReadModels {
  readonly quote: Projection<QuoteView>;
  readonly trades: Projection<Recent<TradeView>>;
  readonly book: Projection<Book>;
  readonly bars: Projection<BarsByInterval>;
}

export interface InstrumentsPage {
  readonly instruments: readonly InstrumentView[];
  /** Give as `after` to read on. Undefined: there are no more. */
  readonly next: string | undefined;
}

const DEFAULTS = {
  maxInstruments: 10_000,
  maxBytes: 256 * 1024 * 1024,
  maxTrades: 1000,
  maxBookLevels: MAX_BOOK_LEVELS,
  maxBars: 1000,
} as const;

const byInstrument = defineIndex<unknown, string>({ name: "by-instrument", sort: ({ key }) => key });

/** Throws `invalid_request` for a bound below 1. */
export function createReadModels(options: ReadModelOptions = {}): ReadModels {
  const { maxInstruments, maxBytes, maxTrades, maxBookLevels, maxBars } = { ...DEFAULTS, ...options };
  for (const [name, limit] of Object.entries({ maxTrades, maxBookLevels, maxBars })) {
    if (Number.isInteger(limit) && limit >= 1) continue;
    throw fieldError("invalid_request", name, `must be a whole number of 1 or more; it is ${limit}.`);
  }
  const bounds = { keys: maxInstruments, bytes: maxBytes };
  const common = { bounds, indexes: [byInstrument], version: 1 };
  const missing = (what: string) => (key: string) =>
    `There is no ${what} of ${key}. GET /api/v1/instruments lists what is known.`;

  return {
    quote: createProjection<QuoteView>({
      ...{ ...common, name: "quotes", missing: missing("quote"), sizeOf: bytesOf },
      sources: [source(TOPICS.quotes, "quote", (_, quote, event) => quoteView(event, quote))],
    }),
    trades: createProjection<Recent<TradeView>>({
      ...{ ...common, name: "trades", missing: missing("trade"), sizeOf: ({ bytes }) => bytes },
      sources: [
        source(TOPICS.trades, "trade", (trades = { items: [], bytes: 0 }, trade, event) =>
          addRecent(trades, tradeView(event, trade), maxTrades),
        ),
      ],
    }),
    book: createProjection<Book>({
      ...{ ...common, name: "books", missing: missing("book"), sizeOf: bytesOfBook, codec: bookCodec(maxBookLevels) },
      sources: [
        source(TOPICS.books, "book", (book = createBook(maxBookLevels), change) => {
          book.apply(change);
          return book;
        }),
      ],
    }),
    bars: createProjection<BarsByInterval>({
      ...{ ...common, name: "bars", missing: missing("bar"), sizeOf: ({ bytes }) => bytes },
      sources: [
        source(TOPICS.bars, "bar", (state = { intervals: new Map(), bytes: 0 }, bar) => {
          const interval = parseBarInterval(bar.interval);
          const bars = state.intervals.get(interval) ?? { items: [], bytes: 0 };
          state.bytes -= bars.bytes;
          state.intervals.set(interval, addBar(bars, bar, maxBars));
          state.bytes += bars.bytes;
          return state;
        }),
      ],
    }),
  };
}

/** What is known of which instruments, by key: at most `limit` of those after `after`. */
export function listInstruments(models: ReadModels, limit: number, after?: string): Answer<InstrumentsPage> {
  // The next text after any is the one with the lowest character more.
  const from = after === undefined ? undefined : `${after}\0`;
  const all = Object.entries(models) as readonly [string, Projection<unknown>][];
  const pages = all.map(([, model]) => model.list(byInstrument, { order: "ascending", from, limit }));
  const keys = new Set(pages.flatMap(({ value }) => value.entries.map(({ key }) => key)));
  const instruments = [...keys]
    .sort()
    .slice(0, limit)
    .map((key): InstrumentView => {
      const { venue, symbol } = parseInstrument(key);
      const has = all.flatMap(([name, model]) => (model.find(key) ? [name] : []));
      return { instrument: key, venue, symbol, has };
    });
  const more = keys.size > limit || pages.some(({ value }) => value.next !== undefined);
  return mergeAnswers(pages, { instruments, next: more ? instruments.at(-1)?.instrument : undefined });
}

type Payload = NonNullable<NormalizedMarketDataEvent["payload"]>;
type PayloadOf<Kind extends Payload["$case"]> = Extract<Payload, { readonly $case: Kind }>["value"];

/** A topic whose events carry one kind of payload and are about the instrument of their key; others are refused. */
function source<State, Kind extends Payload["$case"]>(
  topic: string,
  kind: Kind,
  apply: (state: State | undefined, value: PayloadOf<Kind>, event: NormalizedMarketDataEvent) => State,
): Source<State> {
  return from(topic, NormalizedMarketDataEvent, {
    key: instrumentOf,
    apply(state: State | undefined, { payload: event }, instrument) {
      const { payload } = event;
      if (payload?.$case !== kind) throw new DistributionError("invalid_event", `The payload is no ${kind}.`);
      // A known instrument was checked when it came first.
      if (state === undefined) parseInstrument(instrument, "data.instrument");
      return apply(state, payload.value as PayloadOf<Kind>, event);
    },
  });
}

function instrumentOf({
  envelope: { key },
  payload: { instrument, payload },
}: ProjectedEvent<NormalizedMarketDataEvent>) {
  const ofBar = payload?.$case === "bar" && key === `${instrument}@${payload.value.interval}`;
  if (key === instrument || ofBar) return instrument;
  throw fieldError("invalid_event", "data.instrument", "must be the instrument of the event's key.");
}
