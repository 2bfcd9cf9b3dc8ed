/** `GET /instruments...`: the read models over HTTP, as operations of the core's REST face, which also documents them. */
import { mapAnswer } from "@distribution/core/projections";
import { arrayOf, type OpenApiFragment, openApiFragment, schemaRef } from "@distribution/core/transport/documents";
import {
  API_PREFIX,
  createOperationRouter,
  defaultedQuery,
  defineRead,
  integer,
  type Operation,
  oneOf,
  optionalQuery,
  type ParameterKind,
  pathParameter,
} from "@distribution/core/transport/rest";
import type { Router } from "express";
import { BAR_INTERVAL_NAMES } from "./bar-intervals.ts";
import { MAX_BOOK_LEVELS } from "./books.ts";
import { MARKET_DATA_SCHEMAS } from "./endpoint-schemas.ts";
import { parseInstrument } from "./instruments.ts";
import { newest } from "./read-models/recent.ts";
import { barView } from "./read-models/views.ts";
import { listInstruments, type ReadModels } from "./read-models.ts";
import { TOPICS } from "./topics.ts";

/** Bounds of what one answer holds, and what it holds when the request does not say. */
export const PAGE_LIMITS = {
  instruments: { default: 100, max: 1000 },
  trades: { default: 100, max: 1000 },
  depth: { default: 10, max: MAX_BOOK_LEVELS },
  bars: { default: 100, max: 1000 },
} as const;

/** To be mounted under `/api/v1`, behind the core's identification: each endpoint asks the right to read its topic. */
export function createMarketDataRouter(models: ReadModels): Router {
  return createOperationRouter(operationsOf(models));
}

/** The endpoints' part of openapi.json. */
export function marketDataOpenApi(models: ReadModels): OpenApiFragment {
  return openApiFragment(API_PREFIX, operationsOf(models), {
    tags: [{ name: TAG, description: "The market right now, from this service's read models." }],
    schemas: MARKET_DATA_SCHEMAS,
  });
}

const TAG = "market data";
const EXACT = "Prices and sizes are exact decimals as text; times are Unix nanoseconds as text.";

function operationsOf(models: ReadModels): readonly Operation[] {
  return [instruments(models), quote(models), trades(models), book(models), bars(models)];
}

const instrumentKey: ParameterKind<string> = {
  schema: { type: "string", pattern: "^[a-z0-9][a-z0-9-]*:[A-Za-z0-9.][A-Za-z0-9._/-]*$" },
  parse: (text, path) => parseInstrument(text, path).key,
};

const instrumentParameter = pathParameter(instrumentKey, {
  description: "venue:symbol. A / in the symbol is written %2F.",
  example: "coinbase:YFI-BTC",
});

function countParameter(bounds: { readonly default: number; readonly max: number }, description: string) {
  return defaultedQuery(integer({ min: 1, max: bounds.max }), bounds.default, { description });
}

const namedSchema = { type: "string", description: "venue:symbol." };

function instruments(models: ReadModels): Operation {
  return defineRead({
    id: "listInstruments",
    path: "/instruments",
    tag: TAG,
    summary: "List the instruments that are known",
    description: "By key. To read on, give the answer's `next` as `after`.",
    parameters: {
      limit: countParameter(PAGE_LIMITS.instruments, "Instruments in one answer."),
      after: optionalQuery(instrumentKey, { description: "Start after this instrument." }),
    },
    answers: {
      description: "Instruments, by key.",
      properties: {
        instruments: arrayOf(schemaRef("Instrument")),
        next: { type: "string", description: "Absent: no more." },
      },
      optional: ["next"],
    },
    errors: [],
    read({ context, values }) {
      for (const topic of [TOPICS.quotes, TOPICS.trades, TOPICS.books, TOPICS.bars]) {
        context.authorize({ kind: "read", topic });
      }
      return listInstruments(models, values.limit, values.after);
    },
  });
}

function quote(models: ReadModels): Operation {
  return defineRead({
    id: "readQuote",
    path: "/instruments/{instrument}/quote",
    tag: TAG,
    summary: "Read the newest quote",
    description: EXACT,
    parameters: { instrument: instrumentParameter },
    answers: {
      description: "Best bid and offer.",
      properties: { instrument: namedSchema, quote: schemaRef("Quote") },
    },
    errors: ["not_found"],
    action: () => ({ kind: "read", topic: TOPICS.quotes }),
    read: ({ values: { instrument } }) =>
      mapAnswer(models.quote.read(instrument), (newestQuote) => ({ instrument, quote: newestQuote })),
  });
}

function trades(models: ReadModels): Operation {
  return defineRead({
    id: "readTrades",
    path: "/instruments/{instrument}/trades",
    tag: TAG,
    summary: "Read the last trades",
    description: `Newest first. ${EXACT}`,
    parameters: { instrument: instrumentParameter, limit: countParameter(PAGE_LIMITS.trades, "Trades in the answer.") },
    answers: {
      description: "Trades, newest first.",
      properties: { instrument: namedSchema, trades: arrayOf(schemaRef("Trade")) },
    },
    errors: ["not_found"],
    action: () => ({ kind: "read", topic: TOPICS.trades }),
    read: ({ values: { instrument, limit } }) =>
      mapAnswer(models.trades.read(instrument), (recent) => ({ instrument, trades: newest(recent, limit) })),
  });
}

function book(models: ReadModels): Operation {
  return defineRead({
    id: "readBook",
    path: "/instruments/{instrument}/book",
    tag: TAG,
    summary: "Read the order book",
    description: `Best levels first. ${EXACT}`,
    parameters: { instrument: instrumentParameter, depth: countParameter(PAGE_LIMITS.depth, "Levels of each side.") },
    answers: {
      description: "Both sides to that depth.",
      properties: { instrument: namedSchema, book: schemaRef("Book") },
    },
    errors: ["not_found"],
    action: () => ({ kind: "read", topic: TOPICS.books }),
    read: ({ values: { instrument, depth } }) =>
      mapAnswer(models.book.read(instrument), (levels) => ({ instrument, book: levels.depth(depth) })),
  });
}

function bars(models: ReadModels): Operation {
  return defineRead({
    id: "readBars",
    path: "/instruments/{instrument}/bars",
    tag: TAG,
    summary: "Read the last finished bars",
    description: `Newest first, each with its highest revision. ${EXACT}`,
    parameters: {
      instrument: instrumentParameter,
      interval: defaultedQuery(oneOf(BAR_INTERVAL_NAMES), "1m", { description: "Length of the bars." }),
      limit: countParameter(PAGE_LIMITS.bars, "Bars in the answer."),
    },
    answers: {
      description: "Bars, newest first.",
      properties: {
        instrument: namedSchema,
        interval: { type: "string", enum: BAR_INTERVAL_NAMES },
        bars: arrayOf(schemaRef("Bar")),
      },
    },
    errors: ["not_found"],
    action: () => ({ kind: "read", topic: TOPICS.bars }),
    read: ({ values: { instrument, interval, limit } }) =>
      mapAnswer(models.bars.read(instrument), ({ intervals }) => {
        const recent = intervals.get(interval);
        return { instrument, interval, bars: recent ? newest(recent, limit).map(barView) : [] };
      }),
  });
}
