/** What the simulated upstreams call their topics and event types. The services own theirs; each app's test compares. */

export const DOMAINS = ["portfolio", "coordination", "intelligence", "execution"] as const;

export type WorldDomain = (typeof DOMAINS)[number];

export const WORLD_TOPICS = {
  portfolio: {
    state: "portfolio.state",
    positions: "portfolio.positions",
    performance: "portfolio.performance",
    risk: "portfolio.risk",
    rebalancing: "portfolio.rebalancing",
  },
  coordination: {
    decisions: "coordination.decisions",
    policies: "coordination.policies",
    conflicts: "coordination.conflicts",
  },
  intelligence: {
    signals: "intelligence.signals",
    news: "intelligence.news",
    sentiment: "intelligence.sentiment",
    synthesis: "intelligence.synthesis",
  },
  execution: {
    orders: "execution.orders",
    confirmations: "execution.confirmations",
    alerts: "execution.alerts",
  },
} as const satisfies Record<WorldDomain, Record<string, string>>;

export const WORLD_EVENT_TYPES = {
  portfolio: {
    state: "portfolio.state.v1",
    position: "portfolio.position.v1",
    performance: "portfolio.performance.v1",
    attribution: "portfolio.attribution.v1",
    breach: "portfolio.breach.v1",
    rebalanceProposed: "portfolio.rebalance-proposed.v1",
    rebalanceCompleted: "portfolio.rebalance-completed.v1",
  },
  coordination: {
    decisionCoordinated: "coordination.decision-coordinated.v1",
    decisionApproved: "coordination.decision-approved.v1",
    decisionRejected: "coordination.decision-rejected.v1",
    decisionSuperseded: "coordination.decision-superseded.v1",
    decisionExecuted: "coordination.decision-executed.v1",
    decisionExpired: "coordination.decision-expired.v1",
    policyChecked: "coordination.policy-checked.v1",
    policyViolated: "coordination.policy-violated.v1",
    conflictDetected: "coordination.conflict-detected.v1",
    conflictResolved: "coordination.conflict-resolved.v1",
  },
  intelligence: {
    signal: "intelligence.signal.v1",
    news: "intelligence.news.v1",
    sentiment: "intelligence.sentiment.v1",
    synthesis: "intelligence.synthesis.v1",
  },
  execution: {
    orderNew: "execution.order-new.v1",
    orderAcknowledged: "execution.order-acknowledged.v1",
    orderFilled: "execution.order-filled.v1",
    orderCancelled: "execution.order-cancelled.v1",
    orderReplaced: "execution.order-replaced.v1",
    orderRejected: "execution.order-rejected.v1",
    orderExpired: "execution.order-expired.v1",
    tradeConfirmed: "execution.trade-confirmed.v1",
    alert: "execution.alert.v1",
  },
} as const satisfies Record<WorldDomain, Record<string, string>>;
