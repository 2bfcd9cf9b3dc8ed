/** The REST face as a client uses it. */
import { type Event, EventBatch } from "@distribution/proto-types/distribution/v1/event";
import type { Ports } from "./service.ts";

export interface Position {
  readonly topic: string;
  readonly partition: number;
  readonly epoch: string;
  readonly offset: string;
}

export interface PublishAnswer {
  readonly positions: readonly Position[];
  readonly duplicates: number;
}

/** A problem document instead of the answer. */
export class Refused extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, detail: string) {
    super(`${status} ${code}: ${detail}`);
    this.status = status;
    this.code = code;
  }
}

export interface PlacedCloudEvent {
  readonly position: Position;
  readonly event: Readonly<Record<string, unknown>> & { readonly id: string; readonly data?: unknown };
}

export interface Health {
  readonly status: number;
  readonly ready: boolean;
  readonly reasons: readonly string[];
}

export const topicPath = (topic: string): string => `/api/v1/topics/${topic}/events`;

/** Throws Refused. */
export async function request<T>(ports: Ports, path: string, init: RequestInit = {}): Promise<T> {
  const response = await fetch(`http://127.0.0.1:${ports.public}${path}`, init);
  if (response.ok) return (await response.json()) as T;
  const { code, detail } = (await response.json()) as { code: string; detail: string };
  throw new Refused(response.status, code, detail);
}

export function post(
  ports: Ports,
  topic: string,
  type: string,
  body: string | Uint8Array<ArrayBuffer>,
  headers: Record<string, string> = {},
) {
  return request<PublishAnswer>(ports, topicPath(topic), {
    method: "POST",
    headers: { "content-type": type, ...headers },
    body,
  });
}

/** As a protobuf EventBatch. */
export function publish(ports: Ports, topic: string, events: readonly Event[]): Promise<PublishAnswer> {
  return post(
    ports,
    topic,
    "application/protobuf",
    new Uint8Array(EventBatch.encode({ events: [...events] }).finish()),
  );
}

/** The whole log of a topic, oldest first by partition. Throws when the answer is not whole. */
export async function history(ports: Ports, topic: string, query = ""): Promise<PlacedCloudEvent[]> {
  const response = await fetch(`http://127.0.0.1:${ports.public}${topicPath(topic)}?${query}`, {
    headers: { accept: "application/x-ndjson" },
  });
  const lines = (await response.text()).trimEnd().split("\n");
  const last = JSON.parse(lines.pop() ?? "{}") as { complete?: boolean };
  if (last.complete !== true) throw new Error(`The history of ${topic} is not whole: ${JSON.stringify(last)}`);
  return lines.map((line) => JSON.parse(line) as PlacedCloudEvent);
}

export async function readiness(ports: Ports): Promise<Health> {
  const response = await fetch(`http://127.0.0.1:${ports.admin}/readyz`);
  const { ready, reasons } = (await response.json()) as Omit<Health, "status">;
  return { status: response.status, ready, reasons };
}

/** The value of one metric, labels included in the name as Prometheus writes them. */
export async function metric(ports: Ports, name: string): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${ports.admin}/metrics`);
  const line = (await response.text()).split("\n").find((each) => each.startsWith(`${name} `));
  return Number(line?.slice(name.length + 1));
}
