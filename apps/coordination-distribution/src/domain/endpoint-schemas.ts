/** The JSON Schemas of what the endpoints answer, by name, for `components.schemas`. */
import { arrayOf, type JsonSchema, objectOf, schemaRef } from "@distribution/core/transport/documents";
import { CONFLICT_STATES } from "./conflict.ts";
import { DECISION_STATES, MAX_URGENCY } from "./decision.ts";
import { ACTIONS, CONFLICT_KINDS, RESOLUTIONS, SEVERITIES } from "./names.ts";

const text = (description: string): JsonSchema => ({ type: "string", description });
const texts = (description: string): JsonSchema => arrayOf({ type: "string" }, description);
const oneOf = (values: readonly string[], description: string): JsonSchema => ({
  type: "string",
  enum: values,
  description,
});
const flag = (description: string): JsonSchema => ({ type: "boolean", description });
const count = (description: string): JsonSchema => ({ type: "integer", minimum: 0, description });

/** As it was published: exact, and not always canonical. */
const decimal = (description: string): JsonSchema => ({
  type: "string",
  pattern: "^(-?[0-9]+(\\.[0-9]+)?)?$",
  description: `${description} Empty: not stated.`,
});

const time = (description: string): JsonSchema => ({
  type: "string",
  pattern: "^-?[0-9]+$",
  description: `${description} Unix nanoseconds.`,
});

const told = {
  source: text("Of the event."),
  id: text("Of the event."),
  eventTime: time('By the upstream\'s clock; "0": not stated.'),
  appendedAt: time("When it became durable, by the broker's clock."),
  position: schemaRef("Position"),
};

const about = {
  strategy: text("Whose decision it is."),
  portfolioId: text("Which it is for."),
  instrument: text("venue:symbol."),
};

const countEach = (names: readonly string[], description: string): JsonSchema =>
  objectOf(Object.fromEntries(names.map((name) => [name, count(description)])));

const waiting = (description: string): JsonSchema => ({
  ...objectOf({ count: count("How many."), oldest: schemaRef("Decision") }, ["oldest"]),
  description,
});

const decision = {
  decisionId: text("Its id, and the key of its events."),
  state: oneOf(DECISION_STATES, "What has become of it."),
  ...about,
  action: oneOf(Object.values(ACTIONS), "What to do."),
  quantity: decimal("Above zero; in the base currency, or contracts where the venue trades contracts."),
  notional: decimal("In the quote currency."),
  confidence: decimal("0 to 1."),
  urgency: { type: "integer", minimum: 0, maximum: MAX_URGENCY, description: "9 is the most urgent." },
  createdAt: time("When it was coordinated, by the upstream's clock."),
  validUntil: time('Not carried out after this; "0": no end.'),
  intelligenceIds: texts("What it rests on."),
  changedAt: time("When its last event became durable, by the broker's clock."),
};

const step = objectOf(
  {
    state: oneOf(DECISION_STATES, "What it became."),
    ...told,
    approvedBy: text("Of an approval."),
    rejectedBy: text("Of a rejection."),
    reason: text("Of a rejection."),
    supersededBy: text("The decision that took its place."),
    orderIds: texts("Of an execution."),
    filledQuantity: decimal("Of an execution."),
  },
  ["approvedBy", "rejectedBy", "reason", "supersededBy", "orderIds", "filledQuantity"],
);

const conflict = objectOf(
  {
    conflictId: text("Its id, and the key of its events."),
    state: oneOf(CONFLICT_STATES, "Whether it is settled."),
    kind: oneOf(Object.values(CONFLICT_KINDS), "Why the decisions cannot all be carried out."),
    decisionIds: texts("Which they are."),
    portfolioId: about.portfolioId,
    instrument: about.instrument,
    resolution: oneOf(Object.values(RESOLUTIONS), "How it was settled; absent while it is open."),
    winningDecisionId: text("The decision that goes on; empty: none does. Absent while it is open."),
    detected: schemaRef("Told"),
    resolved: schemaRef("Told"),
  },
  ["resolution", "winningDecisionId", "resolved"],
);

export const COORDINATION_SCHEMAS: Readonly<Record<string, JsonSchema>> = {
  Told: { ...objectOf(told), description: "The event that said so, and when." },
  Decision: objectOf(decision),
  DecisionStep: step,
  DecisionPolicies: objectOf({
    blocked: flag("A blocking violation is on record: it cannot be approved."),
    approvedAgainstPolicy: flag(
      "It is blocked, and was approved: the violation came later, or was not known here yet.",
    ),
    checkCount: count("Checks of it that came; `checks` has the newest."),
    violationCount: count("Violations of it that are kept; `violations` has the newest."),
    checks: arrayOf(schemaRef("PolicyCheck"), "Newest first."),
    violations: arrayOf(schemaRef("Violation"), "Newest first."),
  }),
  PolicyCheck: objectOf({
    ...told,
    policyId: text("Which policy."),
    passed: flag("Whether the decision keeps to it."),
  }),
  Violation: objectOf({
    ...told,
    decisionId: text("Which decision."),
    ...about,
    policyId: text("Which policy."),
    severity: oneOf(Object.values(SEVERITIES), "A blocking one keeps the decision from being approved."),
    limit: decimal("What the policy allows."),
    actual: decimal("What the decision asks for."),
    text: text("For people."),
  }),
  Conflict: conflict,
  DecisionCounts: countEach(DECISION_STATES, "Decisions in this state."),
  StrategyCounts: objectOf({ strategy: about.strategy, decisions: schemaRef("DecisionCounts") }),
  Waiting: objectOf({
    forApproval: waiting("Coordinated ones."),
    forExecution: waiting("Approved ones."),
  }),
  ConflictCounts: countEach(CONFLICT_STATES, "Conflicts in this state."),
  ViolationCounts: objectOf({
    policyId: text("Which policy."),
    warning: count("Warnings."),
    blocking: count("Blocking ones."),
  }),
};
