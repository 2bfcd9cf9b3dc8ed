/** The REST face as a client uses it. */
import type { Position } from "@distribution/core/brokers";
import { until } from "@distribution/testkit/service";
import { cloudEvent, type TestEvent } from "./events.ts";
import type { Ports } from "./service.ts";

export interface Problem {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly errors: readonly { readonly path: string; readonly message: string }[];
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

/** Throws Refused. */
export async function request<T>(ports: Ports, path: string, init: RequestInit = {}): Promise<T> {
  const response = await fetch(`http://127.0.0.1:${ports.public}/api/v1${path}`, init);
  if (response.ok) return (await response.json()) as T;
  throw new Refused((await response.json()) as Problem);
}

export const get = <T>(ports: Ports, path: string): Promise<T & ReadAnswer> => request(ports, path);

export interface Published {
  readonly positions: readonly Position[];
  readonly duplicates: number;
}

/** As CloudEvents in JSON, all of one topic. */
export function publish(ports: Ports, ...events: readonly TestEvent[]): Promise<Published> {
  return request(ports, `/topics/${events[0]!.topic}/events`, {
    method: "POST",
    headers: { "content-type": "application/cloudevents-batch+json" },
    body: JSON.stringify(events.map(cloudEvent)),
  });
}

/** One after the other, whatever their topics. */
export async function publishEach(ports: Ports, events: readonly TestEvent[]): Promise<void> {
  for (const event of events) await publish(ports, event);
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

/** The answer once it is as it should be: what was acknowledged a moment ago comes milliseconds later. */
export function answerWhen<T>(
  ports: Ports,
  path: string,
  isThere: (answer: T & ReadAnswer) => boolean,
): Promise<T & ReadAnswer> {
  let last: unknown;
  return until(
    () => `${path} answers as expected; it says ${JSON.stringify(last)}`,
    async () => {
      const answer = await get<T>(ports, path).catch((failure: unknown) => {
        last = failure;
        return undefined;
      });
      if (answer === undefined) return undefined;
      last = answer;
      return isThere(answer) ? answer : undefined;
    },
  ) as Promise<T & ReadAnswer>;
}
