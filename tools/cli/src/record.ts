/** An event as this program prints it: the same object for tail, latest, history and replay, and for publish to take. */
import { formatTime, type Position, type ReceivedEvent } from "@distribution/client";

/** A CloudEvents 1.0 JSON object. */
export type CloudEvent = Readonly<Record<string, unknown>>;

export interface EventRecord {
  /** Absent: it came in a snapshot. */
  readonly position?: Position;
  /** RFC 3339; where the log was read. */
  readonly appendedAt?: string;
  /** Above 1: delivered before. */
  readonly attempt?: number;
  readonly event: CloudEvent;
}

export function recordOf(received: ReceivedEvent<unknown>): EventRecord {
  const { position, attempt } = received;
  return { ...(position && { position }), ...(attempt > 1 && { attempt }), event: cloudEventOf(received) };
}

function cloudEventOf(received: ReceivedEvent<unknown>): CloudEvent {
  const { data, sequence, priority } = received;
  const optional = {
    subject: received.subject,
    time: received.time === 0n ? "" : formatTime(received.time),
    datacontenttype: received.contentType,
    dataschema: received.dataSchema,
    partitionkey: received.key,
    sequence: sequence === 0n ? "" : String(sequence),
    eventclass: received.class,
    ingestedtime: received.ingested === 0n ? "" : formatTime(received.ingested),
  };
  return {
    specversion: "1.0",
    id: received.id,
    source: received.source,
    type: received.type,
    ...Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== "")),
    ...(priority > 0 && { priority }),
    ...received.extensions,
    ...(data instanceof Uint8Array
      ? { data_base64: Buffer.from(data).toString("base64") }
      : data !== undefined && { data }),
  };
}

/** Short names for what CloudEvents calls otherwise, or keeps elsewhere. */
const ALIASES: Readonly<Record<string, (record: EventRecord) => unknown>> = {
  key: ({ event }) => event["partitionkey"],
  class: ({ event }) => event["eventclass"],
  topic: ({ position }) => position?.topic,
  partition: ({ position }) => position?.partition,
  epoch: ({ position }) => position?.epoch,
  offset: ({ position }) => position?.offset,
  appendedAt: ({ appendedAt }) => appendedAt,
  attempt: ({ attempt }) => attempt ?? 1,
};

export const SHORT_NAMES: readonly string[] = Object.keys(ALIASES);

/** By a short name, or a dotted path into the CloudEvent such as `data.trade.price`. Undefined: there is no such thing. */
export function fieldOf(record: EventRecord, path: string): unknown {
  const alias = Object.hasOwn(ALIASES, path) ? ALIASES[path] : undefined;
  return alias ? alias(record) : valueAt(record.event, path);
}

export function valueAt(value: unknown, path: string): unknown {
  let at = value;
  for (const name of path.split(".")) {
    if (typeof at !== "object" || at === null || !Object.hasOwn(at, name)) return undefined;
    at = (at as Readonly<Record<string, unknown>>)[name];
  }
  return at;
}
