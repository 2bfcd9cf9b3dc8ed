/** The read models over HTTP, as operations of the core's REST face, which also documents them. */
import { type Entry, mapAnswer, mapPage } from "@distribution/core/projections";
import { arrayOf, type OpenApiFragment, openApiFragment, schemaRef } from "@distribution/core/transport/documents";
import {
  API_PREFIX,
  createOperationRouter,
  defineRead,
  type Operation,
  oneOf,
  optionalQuery,
  pageAnswers,
  pageParameters,
} from "@distribution/core/transport/rest";
import type { Router } from "express";
import { dayOf } from "./days.ts";
import { EXECUTION_SCHEMAS } from "./endpoint-schemas.ts";
import { executionsOperation, orderOperation, ordersOperation } from "./order-endpoints.ts";
import { dayQuery, directionQuery, idQuery, instrumentQuery } from "./parameters.ts";
import {
  ALERTS_BY_CHANGE,
  ALL,
  CONFIRMATIONS_BY_CHANGE,
  FILLS_BY_TIME,
  fillsOf,
  type ReadModels,
} from "./read-models.ts";
import { TOPICS } from "./topics.ts";
import { EXACT, PAGE, TAG } from "./wording.ts";
import { ALERT_KINDS, ALERT_SEVERITIES } from "./words.ts";

/** What the endpoints read. */
export interface EndpointParts {
  readonly models: ReadModels;
  /** Unix nanoseconds. */
  now(): bigint;
}

/** To be mounted under `/api/v1`, behind the core's identification: each endpoint asks the right to read its topic. */
export function createExecutionRouter(parts: EndpointParts): Router {
  return createOperationRouter(operationsOf(parts));
}

/** The endpoints' part of openapi.json. */
export function executionOpenApi(parts: EndpointParts): OpenApiFragment {
  return openApiFragment(API_PREFIX, operationsOf(parts), {
    tags: [{ name: TAG, description: "Orders and what became of them, from this service's read models." }],
    schemas: EXECUTION_SCHEMAS,
  });
}

function operationsOf({ models, now }: EndpointParts): readonly Operation[] {
  return [
    ordersOperation(models.orders),
    orderOperation(models.orders),
    executionsOperation(models.orders),
    fillsOperation(models, now),
    confirmationsOperation(models),
    alertsOperation(models),
  ];
}

const stateOf = <State>({ state }: Entry<State>): State => state;

function fillsOperation({ fills }: ReadModels, now: () => bigint): Operation {
  return defineRead({
    id: "listFills",
    path: "/fills",
    tag: TAG,
    summary: "List the fills of a day",
    description: `By the time at which they happened, of one day in UTC. ${EXACT}`,
    parameters: {
      date: dayQuery,
      instrument: instrumentQuery,
      portfolio_id: idQuery("Fills of this portfolio's orders."),
      direction: directionQuery,
      ...pageParameters(PAGE, "Fills in one answer."),
    },
    answers: pageAnswers("Fills by time.", {
      date: { type: "string", format: "date" },
      fills: arrayOf(schemaRef("Fill")),
    }),
    errors: [],
    action: () => ({ kind: "read", topic: TOPICS.orders }),
    read({ values: { instrument, portfolio_id, direction, limit, cursor, ...values } }) {
      const date = values.date ?? dayOf(now());
      const group = fillsOf(date, instrument, portfolio_id);
      const answer = mapPage(fills.list(FILLS_BY_TIME, { group, order: direction, limit, cursor }), "fills", stateOf);
      // The day is in the answer, and an empty one of today is not that of yesterday.
      return { ...mapAnswer(answer, (page) => ({ date, ...page })), tag: `${answer.tag}.${date}` };
    },
  });
}

function confirmationsOperation({ confirmations }: ReadModels): Operation {
  return defineRead({
    id: "listConfirmations",
    path: "/confirmations",
    tag: TAG,
    summary: "List confirmations of trades",
    description: `By the time at which this service took them. ${EXACT}`,
    parameters: {
      order_id: idQuery("Confirmations of this order's fills."),
      confirmation_id: idQuery("Confirmations with this id; it is unique in an order."),
      portfolio_id: idQuery("Confirmations of this portfolio's trades."),
      instrument: instrumentQuery,
      direction: directionQuery,
      ...pageParameters(PAGE, "Confirmations in one answer."),
    },
    answers: pageAnswers("Confirmations.", { confirmations: arrayOf(schemaRef("Confirmation")) }),
    errors: [],
    action: () => ({ kind: "read", topic: TOPICS.confirmations }),
    read({ values: { order_id, confirmation_id, portfolio_id, instrument, direction, limit, cursor } }) {
      const group =
        (confirmation_id && `c:${confirmation_id}`) ||
        (order_id && `o:${order_id}`) ||
        (portfolio_id && `p:${portfolio_id}`) ||
        (instrument && `i:${instrument}`) ||
        ALL;
      const answer = confirmations.list(CONFIRMATIONS_BY_CHANGE, {
        ...{ group, order: direction, limit, cursor },
        where: ({ state }) =>
          (order_id === undefined || state.orderId === order_id) &&
          (portfolio_id === undefined || state.portfolioId === portfolio_id) &&
          (instrument === undefined || state.instrument === instrument),
      });
      return mapPage(answer, "confirmations", stateOf);
    },
  });
}

function alertsOperation({ alerts }: ReadModels): Operation {
  return defineRead({
    id: "listAlerts",
    path: "/alerts",
    tag: TAG,
    summary: "List the last alerts and rejected orders",
    description: "By the time at which this service took them.",
    parameters: {
      kind: optionalQuery(oneOf([...ALERT_KINDS.words, "order_rejected"]), { description: "What they are about." }),
      severity: optionalQuery(oneOf(ALERT_SEVERITIES.words), { description: "How bad they are." }),
      instrument: instrumentQuery,
      direction: directionQuery,
      ...pageParameters(PAGE, "Alerts in one answer."),
    },
    answers: pageAnswers("Alerts, and rejections of orders.", { alerts: arrayOf(schemaRef("Alert")) }),
    errors: [],
    action: () => ({ kind: "read", topic: TOPICS.alerts }),
    read({ values: { kind, severity, instrument, direction, limit, cursor } }) {
      const answer = alerts.list(ALERTS_BY_CHANGE, {
        ...{ order: direction, limit, cursor },
        where: ({ state }) =>
          (kind === undefined || state.kind === kind) &&
          (severity === undefined || state.severity === severity) &&
          (instrument === undefined || state.instrument === instrument),
      });
      return mapPage(answer, "alerts", stateOf);
    },
  });
}
