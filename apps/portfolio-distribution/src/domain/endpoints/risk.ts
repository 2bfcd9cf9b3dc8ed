/** Breaches of limits, and rebalances. */
import { mapAnswer, mapPage } from "@distribution/core/projections";
import { arrayOf, schemaRef } from "@distribution/core/transport/documents";
import { defineRead, type Operation, oneOf, optionalQuery, pageAnswers } from "@distribution/core/transport/rest";
import { LIMIT_NAMES } from "../names.ts";
import { breachView, rebalanceView } from "../read-models/records.ts";
import { breachesByTime, type ReadModels, rebalancesByTime } from "../read-models.ts";
import { TOPICS } from "../topics.ts";
import { knownPortfolio } from "./known.ts";
import { EXACT, PORTFOLIO_ID_SCHEMA, pages, portfolioParameter } from "./parameters.ts";

export function riskOperations(models: ReadModels): readonly Operation[] {
  return [breachList(models), rebalanceList(models)];
}

const groupOf = (portfolioId: string, part: string | undefined): string =>
  part === undefined ? portfolioId : `${portfolioId}/${part}`;

function breachList(models: ReadModels): Operation {
  return defineRead({
    id: "listBreaches",
    path: "/portfolio/{portfolio_id}/breaches",
    tag: "risk",
    summary: "List the breaches of a portfolio's limits",
    description: `Newest first. A blocking one stops the portfolio from opening more. ${EXACT}`,
    parameters: {
      portfolio_id: portfolioParameter,
      kind: optionalQuery(oneOf(LIMIT_NAMES), { description: "Of this kind of limit. Absent: of all." }),
      ...pages("Breaches"),
    },
    answers: pageAnswers("Breaches, newest first.", {
      portfolioId: PORTFOLIO_ID_SCHEMA,
      breaches: arrayOf(schemaRef("Breach")),
    }),
    errors: ["not_found"],
    action: () => ({ kind: "read", topic: TOPICS.risk }),
    read({ values: { portfolio_id: portfolioId, kind, ...page } }) {
      const answer = models.breaches.list(breachesByTime, { group: groupOf(portfolioId, kind), ...page });
      if (answer.value.entries.length === 0) knownPortfolio(models, portfolioId);
      return mapAnswer(
        mapPage(answer, "breaches", ({ state }) => breachView(state)),
        (page) => ({ portfolioId, ...page }),
      );
    },
  });
}

function rebalanceList(models: ReadModels): Operation {
  return defineRead({
    id: "listRebalances",
    path: "/portfolio/{portfolio_id}/rebalances",
    tag: "rebalancing",
    summary: "List a portfolio's rebalances",
    description: `The one proposed last first. ${EXACT}`,
    parameters: {
      portfolio_id: portfolioParameter,
      state: optionalQuery(oneOf(["proposed", "completed"]), { description: "In this state. Absent: in any." }),
      ...pages("Rebalances"),
    },
    answers: pageAnswers("Rebalances, the one proposed last first.", {
      portfolioId: PORTFOLIO_ID_SCHEMA,
      rebalances: arrayOf(schemaRef("Rebalance")),
    }),
    errors: ["not_found"],
    action: () => ({ kind: "read", topic: TOPICS.rebalancing }),
    read({ values: { portfolio_id: portfolioId, state, ...page } }) {
      const answer = models.rebalances.list(rebalancesByTime, { group: groupOf(portfolioId, state), ...page });
      if (answer.value.entries.length === 0) knownPortfolio(models, portfolioId);
      return mapAnswer(
        mapPage(answer, "rebalances", ({ key, state: rebalance }) => rebalanceView(key, rebalance)),
        (page) => ({ portfolioId, ...page }),
      );
    },
  });
}
