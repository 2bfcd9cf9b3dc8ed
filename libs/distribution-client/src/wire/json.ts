/** Frames in JSON: subprotocol `distribution.v1+json`, the proto3 JSON mapping with events as CloudEvents. */
import { Events, ServerFrame, Snapshot } from "@distribution/proto-types/distribution/v1/frames";
import { readCloudEvent, writeCloudEvent } from "./cloud-event.ts";
import type { ClientMessage, FrameCodec, ServerMessage } from "./frames.ts";

type JsonObject = Readonly<Record<string, unknown>>;

export const jsonCodec: FrameCodec = {
  protocol: "distribution.v1+json",
  encode: (ref, message) => JSON.stringify({ ...(ref !== "" && { ref }), [message.$case]: bodyOf(message) }),
  decode(data) {
    if (typeof data !== "string") throw new TypeError("A binary message came where text ones are agreed.");
    const { ref = "", ...frame } = JSON.parse(data) as JsonObject & { ref?: string };
    const [kind, value] = Object.entries(frame)[0] ?? [];
    return { ref, message: kind === undefined ? undefined : messageOf(kind, value as JsonObject) };
  },
};

function messageOf(kind: string, value: JsonObject): ServerMessage | undefined {
  switch (kind) {
    case "events":
      return { $case: kind, value: { ...Events.fromPartial({ ...value, events: [] }), events: eventsIn(value) } };
    case "snapshot":
      return { $case: kind, value: { ...Snapshot.fromPartial({ ...value, events: [] }), events: eventsIn(value) } };
    default:
      // Takes 64-bit numbers as the strings that they are in JSON.
      return ServerFrame.fromPartial({ frame: { $case: kind, value } as never }).frame as ServerMessage | undefined;
  }
}

const eventsIn = ({ events }: JsonObject) => (events as readonly JsonObject[]).map(readCloudEvent);

function bodyOf(message: ClientMessage): unknown {
  if (message.$case !== "publish") return plain(message.value);
  return { topic: message.value.topic, events: message.value.events.map(writeCloudEvent) };
}

/** A message of the generated types in its JSON form: a oneof's member under its own name, 64-bit numbers as strings. */
function plain(value: unknown): unknown {
  if (typeof value === "bigint") return String(value);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => {
      const chosen = isOneof(member) ? member : undefined;
      return chosen ? [chosen.$case, plain(chosen.value)] : [name, plain(member)];
    }),
  );
}

function isOneof(value: unknown): value is { readonly $case: string; readonly value: unknown } {
  return typeof value === "object" && value !== null && "$case" in value;
}
