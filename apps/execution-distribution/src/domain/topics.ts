/** The topics of this service: what is published where, how it is kept, and in which order. */
import type { EventTypeDefinition, TopicDefinition } from "@distribution/core/topics";
import { messageOf } from "@distribution/proto-types/descriptors";
import { EventClass } from "@distribution/proto-types/distribution/v1/event";
import { EXAMPLES } from "./examples.ts";

export const TOPICS = {
  orders: "execution.orders",
  confirmations: "execution.confirmations",
  alerts: "execution.alerts",
} as const;

export const EVENT_TYPES = {
  orderNew: "execution.order-new.v1",
  orderAcknowledged: "execution.order-acknowledged.v1",
  orderFilled: "execution.order-filled.v1",
  orderReplaced: "execution.order-replaced.v1",
  orderCancelled: "execution.order-cancelled.v1",
  orderRejected: "execution.order-rejected.v1",
  orderExpired: "execution.order-expired.v1",
  tradeConfirmed: "execution.trade-confirmed.v1",
  alert: "execution.alert.v1",
} as const;

const KIB = 1024;
const MIB = 1024 * KIB;
const DAY_MS = 86_400_000;
/** As long as venues let an order rest: an order that goes on can be built from the log, whatever else is lost. */
const RETENTION_MS = 90 * DAY_MS;

const { ORDER, TRADE, ALERT } = EventClass;
const message = messageOf("execution.v1.ExecutionEvent");

const type = (
  name: keyof typeof EVENT_TYPES,
  member: string,
  eventClass: EventClass,
  key: string,
  description: string,
): EventTypeDefinition => ({
  ...{ type: EVENT_TYPES[name], class: eventClass, description, key, member },
  example: EXAMPLES[name],
});

const REJECTED = type("orderRejected", "order_rejected", ORDER, "order_id", "The venue did not take the order.");

/** Partitions spread orders over readers and replicas, and keep each order's life in order. Retention in bytes is by partition. */
export const EXECUTION_TOPICS: readonly TopicDefinition[] = [
  {
    name: TOPICS.orders,
    description: "The life of every order, from its submission to its end; what cannot follow is refused.",
    partitions: 4,
    retention: { ms: RETENTION_MS, bytes: 16_384 * MIB },
    compaction: false,
    message,
    eventTypes: [
      type("orderNew", "order_new", ORDER, "order_id", "An order was sent to its venue."),
      type("orderAcknowledged", "order_acknowledged", ORDER, "order_id", "The venue took the order."),
      type("orderFilled", "fill", TRADE, "order_id", "A part of the order was traded, or the last of it."),
      type("orderReplaced", "order_replaced", ORDER, "order_id", "The venue took new terms for what is open."),
      type("orderCancelled", "order_cancelled", ORDER, "order_id", "What was open was taken back."),
      REJECTED,
      type("orderExpired", "order_expired", ORDER, "order_id", "What was open lapsed by its terms."),
    ],
    ringBytes: 16 * MIB,
    table: { keys: 50_000, bytes: 16 * MIB },
  },
  {
    name: TOPICS.confirmations,
    description: "Fills as the counterparty or clearing house confirmed them.",
    partitions: 2,
    retention: { ms: RETENTION_MS, bytes: 4096 * MIB },
    compaction: false,
    message,
    eventTypes: [type("tradeConfirmed", "trade_confirmed", TRADE, "order_id", "A fill is confirmed.")],
    ringBytes: 4 * MIB,
    table: { keys: 50_000, bytes: 16 * MIB },
  },
  // After the topic that rejections are published on: a published event's position is its first destination's.
  {
    name: TOPICS.alerts,
    description: "What a desk has to look at: alerts, and the rejections of execution.orders, copied by route.",
    partitions: 1,
    retention: { ms: RETENTION_MS, bytes: 1024 * MIB },
    compaction: false,
    priority: 9,
    message,
    eventTypes: [
      type(
        "alert",
        "alert",
        ALERT,
        "instrument, venue:symbol",
        "Something is wrong with an order, a market or a venue.",
      ),
      REJECTED,
    ],
    ringBytes: 2 * MIB,
    table: { keys: 20_000, bytes: 8 * MIB },
  },
];
