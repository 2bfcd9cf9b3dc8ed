/** A payload of each event type in proto3 JSON, for the catalogue: one order, filled in two parts, and what else can become of one. */

const order = (eventTime: string) => ({
  orderId: "o-20261123-17",
  portfolioId: "p-growth",
  instrument: "coinbase:BTC-USD",
  decisionId: "d-20261123-4",
  eventTime,
});

export const EXAMPLES = {
  orderNew: {
    ...order("1795449600000000000"),
    orderNew: {
      side: "SIDE_BUY",
      type: "ORDER_TYPE_LIMIT",
      quantity: "2.5",
      limitPrice: "60000",
      timeInForce: "TIME_IN_FORCE_DAY",
    },
  },
  orderAcknowledged: { ...order("1795449600020000000"), orderAcknowledged: { venueOrderId: "8412-77" } },
  orderFilled: {
    ...order("1795449601500000000"),
    fill: {
      executionId: "e-1",
      side: "SIDE_BUY",
      lastQuantity: "1",
      lastPrice: "59999.5",
      fee: "3.5",
      filledQuantity: "1",
      filledValue: "59999.5",
      remainingQuantity: "1.5",
    },
  },
  orderReplaced: {
    ...order("1795449602000000000"),
    orderReplaced: { quantity: "2", limitPrice: "60010" },
  },
  orderCancelled: { ...order("1795449603000000000"), orderCancelled: { reason: "The decision was superseded." } },
  orderRejected: {
    ...order("1795449600020000000"),
    orderRejected: { reason: "REJECT_REASON_PRICE_OUT_OF_BAND", text: "The limit is 12% from the last price." },
  },
  orderExpired: { ...order("1795478400000000000"), orderExpired: {} },
  tradeConfirmed: {
    ...order("1795449660000000000"),
    tradeConfirmed: {
      confirmationId: "c-1",
      executionId: "e-1",
      side: "SIDE_BUY",
      quantity: "1",
      price: "59999.5",
      fee: "3.5",
      settlementDate: "2026-11-25",
    },
  },
  alert: {
    instrument: "coinbase:BTC-USD",
    eventTime: "1795449700000000000",
    alert: {
      kind: "ALERT_KIND_VENUE_DOWN",
      severity: "ALERT_SEVERITY_CRITICAL",
      text: "coinbase does not answer; orders there are not being worked.",
    },
  },
} as const;
