/** Events as objects. The hot path does not come here: it scans the stored bytes (see envelope.ts). */
import { BinaryReader } from "@bufbuild/protobuf/wire";
import { Event } from "@distribution/proto-types/distribution/v1/event";
import { asInvalidEvent, type EventPath } from "./path.ts";

const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * The Event message of these bytes. `data` is a copy. Throws `invalid_event` at `path` on bytes that are no Event and on
 * invalid UTF-8; which values a field may have is `validateEnvelope`'s business.
 */
export function decodeEvent(bytes: Uint8Array, path: EventPath = "event"): Event {
  return asInvalidEvent(path, () => Event.decode(new BinaryReader(bytes, (text) => strictUtf8.decode(text))));
}

/** The bytes of one Event. Throws `invalid_event` at `path` on a number that its field cannot hold. */
export function encodeEvent(event: Event, path: EventPath = "event"): Uint8Array {
  return asInvalidEvent(path, () => Event.encode(event).finish());
}
