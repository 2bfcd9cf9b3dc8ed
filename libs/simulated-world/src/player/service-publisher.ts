/** Publishing as an upstream of its own would: over the service's WebSocket, in protobuf; and asking what came, over REST. */
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import type { ReadableStream } from "node:stream/web";
import { type ConnectOptions, connect, type EventToPublish } from "@distribution/client";
import { DistributionError, type ErrorCode } from "@distribution/core/errors";
import type { Event } from "@distribution/proto-types/distribution/v1/event";
import type { Held, Publish } from "./publish.ts";

export interface ServicePublisher {
  readonly publish: Publish;
  readonly held: Held;
  /** What has no answer yet is rejected with `closed`. */
  close(): Promise<void>;
}

/** Begins to connect, and goes on until the service is there. Throws `misuse` on an address that is none. */
export function createServicePublisher(options: ConnectOptions): ServicePublisher {
  const client = connect(options);
  return {
    publish: (topic, events) => client.publish(topic, events.map(toPublish)),
    held: (topic, sinceNs) => readIds(historyOf(options.url, topic, sinceNs)),
    close: () => client.close(),
  };
}

/** What the world's events state; the service knows the class of their types. */
function toPublish({ id, source, type, subject, time, key, contentType, data, sequence }: Event): EventToPublish {
  return { id, source, type, subject, time, key, contentType, data, sequence };
}

function historyOf(url: string | URL, topic: string, sinceNs: bigint): URL {
  const history = new URL(`/api/v1/topics/${topic}/events?from=${sinceNs}`, url);
  history.protocol = history.protocol.replace("ws", "http");
  return history;
}

/** One line of a history in JSON lines: an event, or the last one. */
interface Line {
  readonly event?: { readonly id: string };
  readonly complete?: boolean;
}

/** Rejects with what the service answers instead, and with an Error when the history breaks off. */
async function readIds(history: URL): Promise<ReadonlySet<string>> {
  const response = await fetch(history, { headers: { accept: "application/x-ndjson" } });
  if (!response.ok) {
    const { code, detail } = (await response.json()) as { readonly code: ErrorCode; readonly detail: string };
    throw new DistributionError(code, detail);
  }
  const ids = new Set<string>();
  let whole = false;
  const lines = createInterface({ input: Readable.fromWeb(response.body as ReadableStream) });
  for await (const text of lines) {
    const { event, complete } = JSON.parse(text) as Line;
    if (event) ids.add(event.id);
    whole = complete === true;
  }
  if (!whole) throw new Error(`${history} broke off.`);
  return ids;
}
