/** What portfolios are worth, now and before. */
import { mapAnswer, mapPage } from "@distribution/core/projections";
import { arrayOf, schemaRef } from "@distribution/core/transport/documents";
import { defineRead, type Operation, pageAnswers } from "@distribution/core/transport/rest";
import { at, begin, newest, page } from "../read-models/history.ts";
import { stateView } from "../read-models/records.ts";
import { type ReadModels, statesById } from "../read-models.ts";
import { TOPICS } from "../topics.ts";
import {
  asOfParameter,
  EXACT,
  historyParameters,
  KEPT_FROM_SCHEMA,
  PORTFOLIO_ID_SCHEMA,
  pages,
  portfolioParameter,
} from "./parameters.ts";

const TAG = "portfolios";
const readState = () => ({ kind: "read", topic: TOPICS.state }) as const;

export function stateOperations({ states }: ReadModels): readonly Operation[] {
  return [list(states), state(states), history(states)];
}

type States = ReadModels["states"];

function list(states: States): Operation {
  return defineRead({
    id: "listPortfolios",
    path: "/portfolios",
    tag: TAG,
    summary: "List the portfolios that are known",
    description: `By id, each with its newest state. ${EXACT}`,
    parameters: pages("Portfolios"),
    answers: pageAnswers("Portfolios, by id.", { portfolios: arrayOf(schemaRef("PortfolioState")) }),
    errors: [],
    action: readState,
    read: ({ values }) =>
      mapPage(states.list(statesById, { order: "ascending", ...values }), "portfolios", ({ key, state: known }) =>
        stateView(key, newest(known)),
      ),
  });
}

function state(states: States): Operation {
  return defineRead({
    id: "readPortfolioState",
    path: "/portfolio/{portfolio_id}/state",
    tag: TAG,
    summary: "Read what a portfolio is worth",
    description: `nav is cash + positionsValue, exactly. ${EXACT}`,
    parameters: { portfolio_id: portfolioParameter, as_of: asOfParameter },
    answers: { description: "The state at that time.", properties: { state: schemaRef("PortfolioState") } },
    errors: ["not_found"],
    action: readState,
    read: ({ values: { portfolio_id: id, as_of: asOf } }) =>
      mapAnswer(states.read(id), (known) => ({ state: stateView(id, at([known], asOf, `portfolio ${id}`)) })),
  });
}

function history(states: States): Operation {
  return defineRead({
    id: "readPortfolioHistory",
    path: "/portfolio/{portfolio_id}/history",
    tag: TAG,
    summary: "Read how a portfolio's worth has changed",
    description: `Newest first. ${EXACT}`,
    parameters: { portfolio_id: portfolioParameter, ...historyParameters },
    answers: pageAnswers("States, newest first.", {
      portfolioId: PORTFOLIO_ID_SCHEMA,
      keptFrom: KEPT_FROM_SCHEMA,
      states: arrayOf(schemaRef("PortfolioState")),
    }),
    errors: ["not_found"],
    action: readState,
    read: ({ values: { portfolio_id: portfolioId, ...range } }) =>
      mapAnswer(states.read(portfolioId), (known) => {
        const { items, next } = page(known, range);
        const changes = items.map((item) => stateView(portfolioId, item));
        return { portfolioId, keptFrom: begin(known).toString(), states: changes, next };
      }),
  });
}
