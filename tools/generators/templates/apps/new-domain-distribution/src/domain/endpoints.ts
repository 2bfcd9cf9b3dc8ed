/** The read models over HTTP, as operations of the core's REST face, which also documents them. */
import { mapAnswer, mapPage } from "@distribution/core/projections";
import {
  arrayOf,
  type JsonSchema,
  type OpenApiFragment,
  objectOf,
  openApiFragment,
  schemaRef,
} from "@distribution/core/transport/documents";
import {
  API_PREFIX,
  createOperationRouter,
  defineRead,
  type Operation,
  pageAnswers,
  pageParameters,
  pathParameter,
  text,
} from "@distribution/core/transport/rest";
import type { Router } from "express";
import { BY_CHANGE, type Instrument, type ReadModels } from "./read-models.ts";
import { TOPICS } from "./topics.ts";

const TAG = "new-domain";
const EXACT = "Amounts are exact decimals as text; times are Unix nanoseconds as text.";

/** To be mounted under `/api/v1`, behind the core's identification: each endpoint asks the right to read its topic. */
export function createNewDomainRouter(models: ReadModels): Router {
  return createOperationRouter(operationsOf(models));
}

/** The endpoints' part of openapi.json. */
export function newDomainOpenApi(models: ReadModels): OpenApiFragment {
  return openApiFragment(API_PREFIX, operationsOf(models), {
    tags: [{ name: TAG, description: "What is known of each instrument, from this service's read models." }],
    schemas: { Instrument: instrumentSchema },
  });
}

/** As JSON: 64-bit numbers are text. */
export interface InstrumentView {
  readonly instrument: string;
  readonly amount: string;
  readonly total: string;
  readonly events: number;
  readonly eventTime: string;
}

const viewOf = ({ eventTime, ...instrument }: Instrument): InstrumentView => ({
  ...instrument,
  eventTime: String(eventTime),
});

const decimal = (description: string): JsonSchema => ({
  type: "string",
  pattern: "^-?(0|[1-9][0-9]*)(\\.[0-9]*[1-9])?$",
  description: `${description} Quote currency.`,
});

const instrumentSchema = objectOf({
  instrument: { type: "string", description: "venue:symbol." },
  amount: decimal("Of the newest event."),
  total: decimal("Of all events: exact."),
  events: { type: "integer", minimum: 1, description: "How many there were." },
  eventTime: { type: "string", pattern: "^-?[0-9]+$", description: "Of the newest event. Unix nanoseconds." },
});

function operationsOf({ instruments }: ReadModels): readonly Operation[] {
  const action = () => ({ kind: "read", topic: TOPICS.events }) as const;
  const listInstruments = defineRead({
    id: "listInstruments",
    path: "/instruments",
    tag: TAG,
    summary: "List instruments",
    description: `Those that changed last come first. ${EXACT}`,
    parameters: pageParameters({ default: 100 }, "Instruments in one answer."),
    answers: pageAnswers("Instruments.", { instruments: arrayOf(schemaRef("Instrument")) }),
    errors: [],
    action,
    read({ values: { limit, cursor } }) {
      return mapPage(instruments.list(BY_CHANGE, { limit, cursor }), "instruments", ({ state }) => viewOf(state));
    },
  });
  const readInstrument = defineRead({
    id: "readInstrument",
    path: "/instruments/{instrument}",
    tag: TAG,
    summary: "Read an instrument",
    description: EXACT,
    parameters: {
      instrument: pathParameter(text({ maxBytes: 256 }), { description: "venue:symbol.", example: "coinbase:BTC-USD" }),
    },
    answers: { description: "The instrument.", properties: { instrument: schemaRef("Instrument") } },
    errors: ["not_found"],
    action,
    read({ values: { instrument } }) {
      return mapAnswer(instruments.read(instrument), (state) => ({ instrument: viewOf(state) }));
    },
  });
  return [listInstruments, readInstrument];
}
