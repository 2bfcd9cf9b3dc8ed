/** `GET /intelligence...` and `GET /symbols`: the read models over HTTP, as operations of the core's REST face, which also documents them. */
import { fieldError } from "@distribution/core/errors";
import { type Answer, mapAnswer, mapPage, mergeAnswers } from "@distribution/core/projections";
import type { Runtime } from "@distribution/core/runtime";
import { arrayOf, type OpenApiFragment, openApiFragment, schemaRef } from "@distribution/core/transport/documents";
import {
  API_PREFIX,
  createOperationRouter,
  defaultedQuery,
  defineRead,
  instant,
  type Operation,
  oneOf,
  optionalQuery,
  pageAnswers,
  pageParameters,
  pathParameter,
  type RequestContext,
} from "@distribution/core/transport/rest";
import type { Router } from "express";
import { INTELLIGENCE_SCHEMAS } from "./endpoint-schemas.ts";
import type { Finding } from "./findings.ts";
import { countExpired, isExpired, latestOf, type NewestFindings } from "./newest-findings.ts";
import { fits, idKind, WANTED } from "./parameters.ts";
import { byName, bySymbol, byTime, listOf, type ReadModels } from "./read-models.ts";
import { FINDING_TYPES, type FindingType, TOPICS } from "./topics.ts";
import { findingView, symbolView } from "./views.ts";

export interface EndpointParts {
  readonly models: ReadModels;
  /** Whether a finding may still be used is asked of it with every request. */
  readonly clock: Runtime["clock"];
}

/** To be mounted under `/api/v1`, behind the core's identification: each endpoint asks the right to read what it answers from. */
export function createIntelligenceRouter(parts: EndpointParts): Router {
  return createOperationRouter(operationsOf(parts));
}

/** What the service's OpenAPI document says about these endpoints. */
export function intelligenceOpenApi(parts: EndpointParts): OpenApiFragment {
  return openApiFragment(API_PREFIX, operationsOf(parts), {
    tags: [{ name: TAG, description: "What was found out, from this service's read models." }],
    schemas: INTELLIGENCE_SCHEMAS,
  });
}

const TAG = "intelligence";
const PAGE = { default: 100 } as const;
const TIMES = "Times are Unix nanoseconds and decimals are exact, both as text.";

function operationsOf(parts: EndpointParts): readonly Operation[] {
  // In this order: `latest` is no id.
  return [latest(parts), list(parts), one(parts), symbols(parts)];
}

/** Of a kind its topic, otherwise all of them. */
function authorize(context: RequestContext, type?: FindingType): void {
  for (const each of type === undefined ? FINDING_TYPES : [type]) {
    context.authorize({ kind: "read", topic: TOPICS[each] });
  }
}

function latest({ models, clock }: EndpointParts): Operation {
  return defineRead({
    id: "listLatestIntelligence",
    path: "/intelligence/latest",
    tag: TAG,
    summary: "List the latest intelligence",
    description: `Of every symbol and kind the finding that was found out last, of those that fit and have not expired: by symbol, then kind. Of each the last 20 are looked at. ${TIMES}`,
    parameters: {
      ...WANTED,
      include_expired: defaultedQuery(oneOf(["true", "false"]), "false", {
        description: "Whether findings may be answered whose validUntil has passed.",
      }),
      ...pageParameters(PAGE, "Findings in one answer."),
    },
    answers: pageAnswers("One finding a symbol and kind.", { findings: arrayOf(schemaRef("Finding")) }),
    errors: [],
    read({ context, values: { include_expired, limit, cursor, ...wanted } }) {
      authorize(context, wanted.type);
      const now = clock.wallNs();
      const usable = (finding: Finding): boolean =>
        fits(finding, wanted) && (include_expired === "true" || !isExpired(finding, now));
      const chosen = (newest: NewestFindings): Finding | undefined => latestOf(newest, usable);
      const page = models.newest.list(bySymbol, {
        ...{ group: wanted.symbol, order: "ascending", limit, cursor },
        where: ({ state }) => chosen(state) !== undefined,
      });
      const { entries, next } = page.value;
      // What expires changes the answer without an event.
      const expired = entries.reduce((count, { state }) => count + countExpired(state, now), 0);
      const findings = entries.flatMap(({ state }) => chosen(state) ?? []).map(findingView);
      return { ...page, tag: `${page.tag}-${expired}`, value: { findings, next } };
    },
  });
}

