/** The state machine of orders, asked directly: what an order comes to, or why it does not. */
import { DistributionError } from "@distribution/core/errors";
import { Event } from "@distribution/proto-types/distribution/v1/event";
import type { ExecutionEvent } from "@distribution/proto-types/execution/v1/execution";
import { expect } from "vitest";
import { nextOrder, type Order } from "../../src/domain/order.ts";

/** Whole values and frozen states: whatever `nextOrder` did to what it is given would be seen. */
export const next = (order: Order | undefined, event: ExecutionEvent, key = event.orderId): Order =>
  deepFreeze(nextOrder(order, { envelope: Event.create({ key }), payload: event }));

export const orderAfter = (...events: readonly ExecutionEvent[]): Order =>
  events.reduce<Order | undefined>((order, event) => next(order, event), undefined)!;

function deepFreeze(order: Order): Order {
  for (const execution of order.executions) Object.freeze(execution);
  Object.freeze(order.executions);
  return Object.freeze(order);
}

function refusal(order: Order | undefined, event: ExecutionEvent, key = event.orderId): DistributionError {
  try {
    next(order, event, key);
  } catch (failure) {
    if (failure instanceof DistributionError) return failure;
    throw failure;
  }
  throw new Error("It was taken.");
}

/** Code, path and message of the refusal. */
export const reasonOf = (order: Order | undefined, event: ExecutionEvent, key?: string) => {
  const { code, errors } = refusal(order, event, key);
  return [code, errors[0]?.path, errors[0]?.message];
};

export const illegal = (path: string, message: RegExp) => ["illegal_transition", path, expect.stringMatching(message)];
export const invalid = (path: string, message: RegExp) => ["invalid_event", path, expect.stringMatching(message)];
