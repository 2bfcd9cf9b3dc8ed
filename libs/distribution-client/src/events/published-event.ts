/** An event, as a publisher gives it. */
import { type Attribute, Event } from "@distribution/proto-types/distribution/v1/event";
import { DistributionClientError } from "../errors.ts";
import { type EventClassName, eventClassOf } from "./event-class.ts";
import type { ExtensionValue } from "./received-event.ts";

export interface EventToPublish {
  /** Unique within the source, 1 to 256 bytes. Default: 128 random bits. Give it where the same event may be published twice. */
  readonly id?: string;
  /** URI-reference of the producer. */
  readonly source: string;
  readonly type: string;
  readonly subject?: string;
  /** When it happened: Unix nanoseconds, or a Date. Default: not stated. */
  readonly time?: bigint | Date;
  /** What order is kept for, at most 256 bytes. Default: no order is kept. */
  readonly key?: string;
  readonly class?: EventClassName;
  /** Default: `application/json`, or `application/protobuf` where data is bytes. */
  readonly contentType?: string;
  readonly dataSchema?: string;
  /** Bytes go as they are. Any other value goes as JSON, bigints in it as strings (the proto3 JSON mapping). */
  readonly data?: unknown;
  /** Place in the source's own sequence of this key, from 1. */
  readonly sequence?: bigint;
  /** 0 to 9. */
  readonly priority?: number;
  readonly extensions?: Readonly<Record<string, ExtensionValue>>;
}

const NS_PER_MS = 1_000_000n;

/** Throws `misuse` on what can't be put into an event at all; the rest is the service's to judge. */
export function toEvent(given: EventToPublish, index: number): Event {
  const { data, time, extensions = {} } = given;
  const bytes = data instanceof Uint8Array ? data : undefined;
  const contentType = bytes ? "application/protobuf" : data === undefined ? "" : "application/json";
  return Event.fromPartial({
    id: given.id ?? randomId(),
    source: given.source,
    type: given.type,
    subject: given.subject ?? "",
    time: time instanceof Date ? BigInt(time.getTime()) * NS_PER_MS : (time ?? 0n),
    key: given.key ?? "",
    ...(given.class !== undefined && { class: classOf(given.class, index) }),
    contentType: given.contentType ?? contentType,
    dataSchema: given.dataSchema ?? "",
    // The generated type says Buffer; the encoder takes any bytes.
    data: (bytes ?? jsonOf(data, index)) as Buffer | undefined,
    sequence: given.sequence ?? 0n,
    priority: given.priority ?? 0,
    extensions: Object.fromEntries(Object.entries(extensions).map(([name, value]) => [name, attributeOf(value)])),
  });
}

/** Not `crypto.randomUUID`, which web pages have over HTTPS only. */
function randomId(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

function jsonOf(data: unknown, index: number): Uint8Array | undefined {
  if (data === undefined) return undefined;
  try {
    const text = JSON.stringify(data, (_name, value: unknown) => (typeof value === "bigint" ? String(value) : value));
    return new TextEncoder().encode(text);
  } catch (cause) {
    throw new DistributionClientError("misuse", `events[${index}].data: has no JSON form; give bytes or plain values`, {
      errors: [{ path: `events[${index}].data`, message: "has no JSON form; give bytes or plain values" }],
      cause,
    });
  }
}

function classOf(name: EventClassName, index: number) {
  const value = eventClassOf(name);
  if (value !== undefined) return value;
  throw new DistributionClientError("misuse", `events[${index}].class: "${name}" is no event class`);
}

function attributeOf(value: ExtensionValue): Attribute {
  if (typeof value === "number") return { value: { $case: "integer", value } };
  if (typeof value === "boolean") return { value: { $case: "boolean", value } };
  return { value: { $case: "text", value } };
}
