/** The REST face as a client uses it: what is this domain's of it. */

import type { ExecutionEvent } from "@distribution/proto-types/execution/v1/execution";
import { ask, type Published, publishEvents, type ReadAnswer } from "@distribution/testkit/service";
import { TOPICS } from "../../src/domain/topics.ts";
import type { AlertView, ConfirmationView, ExecutionView, FillView, OrderView } from "../../src/domain/views.ts";
import { eventOf } from "./orders.ts";
import type { Ports } from "./service.ts";

export {
  get,
  getAfter,
  hasEvents,
  type Published,
  publishEvents,
  publishJson,
  type ReadAnswer,
  readPages,
  refusal,
} from "@distribution/testkit/service";

export type OrdersAnswer = ReadAnswer & { readonly orders: readonly OrderView[] };
export type OrderAnswer = ReadAnswer & { readonly order: OrderView; readonly executions: readonly ExecutionView[] };
export type FillsAnswer = ReadAnswer & { readonly date: string; readonly fills: readonly FillView[] };
export type ConfirmationsAnswer = ReadAnswer & { readonly confirmations: readonly ConfirmationView[] };
export type AlertsAnswer = ReadAnswer & { readonly alerts: readonly AlertView[] };

/** With its ETag, and 304 as it comes. */
export async function fetchTagged(ports: Ports, path: string, tag?: string) {
  const { status, headers } = await ask(ports, path, { headers: tag === undefined ? {} : { "if-none-match": tag } });
  return { status, tag: headers.get("etag") ?? "" };
}

export const publish = (ports: Ports, topic: string, ...events: readonly ExecutionEvent[]): Promise<Published> =>
  publishEvents(
    ports,
    topic,
    events.map((event) => eventOf(event)),
  );

export const publishOrders = (ports: Ports, ...events: readonly ExecutionEvent[]): Promise<Published> =>
  publish(ports, TOPICS.orders, ...events);
