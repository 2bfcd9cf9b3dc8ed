/** Performance and attribution. */
import { mapAnswer } from "@distribution/core/projections";
import { schemaRef } from "@distribution/core/transport/documents";
import {
  defaultedQuery,
  defineRead,
  type Operation,
  oneOf,
  optionalQuery,
  text,
} from "@distribution/core/transport/rest";
import { PERIOD_NAMES } from "../names.ts";
import { findMeasure } from "../read-models/measures.ts";
import { attributionView, performanceView } from "../read-models/records.ts";
import type { ReadModels } from "../read-models.ts";
import { TOPICS } from "../topics.ts";
import { asOfParameter, EXACT, portfolioParameter } from "./parameters.ts";

const TAG = "performance";
const readPerformance = () => ({ kind: "read", topic: TOPICS.performance }) as const;

const PARAMETERS = {
  portfolio_id: portfolioParameter,
  period: defaultedQuery(oneOf(PERIOD_NAMES), "day", { description: "The period that ends at that time." }),
  benchmark: optionalQuery(text({ maxBytes: 512 }), {
    description: "What it is compared with. Absent: whatever it was compared with last.",
    example: "ALL-60",
  }),
  as_of: asOfParameter,
} as const;

const FRACTIONS = "Fractions have at most 12 places: 0.0125 is 1.25 %.";

export function measureOperations({ performance, attribution }: ReadModels): readonly Operation[] {
  return [performanceOperation(performance), attributionOperation(attribution)];
}

function performanceOperation(performance: ReadModels["performance"]): Operation {
  return defineRead({
    id: "readPerformance",
    path: "/portfolio/{portfolio_id}/performance",
    tag: TAG,
    summary: "Read the return of a period",
    description: `Time-weighted, against a benchmark or by itself. ${FRACTIONS} ${EXACT}`,
    parameters: PARAMETERS,
    answers: { description: "The period's return.", properties: { performance: schemaRef("Performance") } },
    errors: ["not_found"],
    action: readPerformance,
    read: ({ values: { portfolio_id: id, period, benchmark, as_of: asOf } }) =>
      mapAnswer(performance.read(`${id}/${period}`), (measures) => {
        const found = findMeasure(measures, { benchmark, asOf }, `the ${period} performance of ${id}`);
        return { performance: performanceView(id, found) };
      }),
  });
}

function attributionOperation(attribution: ReadModels["attribution"]): Operation {
  return defineRead({
    id: "readAttribution",
    path: "/portfolio/{portfolio_id}/attribution",
    tag: TAG,
    summary: "Read what brought a period's return",
    description: `What each group of instruments weighs and has brought. ${FRACTIONS} ${EXACT}`,
    parameters: PARAMETERS,
    answers: { description: "The period's attribution.", properties: { attribution: schemaRef("Attribution") } },
    errors: ["not_found"],
    action: readPerformance,
    read: ({ values: { portfolio_id: id, period, benchmark, as_of: asOf } }) =>
      mapAnswer(attribution.read(`${id}/${period}/attribution`), (measures) => {
        const found = findMeasure(measures, { benchmark, asOf }, `the ${period} attribution of ${id}`);
        return { attribution: attributionView(id, found) };
      }),
  });
}
