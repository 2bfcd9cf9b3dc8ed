/** A payload of each event type in proto3 JSON, for the catalogue. They fit together: one portfolio, one afternoon. */

const about = { portfolioId: "growth", currency: "USD", asOf: "1767623400123456789" } as const;
const instrument = "central:TEC04-USD";
const periodStart = "1767571200000000000";
const benchmark = "ALL-60";

export const EXAMPLES = {
  state: { ...about, state: { nav: "120004250.5", cash: "119879000.5", positionsValue: "125250", positionCount: 1 } },
  position: {
    ...about,
    position: {
      ...{ instrument, quantity: "1500", price: "83.5", value: "125250", cost: "120999.5" },
      ...{ orderId: "o-18", executionId: "e-41" },
    },
  },
  performance: {
    ...about,
    performance: {
      ...{ period: "PERIOD_DAY", periodStart, periodReturn: "0.000035420833" },
      ...{ benchmark, benchmarkReturn: "0.0000125", profit: "4250.5" },
    },
  },
  attribution: {
    ...about,
    attribution: {
      ...{ period: "PERIOD_DAY", periodStart, benchmark },
      contributions: [{ group: "technology", weight: "0.001043713031", contribution: "0.000035420833" }],
    },
  },
  breach: {
    ...about,
    breach: { kind: "LIMIT_KIND_POSITION_SIZE", instrument, limit: "1400", actual: "1500" },
  },
  rebalanceProposed: {
    ...about,
    proposal: {
      ...{ rebalanceId: "r-7", reason: "A limit came near." },
      trades: [{ instrument, quantity: "-700" }],
    },
  },
  rebalanceCompleted: { ...about, completion: { rebalanceId: "r-7", tradesDone: 1, tradesFailed: 0 } },
} as const;
