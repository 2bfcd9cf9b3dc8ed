/** The REST face as a client uses it. */
import type { Position } from "@distribution/core/brokers";
import type { Event } from "@distribution/proto-types/distribution/v1/event";
import type { ExecutionEvent } from "@distribution/proto-types/execution/v1/execution";
import { until } from "@distribution/testkit/service";
import { TOPICS } from "../../src/domain/topics.ts";
import type { AlertView, ConfirmationView, ExecutionView, FillView, OrderView } from "../../src/domain/views.ts";
import { batchOf, eventOf } from "./orders.ts";
import type { Ports } from "./service.ts";

export interface Problem {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly errors?: readonly { readonly path: string; readonly message: string }[];
}

/** A problem document instead of the answer. */
export class Refused extends Error {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(`${problem.status} ${problem.code}: ${problem.detail}`);
    this.problem = problem;
  }
}

/** What every read says beside its own. */
export interface ReadAnswer {
  readonly positions: readonly Position[];
  readonly completeFrom?: string;
  readonly next?: string;
}

export type OrdersAnswer = ReadAnswer & { readonly orders: readonly OrderView[] };
export type OrderAnswer = ReadAnswer & { readonly order: OrderView; readonly executions: readonly ExecutionView[] };
export type FillsAnswer = ReadAnswer & { readonly date: string; readonly fills: readonly FillView[] };
export type ConfirmationsAnswer = ReadAnswer & { readonly confirmations: readonly ConfirmationView[] };
export type AlertsAnswer = ReadAnswer & { readonly alerts: readonly AlertView[] };

export interface Published {
  readonly positions: readonly Position[];
  readonly duplicates: number;
}

const url = (ports: Ports, path: string): string => `http://127.0.0.1:${ports.public}/api/v1${path}`;

/** Throws Refused. */
async function request<T>(ports: Ports, path: string, init: RequestInit = {}): Promise<T> {
  const response = await fetch(url(ports, path), init);
  if (response.ok) return (await response.json()) as T;
  throw new Refused((await response.json()) as Problem);
}

/** Throws Refused. */
export const get = <T extends ReadAnswer>(ports: Ports, path: string): Promise<T> => request<T>(ports, path);

/** With its ETag, and 304 as it comes. */
export async function fetchTagged(ports: Ports, path: string, tag?: string) {
  const response = await fetch(url(ports, path), { headers: tag === undefined ? {} : { "if-none-match": tag } });
  await response.arrayBuffer();
  return { status: response.status, tag: response.headers.get("etag") ?? "" };
}

/** As a protobuf batch. Throws Refused. */
export function publishEvents(ports: Ports, topic: string, events: readonly Event[]): Promise<Published> {
  return request(ports, `/topics/${topic}/events`, {
    method: "POST",
    headers: { "content-type": "application/protobuf" },
    body: batchOf(events),
  });
}

export const publish = (ports: Ports, topic: string, ...events: readonly ExecutionEvent[]): Promise<Published> =>
  publishEvents(
    ports,
    topic,
    events.map((event) => eventOf(event)),
  );

export const publishOrders = (ports: Ports, ...events: readonly ExecutionEvent[]): Promise<Published> =>
  publish(ports, TOPICS.orders, ...events);

/** A CloudEvent in JSON. */
export function publishJson(ports: Ports, topic: string, event: object): Promise<Published> {
  return request(ports, `/topics/${topic}/events`, {
    method: "POST",
    headers: { "content-type": "application/cloudevents+json" },
    body: JSON.stringify(event),
  });
}

/** How a call is refused. Throws when it is not. */
export async function refusal(call: Promise<unknown>): Promise<Problem> {
  try {
    await call;
  } catch (failure) {
    if (failure instanceof Refused) return failure.problem;
    throw failure;
  }
  throw new Error("It was not refused.");
}

const placeOf = ({ topic, partition, epoch, offset }: Position): string => `${topic}/${partition}/${epoch}/${offset}`;

/** The answer that has what was published last: it is in the read models milliseconds after its acknowledgement. */
export function getAfter<T extends ReadAnswer>(ports: Ports, { positions }: Published, path: string): Promise<T> {
  const last = new Map(positions.map((position) => [`${position.topic}/${position.partition}`, placeOf(position)]));
  return until(`${path} has ${[...last.values()].join(", ")}`, async () => {
    const answer = await get<T>(ports, path).catch(() => undefined);
    const places = answer?.positions.map(placeOf) ?? [];
    return [...last.values()].every((place) => places.includes(place)) ? answer : undefined;
  }) as Promise<T>;
}
