/** What each topic takes: an event that cannot be, or does not follow on what the log holds of its key, is refused at the way in. */
import { fieldError } from "@distribution/core/errors";
import type { IngestService, JudgedEvent, TransitionRule } from "@distribution/core/ingest";
import { ExecutionEvent, type TradeConfirmed } from "@distribution/proto-types/execution/v1/execution";
import {
  checkAboveZero,
  checkDay,
  checkDecimal,
  checkEventTime,
  checkId,
  checkInstrument,
  checkKey,
  checkText,
  checkWord,
} from "./checks.ts";
import { nextOrder, type Order } from "./order.ts";
import { confirmationKey, type ReadModels } from "./read-models.ts";
import { TOPICS } from "./topics.ts";
import { ALERT_KINDS, ALERT_SEVERITIES, SIDES } from "./words.ts";

export function governTopics(ingest: Pick<IngestService, "govern">, models: ReadModels): void {
  ingest.govern(orderRule(models));
  ingest.govern(confirmationRule(models));
  ingest.govern(ALERT_RULE);
}

function orderRule({ orders }: ReadModels): TransitionRule<Order, ExecutionEvent> {
  return {
    topic: TOPICS.orders,
    payload: ExecutionEvent,
    by: [orders],
    current: (key) => orders.find(key)?.state.order,
    next: nextOrder,
  };
}

/** A confirmation follows on nothing, but comes once: the state is whether it came. */
function confirmationRule({ confirmations }: ReadModels): TransitionRule<boolean, ExecutionEvent> {
  return {
    topic: TOPICS.confirmations,
    payload: ExecutionEvent,
    by: [confirmations],
    claims: ({ payload }) => [`confirmation ${keyOf(payload)}`],
    current: (_, { payload }) => confirmations.find(keyOf(payload)) !== undefined,
    next(came, event) {
      const confirmationId = checkConfirmation(event);
      if (came) {
        throw fieldError(
          "illegal_transition",
          "data.trade_confirmed.confirmation_id",
          `Order ${event.payload.orderId} has a confirmation ${confirmationId} already. Give the new one an id of its own.`,
        );
      }
      return true;
    },
  };
}

function keyOf(event: ExecutionEvent): string {
  return confirmationKey(event.orderId, confirmedIn(event).confirmationId);
}

function confirmedIn({ payload }: ExecutionEvent): TradeConfirmed {
  if (payload?.$case !== "tradeConfirmed") throw fieldError("invalid_event", "data", "It is no confirmation.");
  return payload.value;
}

/** Answers its id. */
function checkConfirmation({ envelope, payload: event }: JudgedEvent<ExecutionEvent>): string {
  checkKey(envelope.key, event.orderId, "data.order_id");
  checkId(event.orderId, "data.order_id");
  checkId(event.portfolioId, "data.portfolio_id");
  checkInstrument(event.instrument, "data.instrument");
  if (event.decisionId !== "") checkId(event.decisionId, "data.decision_id");
  checkEventTime(event.eventTime);
  const { confirmationId, executionId, side, quantity, price, fee, settlementDate } = confirmedIn(event);
  checkId(confirmationId, "data.trade_confirmed.confirmation_id");
  checkId(executionId, "data.trade_confirmed.execution_id");
  checkWord(side, SIDES, "data.trade_confirmed.side");
  checkAboveZero(quantity, "data.trade_confirmed.quantity");
  checkDecimal(price, "data.trade_confirmed.price");
  checkDecimal(fee, "data.trade_confirmed.fee");
  checkDay(settlementDate, "data.trade_confirmed.settlement_date");
  return confirmationId;
}

/** Characters. */
const MAX_ALERT_TEXT = 500;

/** Alerts have no states. Copies of rejections were judged on the topic that they come from. */
const ALERT_RULE: TransitionRule<undefined, ExecutionEvent> = {
  topic: TOPICS.alerts,
  payload: ExecutionEvent,
  by: [],
  next(_, { envelope, payload: { payload, ...event } }) {
    if (payload?.$case !== "alert") return undefined;
    checkKey(envelope.key, event.instrument, "data.instrument");
    checkInstrument(event.instrument, "data.instrument");
    if (event.orderId !== "") checkId(event.orderId, "data.order_id");
    if (event.portfolioId !== "") checkId(event.portfolioId, "data.portfolio_id");
    if (event.decisionId !== "") checkId(event.decisionId, "data.decision_id");
    checkEventTime(event.eventTime);
    checkWord(payload.value.kind, ALERT_KINDS, "data.alert.kind");
    checkWord(payload.value.severity, ALERT_SEVERITIES, "data.alert.severity");
    checkText(payload.value.text, "data.alert.text", MAX_ALERT_TEXT);
    return undefined;
  },
};
