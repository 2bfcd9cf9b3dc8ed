/** What portfolios hold. An answer's `positions` are places in the log, as everywhere: what is held is `holdings`. */
import { mapAnswer, mapPage } from "@distribution/core/projections";
import { arrayOf, schemaRef } from "@distribution/core/transport/documents";
import { defaultedQuery, defineRead, type Operation, oneOf, pageAnswers } from "@distribution/core/transport/rest";
import { begin, newest, page } from "../read-models/history.ts";
import { holdingView } from "../read-models/records.ts";
import { holdingsByInstrument, holdingsByValue, type ReadModels } from "../read-models.ts";
import { TOPICS } from "../topics.ts";
import { knownPortfolio } from "./known.ts";
import {
  EXACT,
  historyParameters,
  instrumentParameter,
  KEPT_FROM_SCHEMA,
  PORTFOLIO_ID_SCHEMA,
  pages,
  portfolioParameter,
} from "./parameters.ts";

const TAG = "positions";
const readPositions = () => ({ kind: "read", topic: TOPICS.positions }) as const;

export function holdingOperations(models: ReadModels): readonly Operation[] {
  return [list(models), history(models)];
}

function list(models: ReadModels): Operation {
  const { holdings } = models;
  return defineRead({
    id: "listPositions",
    path: "/portfolio/{portfolio_id}/positions",
    tag: TAG,
    summary: "List what a portfolio holds",
    description: `Positions that are not zero, in \`holdings\`: the highest value first, or by instrument. ${EXACT}`,
    parameters: {
      portfolio_id: portfolioParameter,
      sort: defaultedQuery(oneOf(["value", "instrument"]), "value", { description: "What they are sorted by." }),
      ...pages("Positions"),
    },
    answers: pageAnswers("Positions in that order.", {
      portfolioId: PORTFOLIO_ID_SCHEMA,
      holdings: arrayOf(schemaRef("Holding")),
    }),
    errors: ["not_found"],
    action: readPositions,
    read({ values: { portfolio_id: portfolioId, sort, ...page } }) {
      const answer =
        sort === "value"
          ? holdings.list(holdingsByValue, { group: portfolioId, ...page })
          : holdings.list(holdingsByInstrument, { group: portfolioId, order: "ascending", ...page });
      if (answer.value.entries.length === 0) knownPortfolio(models, portfolioId);
      return mapAnswer(
        mapPage(answer, "holdings", ({ state }) => holdingView(state.instrument, newest(state.history))),
        (page) => ({ portfolioId, ...page }),
      );
    },
  });
}

function history({ holdings }: ReadModels): Operation {
  return defineRead({
    id: "readPositionHistory",
    path: "/portfolio/{portfolio_id}/positions/{instrument}/history",
    tag: TAG,
    summary: "Read how a position has changed",
    description: `By fills, which name their execution, and by prices. Newest first. ${EXACT}`,
    parameters: { portfolio_id: portfolioParameter, instrument: instrumentParameter, ...historyParameters },
    answers: pageAnswers("The position after each change, newest first.", {
      portfolioId: PORTFOLIO_ID_SCHEMA,
      instrument: { type: "string", description: "venue:symbol." },
      keptFrom: KEPT_FROM_SCHEMA,
      changes: arrayOf(schemaRef("Holding")),
    }),
    errors: ["not_found"],
    action: readPositions,
    read: ({ values: { portfolio_id: portfolioId, instrument, ...range } }) =>
      mapAnswer(holdings.read(`${portfolioId}/${instrument}`), ({ history: known }) => {
        const { items, next } = page(known, range);
        const changes = items.map((item) => holdingView(instrument, item));
        return { portfolioId, instrument, keptFrom: begin(known).toString(), changes, next };
      }),
  });
}
