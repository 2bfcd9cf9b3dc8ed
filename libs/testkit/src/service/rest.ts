/** A domain's REST face as a client uses it: publishes, reads with positions, refusals. */
import type { Position } from "@distribution/core/brokers";
import { type Event, EventBatch } from "@distribution/proto-types/distribution/v1/event";
import type { Ports } from "./runner.ts";
import { until } from "./until.ts";

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

export interface Published {
  readonly positions: readonly Position[];
  readonly duplicates: number;
}

/** Below /api/v1. Throws Refused. */
export async function request<T>(ports: Ports, path: string, init: RequestInit = {}): Promise<T> {
  const response = await fetch(`http://127.0.0.1:${ports.public}/api/v1${path}`, init);
  if (response.ok) return (await response.json()) as T;
  throw new Refused((await response.json()) as Problem);
}

/** Throws Refused. */
export const get = <T extends ReadAnswer>(ports: Ports, path: string): Promise<T> => request<T>(ports, path);

const post = (ports: Ports, topic: string, type: string, body: string | Uint8Array<ArrayBuffer>): Promise<Published> =>
  request(ports, `/topics/${topic}/events`, { method: "POST", headers: { "content-type": type }, body });

const batchOf = (events: readonly Event[]): Uint8Array<ArrayBuffer> =>
  new Uint8Array(EventBatch.encode({ events: [...events] }).finish());

/** As a protobuf batch. Throws Refused. */
export const publishEvents = (ports: Ports, topic: string, events: readonly Event[]): Promise<Published> =>
  post(ports, topic, "application/protobuf", batchOf(events));

/** A CloudEvent in JSON. Throws Refused. */
export const publishJson = (ports: Ports, topic: string, event: object): Promise<Published> =>
  post(ports, topic, "application/cloudevents+json", JSON.stringify(event));

/** CloudEvents in JSON, as one batch. Throws Refused. */
export const publishJsonBatch = (ports: Ports, topic: string, events: readonly object[]): Promise<Published> =>
  post(ports, topic, "application/cloudevents-batch+json", JSON.stringify(events));

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
