/** The JSON Schemas of what the domain's endpoints answer, by name, for `components.schemas`. */
import { arrayOf, type JsonSchema, objectOf, schemaRef } from "@distribution/core/transport/documents";
import { LIMIT_NAMES, PERIOD_NAMES } from "../names.ts";

const text = (description: string): JsonSchema => ({ type: "string", description });
const oneOf = (values: readonly string[], description: string): JsonSchema => ({
  ...{ type: "string", enum: values, description },
});
const count = (description: string): JsonSchema => ({ type: "integer", minimum: 0, description });

const decimal = (description: string): JsonSchema => ({
  type: "string",
  pattern: "^(0|-?([1-9][0-9]*|0(?=\\.))(\\.[0-9]*[1-9])?)$",
  description,
});

const time = (description: string): JsonSchema => ({
  ...{ type: "string", pattern: "^[0-9]+$", description: `${description} Unix nanoseconds.` },
});

const portfolioId = text("The portfolio's id.");
const instrument = text("venue:symbol.");
const currency = text("What amounts are in.");
const asOf = time("What it is true at.");
const period = {
  period: oneOf(PERIOD_NAMES, "Its length."),
  periodStart: time("When the period began."),
};
const benchmark = text("What it is compared with. Absent: with nothing.");

export const PORTFOLIO_SCHEMAS: Readonly<Record<string, JsonSchema>> = {
  PortfolioState: objectOf({
    ...{ portfolioId, currency, asOf },
    nav: decimal("cash + positionsValue, exactly."),
    cash: decimal("What is not invested."),
    positionsValue: decimal("The sum of the values of all positions."),
    positionCount: count("Positions that are not zero."),
  }),
  Holding: objectOf(
    {
      ...{ instrument, currency, asOf },
      quantity: decimal("The sum of the fills. Below zero: short."),
      price: decimal("What it is valued at."),
      value: decimal("quantity * price, exactly."),
      cost: decimal("What it has cost: the sum of quantity * price of its fills, sales negative, without fees."),
      orderId: text("Of the fill that changed it last. Absent: a price did."),
      executionId: text("Of the fill that changed it last. Absent: a price did."),
    },
    ["orderId", "executionId"],
  ),
  Performance: objectOf(
    {
      ...{ portfolioId, currency, asOf, ...period, benchmark },
      periodReturn: decimal("A fraction: 0.0125 is 1.25 %."),
      benchmarkReturn: decimal("A fraction. Absent: compared with nothing."),
      profit: decimal("nav at asOf less nav at the start, less what was paid in."),
    },
    ["benchmark", "benchmarkReturn"],
  ),
  Attribution: objectOf(
    { ...{ portfolioId, currency, asOf, ...period, benchmark }, contributions: arrayOf(schemaRef("Contribution")) },
    ["benchmark"],
  ),
  Contribution: objectOf({
    group: text("Instrument, sector or whatever the groups are."),
    weight: decimal("A fraction of nav."),
    contribution: decimal("A fraction: what the group brought of the period's return."),
  }),
  Breach: objectOf(
    {
      asOf,
      kind: oneOf(LIMIT_NAMES, "The limit's kind."),
      instrument: text("The instrument that broke it. Absent: the portfolio as a whole."),
      limit: decimal("As the limit's kind: quantity, or fraction of nav."),
      actual: decimal("As the limit's kind: quantity, or fraction of nav."),
      blocking: { type: "boolean", description: "It stops the portfolio from opening more." },
    },
    ["instrument"],
  ),
  Rebalance: objectOf(
    {
      rebalanceId: text("Its id."),
      state: oneOf(["proposed", "completed"], "How far it is."),
      reason: text("For people."),
      trades: arrayOf(objectOf({ instrument, quantity: decimal("Below zero: to sell.") })),
      proposedAt: time("When it was proposed."),
      completedAt: time("When it was completed. Absent: it is not."),
      tradesDone: count("Trades that were carried out. Absent: it is not completed."),
      tradesFailed: count("Trades that were not. Absent: it is not completed."),
    },
    ["completedAt", "tradesDone", "tradesFailed"],
  ),
};
