/** Takes one length-delimited field out of an encoded protobuf message. */
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";

export interface Split {
  /** The field's values, in order; they share the message's memory. */
  readonly taken: readonly Uint8Array[];
  /** The message without the field, for the generated decoder. */
  readonly rest: Uint8Array;
}

/**
 * The generated decoders make every `bytes` field a Node Buffer, which browsers do not have. So the fields of that kind, and
 * those that hold messages with one, are taken out first. Throws when the bytes are no protobuf message.
 */
export function splitField(bytes: Uint8Array, field: number): Split {
  const reader = new BinaryReader(bytes);
  const taken: Uint8Array[] = [];
  const kept: Uint8Array[] = [];
  let length = 0;
  let from = 0;
  const keepUpto = (end: number): void => {
    if (end === from) return;
    kept.push(bytes.subarray(from, end));
    length += end - from;
  };
  while (reader.pos < reader.len) {
    const start = reader.pos;
    const [number, type] = reader.tag();
    if (number !== field || type !== WireType.LengthDelimited) {
      reader.skip(type, number);
      continue;
    }
    taken.push(reader.bytes());
    keepUpto(start);
    from = reader.pos;
  }
  keepUpto(bytes.length);
  return { taken, rest: kept.length === 1 ? kept[0]! : joined(kept, length) };
}

function joined(parts: readonly Uint8Array[], length: number): Uint8Array {
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
