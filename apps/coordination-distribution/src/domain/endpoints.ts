/** The read models over HTTP, as operations of the core's REST face, which also documents them. */
import { mapAnswer, mapPage } from "@distribution/core/projections";
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
import { readDecision, readStatus } from "./answers.ts";
import { CONFLICT_STATES } from "./conflict.ts";
import { DECISION_STATES } from "./decision.ts";
import { COORDINATION_SCHEMAS } from "./endpoint-schemas.ts";
import { id, instrument } from "./ids.ts";
import { DECISION_SORTS, fraction, listConflicts, listDecisions, listViolations } from "./listings.ts";
import { SEVERITIES } from "./names.ts";
import type { ReadModels } from "./read-models.ts";
import { TOPICS } from "./topics.ts";
import { conflictView, decisionView, violationView } from "./views.ts";

/** Entries of one page. */
export const PAGE_LIMITS = { default: 100, max: 1000 } as const;

/** To be mounted under `/api/v1`, behind the core's identification: each endpoint asks the right to read its topics. */
export function createCoordinationRouter(models: ReadModels): Router {
  return createOperationRouter(operationsOf(models));
}

/** The endpoints' part of openapi.json. */
export function coordinationOpenApi(models: ReadModels): OpenApiFragment {
  return openApiFragment(API_PREFIX, operationsOf(models), {
    tags: [{ name: TAG, description: "Decisions, policies and conflicts, from this service's read models." }],
    schemas: COORDINATION_SCHEMAS,
  });
}

const TAG = "coordination";
const EXACT = "Decimals are exact, as text; times are Unix nanoseconds as text.";
const PAGES =
  "A page looks at 10,000 entries at most: it may hold few or none and still have a `next`. Read on until there is none.";

function operationsOf(models: ReadModels): readonly Operation[] {
  return [decisions(models), decision(models), conflicts(models), conflict(models), violations(models), status(models)];
}

const order = defaultedQuery(oneOf(["descending", "ascending"]), "descending", {
  description: "Descending: newest or most urgent first.",
});

const decisionIdParameter = optionalQuery(id, { description: "Only of this decision." });

function authorizeAll(context: RequestContext): void {
  for (const topic of [TOPICS.decisions, TOPICS.policies, TOPICS.conflicts]) context.authorize({ kind: "read", topic });
}

function decisions(models: ReadModels): Operation {
  return defineRead({
    id: "listDecisions",
    path: "/decisions",
    tag: TAG,
    summary: "List decisions",
    description: `${EXACT} ${PAGES} \`from\` and \`to\` are about the time of coordination.`,
    parameters: {
      state: optionalQuery(oneOf(DECISION_STATES), { description: "Only those in this state." }),
      strategy: optionalQuery(id, { description: "Only of this strategy." }),
      portfolio_id: optionalQuery(id, { description: "Only for this portfolio." }),
      instrument: optionalQuery(instrument, { description: "Only in this one, venue:symbol." }),
      from: optionalQuery(instant(), { description: "Only those coordinated then or later." }),
      to: optionalQuery(instant(), { description: "Only those coordinated before." }),
      min_confidence: optionalQuery(fraction, { description: "Only those of at least this confidence, 0 to 1." }),
      sort: defaultedQuery(oneOf(DECISION_SORTS), "changed", {
        description: "By last change, time of coordination, or urgency and then time of coordination.",
      }),
      order,
      ...pageParameters(PAGE_LIMITS, "Decisions in one answer."),
    },
    answers: pageAnswers("Decisions, in the order asked for.", { decisions: arrayOf(schemaRef("Decision")) }),
    errors: [],
    action: () => ({ kind: "read", topic: TOPICS.decisions }),
    read: ({ values }) => mapPage(listDecisions(models, values), "decisions", decisionView),
  });
}

