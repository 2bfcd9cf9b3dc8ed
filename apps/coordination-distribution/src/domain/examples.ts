/** A payload of every event type in JSON, for the catalogue: one decision's life, and what else can happen to one. */

const about = (decisionId: string, eventTime: string) => ({
  decisionId,
  strategy: "momentum",
  portfolioId: "global-growth",
  instrument: "coinbase:BTC-USD",
  eventTime,
});

const inConflict = { portfolioId: "global-growth", instrument: "coinbase:BTC-USD" };
const conflicting = { conflictId: "c-7", decisionIds: ["d-1", "d-2"] };

export const examples = {
  decisionCoordinated: {
    ...about("d-1", "1767623400000000000"),
    decisionCoordinated: {
      action: "ACTION_BUY",
      quantity: "1.5",
      notional: "90000",
      confidence: "0.82",
      urgency: 6,
      validUntil: "1767623460000000000",
      intelligenceIds: ["i-31", "i-32"],
    },
  },
  decisionApproved: { ...about("d-1", "1767623401000000000"), decisionApproved: { approvedBy: "risk-desk" } },
  decisionRejected: {
    ...about("d-2", "1767623401000000000"),
    decisionRejected: { rejectedBy: "policy:largest-notional", reason: "A policy does not allow it." },
  },
  decisionSuperseded: { ...about("d-3", "1767623402000000000"), decisionSuperseded: { supersededBy: "d-1" } },
  decisionExecuted: {
    ...about("d-1", "1767623410000000000"),
    decisionExecuted: { orderIds: ["o-11", "o-12"], filledQuantity: "1.5" },
  },
  decisionExpired: { ...about("d-4", "1767623460000000000"), decisionExpired: {} },
  policyChecked: {
    ...about("d-2", "1767623400500000000"),
    policyChecked: { policyId: "largest-notional", passed: false },
  },
  policyViolated: {
    ...about("d-2", "1767623400500000000"),
    policyViolated: {
      policyId: "largest-notional",
      severity: "VIOLATION_SEVERITY_BLOCKING",
      limit: "400000",
      actual: "512300.5",
      text: "The decision is larger than one decision may be.",
    },
  },
  conflictDetected: {
    ...{ ...inConflict, eventTime: "1767623400700000000" },
    conflictDetected: { ...conflicting, kind: "CONFLICT_KIND_OPPOSITE_SIDES" },
  },
  conflictResolved: {
    ...{ ...inConflict, eventTime: "1767623400900000000" },
    conflictResolved: { ...conflicting, resolution: "RESOLUTION_PRIORITIZED", winningDecisionId: "d-1" },
  },
} as const;
