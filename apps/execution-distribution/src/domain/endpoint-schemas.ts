/** The JSON Schemas of what the domain's endpoints answer, by name, for `components.schemas`. */
import { type JsonSchema, objectOf } from "@distribution/core/transport/documents";
import { ID_PATTERN, INSTRUMENT_PATTERN } from "./checks.ts";
import { AVERAGE_PLACES } from "./views.ts";
import {
  ALERT_KINDS,
  ALERT_SEVERITIES,
  ORDER_STATES,
  ORDER_TYPES,
  REJECT_REASONS,
  SIDES,
  TIMES_IN_FORCE,
} from "./words.ts";

const text = (description: string): JsonSchema => ({ type: "string", description });
const id = (description: string): JsonSchema => ({ type: "string", pattern: ID_PATTERN, description });
const word = (words: readonly string[], description: string): JsonSchema => ({
  type: "string",
  enum: words,
  description,
});

const decimal = (description: string): JsonSchema => ({
  type: "string",
  pattern: "^-?(0|[1-9][0-9]*)(\\.[0-9]*[1-9])?$",
  description,
});

const time = (description: string): JsonSchema => ({
  type: "string",
  pattern: "^[0-9]+$",
  description: `${description} Unix nanoseconds.`,
});

const ABOUT = {
  orderId: id("The order."),
  portfolioId: id("The portfolio that the order is for."),
  instrument: { type: "string", pattern: INSTRUMENT_PATTERN, description: "venue:symbol." },
  decisionId: id("The coordinated decision that the order carries out; absent: none."),
};

const TRADED = {
  side: word(SIDES.words, "Of the order."),
  quantity: decimal("What was traded."),
  price: decimal("In the quote currency."),
  fee: decimal("In the quote currency; below zero: a rebate."),
};

const rejectReason = word(REJECT_REASONS.words, "Of a rejected order.");

export const EXECUTION_SCHEMAS: Readonly<Record<string, JsonSchema>> = {
  Order: objectOf(
    {
      ...ABOUT,
      state: word(ORDER_STATES, "What it has come to; nothing follows on filled, cancelled, rejected and expired."),
      side: word(SIDES.words, "What it does."),
      type: word(ORDER_TYPES.words, "Market or limit."),
      timeInForce: word(TIMES_IN_FORCE.words, "How long it stands."),
      quantity: decimal("Of the whole order, by its newest terms."),
      limitPrice: decimal("Of a limit order, by its newest terms."),
      filledQuantity: decimal("Sum of what was filled: exact."),
      filledValue: decimal("Sum of quantity times price over all fills: exact."),
      averagePrice: objectOf({
        price: decimal("filledValue divided by filledQuantity."),
        places: { type: "integer", const: AVERAGE_PLACES, description: "After the point, to which it is rounded." },
        rounding: { type: "string", const: "half-even", description: "How it is rounded." },
      }),
      openQuantity: decimal("What can still be filled; 0 once nothing follows."),
      fees: decimal("Sum of the fees, in the quote currency; below zero: rebates."),
      executionCount: { type: "integer", minimum: 0, description: "Fills that it had." },
      venueOrderId: text("The venue's own id of it; absent before it is acknowledged."),
      rejectReason,
      reason: text("Why it was cancelled or rejected, for people."),
      sentTime: time("When it was sent, by its first event."),
      changedTime: time("When it changed last, by that event."),
      createdAt: time("When this service took its first event."),
      changedAt: time("When this service took its last event."),
    },
    ["decisionId", "limitPrice", "averagePrice", "venueOrderId", "rejectReason", "reason"],
  ),
  Execution: objectOf({
    number: { type: "integer", minimum: 1, description: "From 1, in the order's own order." },
    executionId: id("Unique in the order."),
    time: time("When it happened, by the venue's clock."),
    quantity: TRADED.quantity,
    price: TRADED.price,
    fee: TRADED.fee,
  }),
  Fill: objectOf(
    {
      ...ABOUT,
      executionId: id("Unique in the order."),
      time: time("When it happened, by the venue's clock."),
      ...TRADED,
      value: decimal("Quantity times price: exact."),
    },
    ["decisionId"],
  ),
  Confirmation: objectOf(
    {
      confirmationId: id("Unique in the order."),
      ...ABOUT,
      executionId: id("The fill that is confirmed."),
      time: time("When it was confirmed."),
      ...TRADED,
      settlementDate: { type: "string", format: "date", description: "When money and goods change hands." },
    },
    ["decisionId"],
  ),
  Alert: objectOf(
    {
      eventId: text("Of the event that tells it."),
      kind: word([...ALERT_KINDS.words, "order_rejected"], "What it is about."),
      severity: word(ALERT_SEVERITIES.words, "How bad it is; a rejected order is a warning."),
      ...ABOUT,
      rejectReason,
      time: time("When it happened."),
      text: text("For people."),
    },
    ["orderId", "portfolioId", "decisionId", "rejectReason"],
  ),
};
