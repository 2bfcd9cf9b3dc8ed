/** The REST face as a client uses it. */
import { EventBatch } from "@distribution/proto-types/distribution/v1/event";
import { until } from "@distribution/testkit/service";
import { type Told, toCloudEvent, toEvent } from "./events.ts";
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

export interface Reply<Body = Record<string, unknown>> {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Body;
}

/** What a problem document says, as far as tests look at it. */
export interface Problem {
  readonly code: string;
  readonly detail: string;
  readonly errors: readonly { readonly path: string; readonly message: string }[];
}

const urlOf = ({ public: port }: Ports, path: string): string => `http://127.0.0.1:${port}/api/v1${path}`;

export async function get<Body = Record<string, unknown>>(
  ports: Ports,
  path: string,
  headers: Record<string, string> = {},
): Promise<Reply<Body>> {
  const response = await fetch(urlOf(ports, path), { headers });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: (text === "" ? {} : JSON.parse(text)) as Body };
}

async function post<Body>(
  ports: Ports,
  topic: string,
  type: string,
  body: string | Uint8Array<ArrayBuffer>,
): Promise<Reply<Body>> {
  const headers = { "content-type": type };
  const response = await fetch(urlOf(ports, `/topics/${topic}/events`), { method: "POST", headers, body });
  return { status: response.status, headers: response.headers, body: (await response.json()) as Body };
}

/** As a batch of CloudEvents in JSON. All have the topic of the first. */
export function offer(ports: Ports, ...told: readonly Told[]): Promise<Reply<Problem & PublishAnswer>> {
  const body = JSON.stringify(told.map(toCloudEvent));
  return post(ports, told[0]!.topic, "application/cloudevents-batch+json", body);
}

/** As a protobuf EventBatch. */
export function offerProtobuf(ports: Ports, ...told: readonly Told[]): Promise<Reply<Problem & PublishAnswer>> {
  const events = told.map(toEvent);
  return post(ports, told[0]!.topic, "application/protobuf", new Uint8Array(EventBatch.encode({ events }).finish()));
}

/** Offers, by topic in their order, what has to be taken. Resolves when read models have it. */
export async function tell(ports: Ports, ...told: readonly Told[]): Promise<readonly Position[]> {
  const positions: Position[] = [];
  for (const [first, ...rest] of runsOf(told)) {
    const { status, body } = await offer(ports, first!, ...rest);
    if (status !== 201) throw new Error(`${status} ${JSON.stringify(body)}`);
    positions.push(...body.positions);
  }
  return positions;
}

/** Neighbours of one topic together. */
function runsOf(told: readonly Told[]): readonly (readonly Told[])[] {
  const runs: Told[][] = [];
  for (const each of told) {
    const last = runs.at(-1);
    if (last?.[0]?.topic === each.topic) last.push(each);
    else runs.push([each]);
  }
  return runs;
}

/** The answer once it is as wanted: what was acknowledged is in read models a moment later. */
export function eventually<Body>(
  ports: Ports,
  path: string,
  wanted: (reply: Reply<Body>) => boolean,
): Promise<Reply<Body>> {
  let last: Reply<Body> | undefined;
  return until(
    () => `${path} answers as wanted; it answers ${JSON.stringify(last?.body)}`,
    async () => {
      last = await get<Body>(ports, path);
      return wanted(last) ? last : undefined;
    },
  );
}

export interface PlacedCloudEvent {
  readonly position: Position;
  readonly event: Readonly<Record<string, unknown>> & { readonly id: string; readonly data?: unknown };
}

/** The whole log of a topic, oldest first by partition. Throws when the answer is not whole. */
export async function logOf(ports: Ports, topic: string): Promise<PlacedCloudEvent[]> {
  const response = await fetch(urlOf(ports, `/topics/${topic}/events`), {
    headers: { accept: "application/x-ndjson" },
  });
  const lines = (await response.text()).trimEnd().split("\n");
  const last = JSON.parse(lines.pop() ?? "{}") as { complete?: boolean };
  if (last.complete !== true) throw new Error(`The history of ${topic} is not whole: ${JSON.stringify(last)}`);
  return lines.map((line) => JSON.parse(line) as PlacedCloudEvent);
}
