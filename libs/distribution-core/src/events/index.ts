/** Events: their bytes, their envelope, their payload, and CloudEvents at the edges. */
export {
  BATCH_TAG,
  type BatchLimits,
  eventTooLarge,
  messageAt,
  type PackedBatch,
  packEvents,
  packMessages,
  selectEvents,
  walkBatch,
} from "./batch.ts";
export { BatchWriter, type BatchWriterOptions } from "./batch-writer.ts";
export {
  type CloudEventOptions,
  type CloudEventWriter,
  cloudEventToEvent,
  createCloudEventWriter,
  eventsToCloudEventBatch,
  eventToCloudEvent,
  formatTime,
  fromHttpBinary,
  type HttpBinary,
  type HttpHeaders,
  parseCloudEvent,
  parseCloudEventBatch,
  parseTime,
  toHttpBinary,
} from "./cloudevents/index.ts";
export { decodeEvent, encodeEvent } from "./codec.ts";
export {
  addDecimals,
  canonicalDecimal,
  compareCanonicalDecimals,
  compareDecimals,
  divideDecimals,
  isCanonicalDecimal,
  multiplyDecimals,
  subtractDecimals,
} from "./decimal.ts";
export { createEnvelope, type Envelope, EVENT_FIELD, type SpanField } from "./envelope.ts";
export { EVENT_CLASS_NAMES, eventClassName, eventClassOf } from "./event-class.ts";
export { type EventHead, headOf } from "./event-head.ts";
export { type ExtensionValue, readExtensions } from "./extensions.ts";
export { checkJsonValue, MAX_JSON_DEPTH, parseJson } from "./json-text.ts";
export { type PayloadKind, payloadKind } from "./media.ts";
export { type EventPath, invalidEvent, pathText } from "./path.ts";
export { PATTERN_LIMITS, patternCovers, patternMistake } from "./pattern.ts";
export {
  bytesAsParts,
  createPayloadCodec,
  FORM,
  MAX_DECIMAL_LENGTH,
  MAX_MESSAGE_DEPTH,
  MAX_PROJECTION_PATHS,
  type NotedTexts,
  type PayloadCodec,
} from "./payload/index.ts";
export { ENVELOPE_LIMITS, validateEnvelope } from "./validate-envelope.ts";
export { lengthSize, WireReader, writeLength } from "./wire.ts";
