/** The log of a topic as any client reads it, and what orders come to by it, reckoned in whole numbers and apart from the service. */
import { logOf } from "@distribution/testkit/service";
import { unitsOf } from "./orders.ts";
import type { Ports } from "./service.ts";

/** As much of an event as is looked at; the payload in proto3 JSON. */
export interface LoggedEvent {
  readonly id: string;
  readonly type: string;
  readonly partitionkey: string;
  readonly data: {
    readonly orderId: string;
    readonly eventTime: string;
    readonly [member: string]: unknown;
  };
}

/** All of it, oldest first by partition. Throws when the answer is not whole. */
export async function readLog(ports: Ports, topic: string): Promise<readonly LoggedEvent[]> {
  return (await logOf<LoggedEvent>(ports, topic)).map(({ event }) => event);
}

/** Prices to 10^-6 and quantities to 10^-4, as the world makes them; their products and fees to 10^-10. */
export const PLACES = { quantity: 4, price: 6, amount: 10 } as const;

export interface Reckoned {
  state: string;
  quantity: bigint;
  filled: bigint;
  value: bigint;
  fees: bigint;
  fills: number;
}

interface LoggedFill {
  readonly lastQuantity: string;
  readonly lastPrice: string;
  readonly fee: string;
}

const STATES: Readonly<Record<string, string>> = {
  "execution.order-new.v1": "new",
  "execution.order-acknowledged.v1": "acknowledged",
  "execution.order-cancelled.v1": "cancelled",
  "execution.order-rejected.v1": "rejected",
  "execution.order-expired.v1": "expired",
};

/** By order_id. */
export function reckon(log: readonly LoggedEvent[]): ReadonlyMap<string, Reckoned> {
  const orders = new Map<string, Reckoned>();
  for (const { type, data } of log) {
    const before = orders.get(data.orderId);
    const order = before ?? { state: "", quantity: 0n, filled: 0n, value: 0n, fees: 0n, fills: 0 };
    orders.set(data.orderId, order);
    order.state = STATES[type] ?? order.state;
    const terms = (data["orderNew"] ?? data["orderReplaced"]) as { readonly quantity: string } | undefined;
    if (terms) order.quantity = unitsOf(terms.quantity, PLACES.quantity);
    const fill = data["fill"] as LoggedFill | undefined;
    if (!fill) continue;
    const quantity = unitsOf(fill.lastQuantity, PLACES.quantity);
    order.filled += quantity;
    order.value += quantity * unitsOf(fill.lastPrice, PLACES.price);
    order.fees += unitsOf(fill.fee, PLACES.amount);
    order.fills += 1;
    order.state = order.filled === order.quantity ? "filled" : "partially_filled";
  }
  return orders;
}