function list({ models }: EndpointParts): Operation {
  return defineRead({
    id: "listIntelligence",
    path: "/intelligence",
    tag: TAG,
    summary: "List intelligence by time",
    description: `By when it was found out, newest first; what has expired is there, too. A page looks at 10,000 findings at most: it may hold few or none and still have a next. Older ones than are kept: GET /topics/{topic}/events. ${TIMES}`,
    parameters: {
      ...WANTED,
      from: optionalQuery(instant(), { description: "Found out at or after this." }),
      to: optionalQuery(instant(), { description: "Found out before this." }),
      ...pageParameters(PAGE, "Findings in one answer."),
    },
    answers: pageAnswers("Findings, newest first.", { findings: arrayOf(schemaRef("Finding")) }),
    errors: [],
    read({ context, values: { from, to, limit, cursor, ...wanted } }) {
      if (from !== undefined && to !== undefined && from >= to) {
        throw fieldError("invalid_request", "query.to", `must be after query.from, ${from}; it is ${to}`);
      }
      authorize(context, wanted.type);
      const page = models.findings.list(byTime, {
        ...{ group: listOf(wanted), from, to, limit, cursor },
        where: ({ state }) => fits(state, wanted),
      });
      return mapPage(page, "findings", ({ state }) => findingView(state));
    },
  });
}

function one({ models }: EndpointParts): Operation {
  return defineRead({
    id: "readIntelligence",
    path: "/intelligence/{intelligence_id}",
    tag: TAG,
    summary: "Read one finding",
    description: `A synthesis comes with what it was concluded from, as far as that is kept. ${TIMES}`,
    parameters: { intelligence_id: pathParameter(idKind, { description: "Its intelligenceId.", example: "i-1042" }) },
    answers: {
      description: "The finding.",
      properties: { finding: schemaRef("Finding"), sources: schemaRef("Sources") },
      optional: ["sources"],
    },
    errors: ["not_found"],
    read({ context, values: { intelligence_id: id } }) {
      authorize(context);
      const answer = models.findings.read(id);
      const finding = findingView(answer.value);
      if (answer.value.details.type !== "synthesis") return mapAnswer(answer, () => ({ finding }));
      const { kept, missing } = sourcesOf(models, answer.value.details.intelligenceIds);
      const findings = kept.map(({ value }) => findingView(value));
      return mergeAnswers([answer, ...kept], { finding, sources: { findings, missing } });
    },
  });
}

/** Of the findings that a synthesis names: those that are kept, each once, and the ids of the others. */
function sourcesOf({ findings }: ReadModels, ids: readonly string[]) {
  const kept: Answer<Finding>[] = [];
  const missing: string[] = [];
  for (const id of new Set(ids)) {
    if (findings.find(id)) kept.push(findings.read(id));
    else missing.push(id);
  }
  return { kept, missing };
}

function symbols({ models }: EndpointParts): Operation {
  return defineRead({
    id: "listSymbols",
    path: "/symbols",
    tag: TAG,
    summary: "List the symbols that are known",
    description: "By name, with what was told of each.",
    parameters: pageParameters(PAGE, "Symbols in one answer."),
    answers: pageAnswers("Symbols, by name.", { symbols: arrayOf(schemaRef("Symbol")) }),
    errors: [],
    read({ context, values: { limit, cursor } }) {
      authorize(context);
      const page = models.symbols.list(byName, { order: "ascending", limit, cursor });
      return mapPage(page, "symbols", ({ key, state }) => symbolView(key, state));
    },
  });
}
