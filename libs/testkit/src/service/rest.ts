/** A domain's REST face as a client uses it: publishes, reads with positions, refusals. */
import type { Position } from "@distribution/core/brokers";
import { type Event, EventBatch } from "@distribution/proto-types/distribution/v1/event";
import type { Ports as AllPorts } from "./runner.ts";
import { until } from "./until.ts";

type Ports = Pick<AllPorts, "public">;

/** What a path below /api/v1 is answered. */
export interface Reply<Body = Readonly<Record<string, unknown>>> {
  readonly status: number;
  readonly headers: Headers;
  /** Of an answer without a body: {}. */
  readonly body: Body;
}

export interface Problem {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly errors: readonly { readonly path: string; readonly message: string }[];
}

/** A problem document instead of the answer. */
export class Refused extends Error {
  readonly problem: Problem;
  readonly status: number;
  readonly code: string;

  constructor(problem: Problem) {
    const { status, code, detail } = problem;
    super(`${status} ${code}: ${detail}`);
    this.problem = problem;
    this.status = status;
    this.code = code;
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

/** As a topic's log is read in JSON. */
export interface PlacedCloudEvent<
  CloudEvent = Readonly<Record<string, unknown>> & { readonly id: string; readonly data?: unknown },
> {
  readonly position: Position;
  readonly event: CloudEvent;
}

const fetchFrom = (ports: Ports, path: string, init: RequestInit): Promise<Response> =>
  fetch(`http://127.0.0.1:${ports.public}/api/v1${path}`, init);

/** Whatever the answer is. */
export async function ask<Body = Readonly<Record<string, unknown>>>(
  ports: Ports,
  path: string,
  init: RequestInit = {},
): Promise<Reply<Body>> {
  const response = await fetchFrom(ports, path, init);
  const { status, headers } = response;
  const text = await response.text();
  return { status, headers, body: (text === "" ? {} : JSON.parse(text)) as Body };
}

/** The answer once it is as wanted: what was acknowledged a moment ago is in read models milliseconds later. */
export function askUntil<Body = Readonly<Record<string, unknown>>>(
  ports: Ports,
  path: string,
  wanted: (reply: Reply<Body>) => boolean,
): Promise<Reply<Body>> {
  let last: Reply<Body> | undefined;
  return until(
    () => `${path} answers as wanted; it answers ${last?.status} ${JSON.stringify(last?.body)}`,
    async () => {
      last = await ask<Body>(ports, path);
      return wanted(last) ? last : undefined;
    },
  );
}

/** Throws Refused. */
export async function request<T>(ports: Ports, path: string, init: RequestInit = {}): Promise<T> {
  const { status, body } = await ask<T | Problem>(ports, path, init);
  if (status >= 200 && status < 300) return body as T;
  throw new Refused(body as Problem);
}

/** A read of the domain's. Throws Refused. */
export const get = <T>(ports: Ports, path: string): Promise<T & ReadAnswer> => request(ports, path);

/** Publishes what is in the body, in this content type. Throws Refused. */
export const publishBody = (
  ports: Ports,
  topic: string,
  type: string,
  body: string | Uint8Array<ArrayBuffer>,
  headers: Readonly<Record<string, string>> = {},
): Promise<Published> =>
  request(ports, `/topics/${topic}/events`, { method: "POST", headers: { "content-type": type, ...headers }, body });

const batchOf = (events: readonly Event[]): Uint8Array<ArrayBuffer> =>
  new Uint8Array(EventBatch.encode({ events: [...events] }).finish());

/** As a protobuf batch. Throws Refused. */
export const publishEvents = (ports: Ports, topic: string, events: readonly Event[]): Promise<Published> =>
  publishBody(ports, topic, "application/protobuf", batchOf(events));

/** A CloudEvent in JSON. Throws Refused. */
export const publishJson = (ports: Ports, topic: string, event: object): Promise<Published> =>
  publishBody(ports, topic, "application/cloudevents+json", JSON.stringify(event));

/** CloudEvents in JSON, as one batch. Throws Refused. */
export const publishJsonBatch = (ports: Ports, topic: string, events: readonly object[]): Promise<Published> =>
  publishBody(ports, topic, "application/cloudevents-batch+json", JSON.stringify(events));

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

/** The answer that has what was published last. */
export async function getAfter<T>(ports: Ports, { positions }: Published, path: string): Promise<T & ReadAnswer> {
  const last = new Map(positions.map((position) => [`${position.topic}/${position.partition}`, placeOf(position)]));
  const hasThem = ({ body }: Reply<T & Partial<ReadAnswer>>): boolean => {
    const places = body.positions?.map(placeOf) ?? [];
    return [...last.values()].every((place) => places.includes(place));
  };
  return (await askUntil(ports, path, hasThem)).body as T & ReadAnswer;
}

/** What all pages of a list have, one after the other. Throws Refused. */
export async function readPages<T, Item>(
  ports: Ports,
  path: string,
  itemsOf: (page: T) => readonly Item[],
): Promise<Item[]> {
  const items: Item[] = [];
  let next: string | undefined;
  do {
    const cursor = next === undefined ? "" : `&cursor=${next}`;
    const page = await get<T>(ports, `${path}${path.includes("?") ? "&" : "?"}limit=1000${cursor}`);
    items.push(...itemsOf(page));
    ({ next } = page);
  } while (next !== undefined);
  return items;
}

/** Whether the logs of the topics have so many events. What a broker says of them may be an estimate, and is asked first. */
export async function hasEvents(ports: Ports, least: number, ...topics: readonly string[]): Promise<boolean> {
  const logs = await Promise.all(
    topics.map((topic) =>
      request<{ readonly logs: readonly { readonly events: number }[] }>(ports, `/topics/${topic}`),
    ),
  );
  if (logs.flatMap((each) => each.logs).reduce((sum, { events }) => sum + events, 0) < least) return false;
  const whole = await Promise.all(topics.map((topic) => logOf(ports, topic)));
  return whole.reduce((sum, { length }) => sum + length, 0) >= least;
}

/** The whole log of a topic, oldest first by partition. `query`: what is to be chosen of it. Throws when the answer is not whole. */
export async function logOf<CloudEvent = PlacedCloudEvent["event"]>(
  ports: Ports,
  topic: string,
  query = "",
): Promise<PlacedCloudEvent<CloudEvent>[]> {
  const headers = { accept: "application/x-ndjson" };
  const response = await fetchFrom(ports, `/topics/${topic}/events?${query}`, { headers });
  const lines = (await response.text()).trimEnd().split("\n");
  const last = JSON.parse(lines.pop() ?? "{}") as { complete?: boolean };
  if (last.complete !== true) throw new Error(`The history of ${topic} is not whole: ${JSON.stringify(last)}`);
  return lines.map((line) => JSON.parse(line) as PlacedCloudEvent<CloudEvent>);
}

/** The value of one metric, labels included in the name as Prometheus writes them; NaN while there is none. */
export async function metric({ admin }: Pick<AllPorts, "admin">, name: string): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${admin}/metrics`);
  const line = (await response.text()).split("\n").find((each) => each.startsWith(`${name} `));
  return Number(line?.slice(name.length + 1));
}
