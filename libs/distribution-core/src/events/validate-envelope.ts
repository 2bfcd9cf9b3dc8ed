/** What the fields of an event's envelope may hold. One pass over its text, no allocation while all is well. */
import { extensionNameFault } from "./cloudevents/attributes.ts";
import { type Envelope, EVENT_FIELD, type SpanField } from "./envelope.ts";
import { EVENT_CLASS_NAMES } from "./event-class.ts";
import { readExtensions } from "./extensions.ts";
import { type EventPath, excerpt, invalidEvent } from "./path.ts";
import { textFault } from "./text.ts";
import { nonPrintable, viewOf } from "./words.ts";

/** Bounds of an event's envelope: bytes of UTF-8 for text, a count for extensions. */
export const ENVELOPE_LIMITS = {
  id: 256,
  source: 512,
  type: 256,
  subject: 1024,
  key: 256,
  contentType: 256,
  dataSchema: 1024,
  /** Extension attributes of one event. */
  extensions: 64,
  /** Highest priority; the lowest is 0. */
  priority: 9,
} as const;

interface TextField {
  readonly field: SpanField;
  /** Bytes. */
  readonly min: number;
  readonly max: number;
  readonly name: string;
}

const textField = (field: SpanField, min: number, max: number, name: string): TextField => ({ field, min, max, name });

const TEXTS: readonly TextField[] = [
  textField(EVENT_FIELD.id, 1, ENVELOPE_LIMITS.id, "id"),
  textField(EVENT_FIELD.source, 1, ENVELOPE_LIMITS.source, "source"),
  textField(EVENT_FIELD.type, 1, ENVELOPE_LIMITS.type, "type"),
  textField(EVENT_FIELD.subject, 0, ENVELOPE_LIMITS.subject, "subject"),
  textField(EVENT_FIELD.key, 0, ENVELOPE_LIMITS.key, "key"),
  textField(EVENT_FIELD.dataSchema, 0, ENVELOPE_LIMITS.dataSchema, "data_schema"),
  textField(EVENT_FIELD.contentType, 0, ENVELOPE_LIMITS.contentType, "content_type"),
];

/** Of each text its field, min and max, in a row. */
const BOUNDS = Int32Array.from(TEXTS.flatMap(({ field, min, max }) => [field, min, max]));

/**
 * Throws `invalid_event` at `path`.id, .source and so on when a field of the envelope that was read breaks its bounds:
 * id, source and type are required, texts are CloudEvents Strings of bounded length, content_type is printable ASCII,
 * priority is 0 to 9, the class is one of the list, extensions have CloudEvents names and values.
 */
export function validateEnvelope(envelope: Envelope, path: EventPath = "event"): void {
  if (!hasPlainTexts(envelope)) for (const text of TEXTS) checkText(envelope, text, path);
  if (envelope.priority > ENVELOPE_LIMITS.priority) {
    const message = `The priority is ${envelope.priority}; it is 0 to ${ENVELOPE_LIMITS.priority}, 9 the highest.`;
    throw invalidEvent(path, message, "priority");
  }
  if (EVENT_CLASS_NAMES[envelope.class] === undefined) {
    const known = EVENT_CLASS_NAMES.slice(1).join(", ");
    throw invalidEvent(path, `There is no event class ${envelope.class}. Use one of: ${known}.`, "class");
  }
  if (envelope.extensionCount > 0) checkExtensions(envelope, path);
}

/** All of printable ASCII and within bounds; which one is not, and whether it may be so, takes a closer look. */
function hasPlainTexts({ bytes, spans }: Envelope): boolean {
  const view = viewOf(bytes);
  let odd = 0;
  for (let index = 0; index < BOUNDS.length; index += 3) {
    const field = 2 * BOUNDS[index]!;
    const start = spans[field]!;
    const end = spans[field + 1]!;
    const length = end - start;
    if (length < BOUNDS[index + 1]! || length > BOUNDS[index + 2]!) return false;
    odd |= nonPrintable(view, start, end);
  }
  return odd === 0;
}

function checkText(envelope: Envelope, { field, min, max, name }: TextField, path: EventPath): void {
  const start = envelope.startOf(field);
  const end = envelope.endOf(field);
  const length = end - start;
  if (length < min) throw invalidEvent(path, `It is required: 1 to ${max} bytes.`, name);
  if (length > max) throw invalidEvent(path, `It has ${length} bytes; the limit is ${max}. Shorten it.`, name);
  if (field !== EVENT_FIELD.contentType) {
    const fault = textFault(envelope.bytes, start, end);
    if (fault !== undefined) throw invalidEvent(path, fault, name);
  } else if (nonPrintable(viewOf(envelope.bytes), start, end) !== 0) throw invalidEvent(path, MEDIA_TYPE_RULE, name);
}

const MEDIA_TYPE_RULE = "A media type is printable ASCII, for example application/json.";

function checkExtensions(envelope: Envelope, path: EventPath): void {
  if (envelope.extensionCount > ENVELOPE_LIMITS.extensions) {
    const message = `The event has ${envelope.extensionCount} extensions; the limit is ${ENVELOPE_LIMITS.extensions}.`;
    throw invalidEvent(path, message, "extensions");
  }
  for (const name of readExtensions(envelope, path).keys()) {
    const fault = extensionNameFault(name);
    if (fault !== undefined) throw invalidEvent(path, fault, `extensions[${excerpt(name)}]`);
  }
}
