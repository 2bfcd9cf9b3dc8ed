/** CloudEvents extension attributes of a stored event: rare, so read only where an envelope counts some. */
import type { Envelope } from "./envelope.ts";
import { type EventPath, excerpt, invalidEvent } from "./path.ts";
import { utf8 } from "./slices.ts";
import { textFault } from "./text.ts";
import { WireReader } from "./wire.ts";

export type ExtensionValue = string | number | boolean;

/** Tags: Event.extensions, the key and value of a map entry, the three members of Attribute. */
const TAG = { extensions: 0x72, key: 0x0a, value: 0x12, text: 0x0a, integer: 0x10, boolean: 0x18 } as const;

/**
 * The event's extensions in the order they lie; of a name that comes twice the last value counts.
 * Throws `invalid_event` at `path`.extensions on malformed bytes, text that is no CloudEvents String, and an attribute
 * without a value.
 */
export function readExtensions(envelope: Envelope, path: EventPath = "event"): Map<string, ExtensionValue> {
  const extensions = new Map<string, ExtensionValue>();
  if (envelope.extensionCount === 0) return extensions;
  const reader = new WireReader();
  reader.open(envelope.bytes, envelope.start, envelope.end, path);
  while (reader.pos < envelope.end) {
    const tag = reader.tag();
    if (tag !== TAG.extensions) {
      reader.skip(tag & 7);
      continue;
    }
    const length = reader.length();
    readEntry(envelope.bytes, reader.pos, reader.pos + length, path, extensions);
    reader.pos += length;
  }
  return extensions;
}

function readEntry(bytes: Uint8Array, start: number, end: number, path: EventPath, into: Map<string, ExtensionValue>) {
  const reader = new WireReader();
  reader.open(bytes, start, end, path);
  let name = "";
  let value: ExtensionValue | undefined;
  while (reader.pos < end) {
    const tag = reader.tag();
    if (tag === TAG.key) name = readText(reader, "extensions");
    else if (tag === TAG.value) {
      const length = reader.length();
      value = readAttribute(bytes, reader.pos, reader.pos + length, path);
      reader.pos += length;
    } else reader.skip(tag & 7);
  }
  if (value === undefined) {
    throw invalidEvent(
      path,
      `Extension ${excerpt(name)} has no value. Set one, or leave the extension out.`,
      "extensions",
    );
  }
  into.set(name, value);
}

function readAttribute(bytes: Uint8Array, start: number, end: number, path: EventPath): ExtensionValue | undefined {
  const reader = new WireReader();
  reader.open(bytes, start, end, path);
  let value: ExtensionValue | undefined;
  while (reader.pos < end) {
    const tag = reader.tag();
    if (tag === TAG.text) value = readText(reader, "extensions");
    else if (tag === TAG.integer) {
      reader.varint();
      value = (reader.lo >>> 1) ^ -(reader.lo & 1);
    } else if (tag === TAG.boolean) {
      reader.varint();
      value = (reader.lo | reader.hi) !== 0;
    } else reader.skip(tag & 7);
  }
  return value;
}

function readText(reader: WireReader, member: string): string {
  const length = reader.length();
  const start = reader.pos;
  reader.pos += length;
  const fault = textFault(reader.bytes, start, reader.pos);
  if (fault !== undefined) throw invalidEvent(reader.path, fault, member);
  return utf8(reader.bytes, start, reader.pos);
}
