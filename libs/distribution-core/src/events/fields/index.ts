/** Reading fields of stored events by name: fast and partial for the matcher, whole and plain for everything else. */
export { CLASS_NAMES, className } from "./classes.ts";
export { payloadFormat } from "./content-type.ts";
export { type DecodedEvent, decodeEvent } from "./decode.ts";
export { parseJson } from "./decode-json.ts";
export { createEventReader, type EventReader } from "./event-reader.ts";
export { MAX_DEPTH } from "./json-cursor.ts";
export { ENVELOPE_KINDS, type EnvelopeName, type Field, fieldKey, isEnvelopeName } from "./path.ts";
export { hasImplicitPresence, isPlainMessage, itemKind, kindOf, type ValueKind } from "./schema.ts";
export type { FieldSink } from "./sink.ts";
export type { MessageFactory, Value } from "./value.ts";
