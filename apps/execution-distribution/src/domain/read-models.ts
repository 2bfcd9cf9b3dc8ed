/**
 * What this service answers: projections of its topics. They are folds of the log and hold nothing that is not in it; the core
 * feeds, bounds, saves and restores them.
 */
import { fieldError } from "@distribution/core/errors";
import {
  createProjection,
  defineIndex,
  type Entry,
  from,
  lastChange,
  type Projection,
} from "@distribution/core/projections";
import { ExecutionEvent } from "@distribution/proto-types/execution/v1/execution";
import { dayOf } from "./days.ts";
import { isFinal, nextOrder, type Order } from "./order.ts";
import { TOPICS } from "./topics.ts";
import {
  type AlertView,
  alertView,
  bytesOf,
  bytesOfOrder,
  type ConfirmationView,
  confirmationView,
  type FillView,
  fillView,
} from "./views.ts";

/** Keys and bytes of each: what changed longest ago is forgotten at the bound. */
export interface ReadModelBounds {
  /** More than can be open at a time: open ones are forgotten last, and then no more is taken of them. */
  readonly orders: Bounds;
  readonly fills: Bounds;
  readonly confirmations: Bounds;
  readonly alerts: Bounds;
}

interface Bounds {
  readonly keys: number;
  readonly bytes: number;
}

const MIB = 1024 * 1024;

export const DEFAULT_BOUNDS: ReadModelBounds = {
  orders: { keys: 100_000, bytes: 192 * MIB },
  fills: { keys: 200_000, bytes: 192 * MIB },
  confirmations: { keys: 100_000, bytes: 96 * MIB },
  alerts: { keys: 10_000, bytes: 16 * MIB },
};

export interface KnownOrder {
  readonly order: Order;
  /** When the service took its first event, Unix nanoseconds. */
  readonly createdAt: bigint;
}

export interface ReadModels {
  /** By order_id. */
  readonly orders: Projection<KnownOrder>;
  /** By order_id/execution_id. */
  readonly fills: Projection<FillView>;
  /** By order_id/confirmation_id. */
  readonly confirmations: Projection<ConfirmationView>;
  /** By the event's source and id: alerts, and rejections of orders. */
  readonly alerts: Projection<AlertView>;
}

/** Ids hold no "/". */
export const confirmationKey = (orderId: string, confirmationId: string): string => `${orderId}/${confirmationId}`;

/** The list of everything in an index with groups. */
export const ALL = "all";

/** Lists by what a listing is asked for most selectively. Names of groups cannot meet: each kind has its letter. */
const ordersIn = ({ state: { order } }: Entry<KnownOrder>): readonly string[] => [
  ALL,
  `s:${order.state}`,
  `p:${order.portfolioId}`,
  `i:${order.instrument}`,
  ...(order.decisionId === "" ? [] : [`d:${order.decisionId}`]),
];

export const ORDERS_BY = {
  changed: defineIndex<KnownOrder, bigint>({ name: "by-change", group: ordersIn, sort: lastChange }),
  created: defineIndex<KnownOrder, bigint>({
    name: "by-creation",
    group: ordersIn,
    sort: ({ state }) => state.createdAt,
  }),
} as const;

export const fillsOf = (day: string, instrument = "", portfolioId = ""): string =>
  `${day} ${instrument} ${portfolioId}`;

export const FILLS_BY_TIME = defineIndex<FillView, bigint>({
  name: "by-time",
  group({ state: { time, instrument, portfolioId } }) {
    const day = dayOf(BigInt(time));
    return [
      fillsOf(day),
      fillsOf(day, instrument),
      fillsOf(day, "", portfolioId),
      fillsOf(day, instrument, portfolioId),
    ];
  },
  sort: ({ state }) => BigInt(state.time),
});

export const CONFIRMATIONS_BY_CHANGE = defineIndex<ConfirmationView, bigint>({
  name: "by-change",
  group: ({ state: { confirmationId, orderId, portfolioId, instrument } }) => [
    ...[ALL, `c:${confirmationId}`, `o:${orderId}`, `p:${portfolioId}`, `i:${instrument}`],
  ],
  sort: lastChange,
});

export const ALERTS_BY_CHANGE = defineIndex<AlertView, bigint>({ name: "by-change", sort: lastChange });

export function createReadModels(bounds: ReadModelBounds = DEFAULT_BOUNDS): ReadModels {
  return {
    orders: ordersModel(bounds.orders),
    fills: fillsModel(bounds.fills),
    confirmations: confirmationsModel(bounds.confirmations),
    alerts: alertsModel(bounds.alerts),
  };
}

function ordersModel(bounds: Bounds): Projection<KnownOrder> {
  return createProjection<KnownOrder>({
    ...{ name: "orders", version: 1, bounds, indexes: Object.values(ORDERS_BY) },
    missing: (key) => `There is no order ${key}. GET /api/v1/orders lists what is known.`,
    sizeOf: ({ order }) => bytesOfOrder(order),
    keep: ({ order }) => !isFinal(order),
    sources: [
      from(TOPICS.orders, ExecutionEvent, {
        apply(known: KnownOrder | undefined, event) {
          return { order: nextOrder(known?.order, event), createdAt: known?.createdAt ?? event.appendedAt };
        },
      }),
    ],
  });
}

function fillsModel(bounds: Bounds): Projection<FillView> {
  return createProjection<FillView>({
    ...{ name: "fills", version: 1, bounds, sizeOf: bytesOf, indexes: [FILLS_BY_TIME] },
    sources: [
      from(TOPICS.orders, ExecutionEvent, {
        key: ({ payload: { orderId, payload } }) =>
          payload?.$case === "fill" ? `${orderId}/${payload.value.executionId}` : undefined,
        apply: (_: FillView | undefined, { payload }) => fillView(payload),
      }),
    ],
  });
}

function confirmationsModel(bounds: Bounds): Projection<ConfirmationView> {
  return createProjection<ConfirmationView>({
    ...{ name: "confirmations", version: 1, bounds, sizeOf: bytesOf, indexes: [CONFIRMATIONS_BY_CHANGE] },
    sources: [
      from(TOPICS.confirmations, ExecutionEvent, {
        key({ payload: { orderId, payload } }) {
          if (payload?.$case !== "tradeConfirmed") throw fieldError("invalid_event", "data", "It is no confirmation.");
          return confirmationKey(orderId, payload.value.confirmationId);
        },
        apply: (_: ConfirmationView | undefined, { payload }) => confirmationView(payload),
      }),
    ],
  });
}

function alertsModel(bounds: Bounds): Projection<AlertView> {
  return createProjection<AlertView>({
    ...{ name: "alerts", version: 1, bounds, sizeOf: bytesOf, indexes: [ALERTS_BY_CHANGE] },
    sources: [
      from(TOPICS.alerts, ExecutionEvent, {
        key: ({ envelope: { source, id } }) => `${source} ${id}`,
        apply: (_: AlertView | undefined, { envelope, payload }) => alertView(envelope.id, payload),
      }),
    ],
  });
}
