/**
 * What this service answers of the market right now: projections of its own log. They consume the topics' events in log
 * order and can be rebuilt from it at any time; they hold nothing that is not in the log, and all of it is bounded.
 */
import { fieldError } from "@distribution/core/errors";
import type { PlacedEvent } from "@distribution/core/tail";
import { type BarInterval, parseBarInterval } from "./bar-intervals.ts";
import { type Book, type BookDepth, createBook, MAX_BOOK_LEVELS } from "./books.ts";
import { parseInstrument } from "./instruments.ts";
import { createProjection, type Projection, type ProjectionStats } from "./read-models/projection.ts";
import { createRecent, createRecentBars, type Recent, type RecentBars } from "./read-models/recent.ts";
import {
  type Answer,
  type BarView,
  barView,
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
  /** Trades kept by instrument. Default 1,000. */
  readonly maxTrades?: number;
  /** Levels kept by side of a book. Default 10,000. */
  readonly maxBookLevels?: number;
  /** Bars kept by instrument and interval. Default 1,000. */
  readonly maxBars?: number;
}

export interface InstrumentsPage {
  readonly instruments: readonly InstrumentView[];
  /** Give as `after` to read on. Absent: there are no more. */
  readonly next?: string;
}

/** The newest state, each answer with the positions it is true at. `not_found` when nothing is known of the instrument. */
export interface ReadModels {
  /** Events of one topic: in log order by partition, each once. Topics that no model reads are let pass. */
  apply(topic: string, events: readonly PlacedEvent[]): void;
  /** By key; at most `limit` of those after `after`. */
  instruments(limit: number, after?: string): Answer<InstrumentsPage>;
  quote(instrument: string): Answer<QuoteView>;
  /** Newest first. */
  trades(instrument: string, limit: number): Answer<readonly TradeView[]>;
  book(instrument: string, levels: number): Answer<BookDepth>;
  /** Newest first; each with its highest revision. */
  bars(instrument: string, interval: BarInterval, limit: number): Answer<readonly BarView[]>;
  /** Forgets everything; feed the topics from their earliest event to rebuild. */
  reset(): void;
  readonly stats: Readonly<Record<"quotes" | "trades" | "books" | "bars", ProjectionStats>>;
}

const DEFAULTS = { maxInstruments: 10_000, maxTrades: 1000, maxBookLevels: MAX_BOOK_LEVELS, maxBars: 1000 } as const;

type Limits = { readonly [name in keyof typeof DEFAULTS]: number };

/** Throws `invalid_request` for a bound below 1. */
export function createReadModels(options: ReadModelOptions = {}): ReadModels {
  const limits: Limits = { ...DEFAULTS, ...options };
  for (const [name, limit] of Object.entries(limits)) {
    if (!Number.isInteger(limit) || limit < 1) {
      throw fieldError("invalid_request", name, `must be a whole number of 1 or more; it is ${limit}.`);
    }
  }
  const models = createModels(limits);
  const byTopic = new Map<string, Pick<Projection<unknown>, "apply">>([
    [TOPICS.quotes, models.quotes],
    [TOPICS.trades, models.trades],
    [TOPICS.books, models.books],
    [TOPICS.bars, models.bars],
  ]);

  return {
    apply: (topic, events) => byTopic.get(topic)?.apply(events),
    instruments: (limit, after) => page(models, limit, after),
    quote: (instrument) => models.quotes.answer(instrument, ({ quote }) => quote),
    trades: (instrument, limit) => models.trades.answer(instrument, (trades) => trades.newest(limit)),
    book: (instrument, levels) => models.books.answer(instrument, (book) => book.depth(levels)),
    bars: (instrument, interval, limit) =>
      models.bars.answer(instrument, (bars) => bars.get(interval)?.newest(limit).map(barView) ?? []),
    reset() {
      for (const model of Object.values(models)) model.reset();
    },
    get stats() {
      const { quotes, trades, books, bars } = models;
      return { quotes: quotes.stats, trades: trades.stats, books: books.stats, bars: bars.stats };
    },
  };
}

interface Models {
  readonly quotes: Projection<{ quote: QuoteView }>;
  readonly trades: Projection<Recent<TradeView>>;
  readonly books: Projection<Book>;
  readonly bars: Projection<Map<string, RecentBars>>;
}

function createModels({ maxInstruments, maxTrades, maxBookLevels, maxBars }: Limits): Models {
  return {
    quotes: createProjection({
      name: "quote",
      payload: "quote",
      maxInstruments,
      create: () => ({ quote: { exchangeTime: "0", receivedTime: "0" } }),
      take(state, event) {
        if (event.payload?.$case === "quote") state.quote = quoteView(event, event.payload.value);
      },
    }),
    trades: createProjection({
      name: "trade",
      payload: "trade",
      maxInstruments,
      create: () => createRecent(maxTrades),
      take(trades, event) {
        if (event.payload?.$case === "trade") trades.add(tradeView(event, event.payload.value));
      },
    }),
    books: createProjection({
      name: "book",
      payload: "book",
      maxInstruments,
      create: () => createBook(maxBookLevels),
      take(book, event) {
        if (event.payload?.$case === "book") book.apply(event.payload.value);
      },
    }),
    bars: createProjection({
      name: "bar",
      payload: "bar",
      maxInstruments,
      create: () => new Map<string, RecentBars>(),
      take(bars, event) {
        if (event.payload?.$case !== "bar") return;
        const { interval } = event.payload.value;
        parseBarInterval(interval);
        const recent = bars.get(interval) ?? createRecentBars(maxBars);
        recent.add(event.payload.value);
        bars.set(interval, recent);
      },
    }),
  };
}

function page({ quotes, trades, books, bars }: Models, limit: number, after = ""): Answer<InstrumentsPage> {
  const models = { quote: quotes, trades, book: books, bars };
  const keys = new Set(Object.values(models).flatMap((model) => [...model.instruments()]));
  const following = [...keys].filter((key) => key > after).sort();
  const instruments = following.slice(0, limit).map((key): InstrumentView => {
    const { venue, symbol } = parseInstrument(key);
    const has = Object.entries(models).flatMap(([name, model]) => (model.has(key) ? [name] : []));
    return { instrument: key, venue, symbol, has };
  });
  const next = following.length > limit ? instruments.at(-1)?.instrument : undefined;
  const positions = Object.values(models).flatMap((model) => model.positions());
  return { positions, value: { instruments, ...(next === undefined ? {} : { next }) } };
}
