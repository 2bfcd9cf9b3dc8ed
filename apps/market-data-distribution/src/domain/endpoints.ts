/** `GET /instruments...`: the read models over HTTP, as operations of the core's REST face, which also documents them. */
import type { Position } from "@distribution/core/brokers";
import {
  arrayOf,
  jsonContent,
  type OpenApiFragment,
  objectOf,
  openApiFragment,
  schemaRef,
} from "@distribution/core/transport/documents";
import {
  API_PREFIX,
  createOperationRouter,
  defaultedQuery,
  defineOperation,
  integer,
  type Operation,
  oneOf,
  optionalQuery,
  type ParameterKind,
  pathParameter,
} from "@distribution/core/transport/rest";
import type { Response, Router } from "express";
import { BAR_INTERVAL_NAMES } from "./bar-intervals.ts";
import { MAX_BOOK_LEVELS } from "./books.ts";
import { MARKET_DATA_SCHEMAS } from "./endpoint-schemas.ts";
import { parseInstrument } from "./instruments.ts";
import type { ReadModels } from "./read-models.ts";
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

/** Every answer names the positions that it is true at. */
function answerOf(description: string, properties: Parameters<typeof objectOf>[0], optional: readonly string[] = []) {
  const positions = arrayOf(
    schemaRef("Position"),
    "The answer is true at these: subscribe after them, and nothing is missing or twice.",
  );
  return { 200: { description, content: jsonContent(objectOf({ positions, ...properties }, optional)) } };
}

const namedSchema = { type: "string", description: "venue:symbol." };

/** The market moves on: an answer is not to be kept. */
function send(response: Response, positions: readonly Position[], body: object): void {
  response.setHeader("Cache-Control", "no-store");
  response.json({ positions, ...body });
}

function instruments(models: ReadModels): Operation {
  return defineOperation({
    id: "listInstruments",
    method: "get",
    path: "/instruments",
    tag: TAG,
    summary: "List the instruments that are known",
    description: "By key. To read on, give the answer's `next` as `after`.",
    parameters: {
      limit: countParameter(PAGE_LIMITS.instruments, "Instruments in one answer."),
      after: optionalQuery(instrumentKey, { description: "Start after this instrument." }),
    },
    responses: answerOf(
      "Instruments, by key.",
      { instruments: arrayOf(schemaRef("Instrument")), next: { type: "string", description: "Absent: no more." } },
      ["next"],
    ),
    errors: [],
    handle({ response, context, values }) {
      for (const topic of [TOPICS.quotes, TOPICS.trades, TOPICS.books, TOPICS.bars]) {
        context.authorize({ kind: "read", topic });
      }
      const { positions, value } = models.instruments(values.limit, values.after);
      send(response, positions, value);
    },
  });
}

function quote(models: ReadModels): Operation {
  return defineOperation({
    id: "readQuote",
    method: "get",
    path: "/instruments/{instrument}/quote",
    tag: TAG,
    summary: "Read the newest quote",
    description: EXACT,
    parameters: { instrument: instrumentParameter },
    responses: answerOf("Best bid and offer.", { instrument: namedSchema, quote: schemaRef("Quote") }),
    errors: ["not_found"],
    action: () => ({ kind: "read", topic: TOPICS.quotes }),
    handle({ response, values: { instrument } }) {
      const { positions, value } = models.quote(instrument);
      send(response, positions, { instrument, quote: value });
    },
  });
}

function trades(models: ReadModels): Operation {
  return defineOperation({
    id: "readTrades",
    method: "get",
    path: "/instruments/{instrument}/trades",
    tag: TAG,
    summary: "Read the last trades",
    description: `Newest first. ${EXACT}`,
    parameters: { instrument: instrumentParameter, limit: countParameter(PAGE_LIMITS.trades, "Trades in the answer.") },
    responses: answerOf("Trades, newest first.", { instrument: namedSchema, trades: arrayOf(schemaRef("Trade")) }),
    errors: ["not_found"],
    action: () => ({ kind: "read", topic: TOPICS.trades }),
    handle({ response, values: { instrument, limit } }) {
      const { positions, value } = models.trades(instrument, limit);
      send(response, positions, { instrument, trades: value });
    },
  });
}

function book(models: ReadModels): Operation {
  return defineOperation({
    id: "readBook",
    method: "get",
    path: "/instruments/{instrument}/book",
    tag: TAG,
    summary: "Read the order book",
    description: `Best levels first. ${EXACT}`,
    parameters: { instrument: instrumentParameter, depth: countParameter(PAGE_LIMITS.depth, "Levels of each side.") },
    responses: answerOf("Both sides to that depth.", { instrument: namedSchema, book: schemaRef("Book") }),
    errors: ["not_found"],
    action: () => ({ kind: "read", topic: TOPICS.books }),
    handle({ response, values: { instrument, depth } }) {
      const { positions, value } = models.book(instrument, depth);
      send(response, positions, { instrument, book: value });
    },
  });
}

function bars(models: ReadModels): Operation {
  return defineOperation({
    id: "readBars",
    method: "get",
    path: "/instruments/{instrument}/bars",
    tag: TAG,
    summary: "Read the last finished bars",
    description: `Newest first, each with its highest revision. ${EXACT}`,
    parameters: {
      instrument: instrumentParameter,
      interval: defaultedQuery(oneOf(BAR_INTERVAL_NAMES), "1m", { description: "Length of the bars." }),
      limit: countParameter(PAGE_LIMITS.bars, "Bars in the answer."),
    },
    responses: answerOf("Bars, newest first.", {
      instrument: namedSchema,
      interval: { type: "string", enum: BAR_INTERVAL_NAMES },
      bars: arrayOf(schemaRef("Bar")),
    }),
    errors: ["not_found"],
    action: () => ({ kind: "read", topic: TOPICS.bars }),
    handle({ response, values: { instrument, interval, limit } }) {
      const { positions, value } = models.bars(instrument, interval, limit);
      send(response, positions, { instrument, interval, bars: value });
    },
  });
}
