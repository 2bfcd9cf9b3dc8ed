/** The REST face as a client uses it. */
import type { Position } from "@distribution/core/brokers";
import type { Event } from "@distribution/proto-types/distribution/v1/event";
import type { IntelligenceEvent } from "@distribution/proto-types/intelligence/v1/intelligence";
import { until } from "@distribution/testkit/service";
import type { FindingView, SymbolView } from "../../src/domain/views.ts";
import { batchOf, eventOf, topicOf } from "./findings.ts";
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

export type FindingsAnswer = ReadAnswer & { readonly findings: readonly FindingView[] };
export type FindingAnswer = ReadAnswer & {
  readonly finding: FindingView;
  readonly sources?: { readonly findings: readonly FindingView[]; readonly missing: readonly string[] };
};
export type SymbolsAnswer = ReadAnswer & { readonly symbols: readonly SymbolView[] };

export interface Published {
  readonly positions: readonly Position[];
  readonly duplicates: number;
}

/** Throws Refused. */
async function request<T>(ports: Ports, path: string, init: RequestInit = {}): Promise<T> {
  const response = await fetch(`http://127.0.0.1:${ports.public}/api/v1${path}`, init);
  if (response.ok) return (await response.json()) as T;
  throw new Refused((await response.json()) as Problem);
}

/** Throws Refused. */
export const get = <T extends ReadAnswer>(ports: Ports, path: string): Promise<T> => request<T>(ports, path);

/** As a protobuf batch. Throws Refused. */
export function publishEvents(ports: Ports, topic: string, events: readonly Event[]): Promise<Published> {
  return request(ports, `/topics/${topic}/events`, {
    method: "POST",
    headers: { "content-type": "application/protobuf" },
    body: batchOf(events),
  });
}

/** Findings of one kind, on its topic, in one batch. Throws Refused. */
export const publish = (ports: Ports, ...findings: readonly IntelligenceEvent[]): Promise<Published> =>
  publishEvents(
    ports,
    topicOf(findings[0]!),
    findings.map((each) => eventOf(each)),
  );

/** A CloudEvent in JSON. Throws Refused. */
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

export interface PlacedCloudEvent {
  readonly position: Position;
  readonly event: Readonly<Record<string, unknown>> & { readonly id: string };
}

/** The whole log of a topic, oldest first. */
export async function history(ports: Ports, topic: string): Promise<readonly PlacedCloudEvent[]> {
  const answer = await request<{ readonly events: readonly PlacedCloudEvent[] }>(
    ports,
    `/topics/${topic}/events?limit=1000`,
  );
  return answer.events;
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

export const idsOf = ({ findings }: FindingsAnswer): string[] => findings.map(({ intelligenceId }) => intelligenceId);
