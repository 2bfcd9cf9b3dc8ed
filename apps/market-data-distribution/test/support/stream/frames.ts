/** Server frames as the clients of these tests read them: by the generated types, or as plain JSON. */
import { type Event, EventClass } from "@distribution/proto-types/distribution/v1/event";
import { ServerFrame } from "@distribution/proto-types/distribution/v1/frames";
import type { Frame } from "./contract.ts";

export function frameOfProto(bytes: Uint8Array): Frame {
  const { ref, frame } = ServerFrame.decode(bytes);
  return { ref, kind: frame?.$case ?? "", value: { ...frame?.value } };
}

export function frameOfJson(frame: object): Frame {
  const { ref = "", ...rest } = frame as { ref?: string };
  const [kind, value] = Object.entries(rest)[0] ?? ["", {}];
  return { ref, kind, value: value as Frame["value"] };
}

/** An event as any wire brings it, in one form. */
export interface ReceivedEvent {
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly subject: string;
  readonly key: string;
  readonly sequence: string;
  readonly eventClass: string;
  /** Unix nanoseconds, 0: not stated. */
  readonly time: string;
  readonly ingested: string;
  readonly contentType: string;
  /** The value of a JSON payload; `base64:...` of any other. */
  readonly payload: unknown;
}

export function eventOf(event: object): ReceivedEvent {
  return "specversion" in event ? ofCloudEvent(event as Record<string, string>) : ofProto(event as Event);
}

function ofProto(event: Event): ReceivedEvent {
  const { id, source, type, subject, key, contentType } = event;
  const data = event.data ?? Buffer.alloc(0);
  return {
    ...{ id, source, type, subject, key, contentType },
    sequence: String(event.sequence),
    eventClass: event.class === EventClass.UNSPECIFIED ? "" : event.class.replace("EVENT_CLASS_", "").toLowerCase(),
    time: String(event.time),
    ingested: String(event.ingested),
    payload: contentType === "application/json" ? JSON.parse(data.toString()) : `base64:${data.toString("base64")}`,
  };
}

function ofCloudEvent(event: Readonly<Record<string, string>>): ReceivedEvent {
  const { id = "", source = "", type = "", subject = "", partitionkey = "", sequence = "0", eventclass = "" } = event;
  return {
    ...{ id, source, type, subject, key: partitionkey, sequence, eventClass: eventclass },
    time: nanoseconds(event["time"]),
    ingested: nanoseconds(event["ingestedtime"]),
    contentType: event["datacontenttype"] ?? "",
    payload: event["data_base64"] === undefined ? event["data"] : `base64:${event["data_base64"]}`,
  };
}

function nanoseconds(time: string | undefined): string {
  if (time === undefined) return "0";
  const [, seconds = "", fraction = ""] = /^(.{19})(?:\.(\d+))?Z$/.exec(time) ?? [];
  return String(BigInt(Date.parse(`${seconds}Z`)) * 1_000_000n + BigInt(fraction.padEnd(9, "0")));
}