function decision(models: ReadModels): Operation {
  return defineRead({
    id: "readDecision",
    path: "/decisions/{decision_id}",
    tag: TAG,
    summary: "Read a decision with all that happened to it",
    description: `Its history, what policies said of it, and the conflicts that touched it. ${EXACT}`,
    parameters: { decision_id: pathParameter(id, { description: "The decision.", example: "d-1" }) },
    answers: {
      description: "The decision, its history from the beginning, its policies and conflicts.",
      properties: {
        decision: schemaRef("Decision"),
        history: arrayOf(schemaRef("DecisionStep"), "Oldest first."),
        policies: schemaRef("DecisionPolicies"),
        conflicts: arrayOf(schemaRef("Conflict"), "Last changed first; at most 100."),
        conflictCount: { type: "integer", minimum: 0, description: "Of all that are kept." },
      },
    },
    errors: ["not_found"],
    read({ context, values }) {
      authorizeAll(context);
      return readDecision(models, values.decision_id);
    },
  });
}

function conflicts(models: ReadModels): Operation {
  return defineRead({
    id: "listConflicts",
    path: "/conflicts",
    tag: TAG,
    summary: "List conflicts",
    description: `By last change. ${PAGES}`,
    parameters: {
      state: optionalQuery(oneOf(CONFLICT_STATES), { description: "Only open or only resolved ones." }),
      decision_id: decisionIdParameter,
      order,
      ...pageParameters(PAGE_LIMITS, "Conflicts in one answer."),
    },
    answers: pageAnswers("Conflicts, by last change.", { conflicts: arrayOf(schemaRef("Conflict")) }),
    errors: [],
    action: () => ({ kind: "read", topic: TOPICS.conflicts }),
    read: ({ values }) => mapPage(listConflicts(models, values), "conflicts", conflictView),
  });
}

function conflict(models: ReadModels): Operation {
  return defineRead({
    id: "readConflict",
    path: "/conflicts/{conflict_id}",
    tag: TAG,
    summary: "Read a conflict",
    description: "Which decisions are in it, and how it was settled.",
    parameters: { conflict_id: pathParameter(id, { description: "The conflict.", example: "c-7" }) },
    answers: { description: "The conflict.", properties: { conflict: schemaRef("Conflict") } },
    errors: ["not_found"],
    action: () => ({ kind: "read", topic: TOPICS.conflicts }),
    read: ({ values: { conflict_id } }) =>
      mapAnswer(models.conflicts.read(conflict_id), () => ({
        conflict: conflictView(models.conflicts.find(conflict_id)!),
      })),
  });
}

function violations(models: ReadModels): Operation {
  return defineRead({
    id: "listViolations",
    path: "/policies/violations",
    tag: TAG,
    summary: "List violations of policies",
    description: `By the time they became durable, which \`from\` and \`to\` are about. ${EXACT} ${PAGES}`,
    parameters: {
      policy_id: optionalQuery(id, { description: "Only of this policy." }),
      severity: optionalQuery(oneOf(Object.values(SEVERITIES)), { description: "Only of this severity." }),
      decision_id: decisionIdParameter,
      from: optionalQuery(instant(), { description: "Only from then on." }),
      to: optionalQuery(instant(), { description: "Only before." }),
      order,
      ...pageParameters(PAGE_LIMITS, "Violations in one answer."),
    },
    answers: pageAnswers("Violations, one an event.", { violations: arrayOf(schemaRef("Violation")) }),
    errors: [],
    action: () => ({ kind: "read", topic: TOPICS.policies }),
    read: ({ values }) => mapPage(listViolations(models, values), "violations", violationView),
  });
}

function status(models: ReadModels): Operation {
  return defineRead({
    id: "readCoordinationStatus",
    path: "/coordination/status",
    tag: TAG,
    summary: "Read how coordination stands",
    description: "Counts are of what is kept: the README says how much that is.",
    parameters: {},
    answers: {
      description: "Decisions by state and strategy, those that wait, conflicts, and violations by policy.",
      properties: {
        decisions: schemaRef("DecisionCounts"),
        strategies: arrayOf(schemaRef("StrategyCounts"), "By name; of the 1,000 that changed last."),
        waiting: schemaRef("Waiting"),
        conflicts: schemaRef("ConflictCounts"),
        violations: arrayOf(schemaRef("ViolationCounts"), "By policy; of the 1,000 that were asked last."),
      },
    },
    errors: [],
    read({ context }) {
      authorizeAll(context);
      return readStatus(models);
    },
  });
}
