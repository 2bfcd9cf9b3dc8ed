/** Frames in protobuf: subprotocol `distribution.v1+proto`. */
import { BinaryReader } from "@bufbuild/protobuf/wire";
import { Event } from "@distribution/proto-types/distribution/v1/event";
import { ClientFrame, Events, ServerFrame, Snapshot } from "@distribution/proto-types/distribution/v1/frames";
import type { FrameCodec, Received, ServerMessage, WireEvent } from "./frames.ts";
import { splitField } from "./split-field.ts";

/** Field numbers of frames.proto and event.proto. */
const SERVER_FRAME = { ref: 1, events: 4, snapshot: 5 } as const;
const EVENTS_IN_FRAME = 1;
const EVENT_DATA = 9;

export const protoCodec: FrameCodec = {
  protocol: "distribution.v1+proto",
  encode: (ref, frame) => ClientFrame.encode({ ref, frame }).finish(),
  decode(data) {
    if (!(data instanceof ArrayBuffer)) throw new TypeError("A text message came where binary ones are agreed.");
    return decodeFrame(new Uint8Array(data));
  },
};

function decodeFrame(bytes: Uint8Array): Received {
  const reader = new BinaryReader(bytes);
  let ref = "";
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (field === SERVER_FRAME.ref) ref = reader.string();
    else if (field === SERVER_FRAME.events) return { ref, message: eventsOf(reader.bytes()) };
    else if (field === SERVER_FRAME.snapshot) return { ref, message: snapshotOf(reader.bytes()) };
    else reader.skip(type, field);
  }
  // Neither of the two came: the generated decoder meets no event, hence no Buffer.
  return { ref, message: ServerFrame.decode(bytes).frame as ServerMessage | undefined };
}

function eventsOf(bytes: Uint8Array): ServerMessage {
  const { taken, rest } = splitField(bytes, EVENTS_IN_FRAME);
  return { $case: "events", value: { ...Events.decode(rest), events: taken.map(eventOf) } };
}

function snapshotOf(bytes: Uint8Array): ServerMessage {
  const { taken, rest } = splitField(bytes, EVENTS_IN_FRAME);
  return { $case: "snapshot", value: { ...Snapshot.decode(rest), events: taken.map(eventOf) } };
}

function eventOf(bytes: Uint8Array): WireEvent {
  const { taken, rest } = splitField(bytes, EVENT_DATA);
  return { envelope: Event.decode(rest), payload: taken.at(-1), size: bytes.length };
}
