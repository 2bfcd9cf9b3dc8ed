/**
 * The slow and obvious way from a stored event to values: what filters are defined on, and what the fast readers are tested
 * against.
 */
import type { DescMessage } from "@bufbuild/protobuf";
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { className } from "./classes.ts";
import { JSON_PAYLOAD, PROTOBUF_PAYLOAD, payloadFormat } from "./content-type.ts";
import { decodeJson } from "./decode-json.ts";
import { decodeProtobuf } from "./decode-protobuf.ts";
import { type MessageFactory, plainMap, type Value } from "./value.ts";

export interface DecodedEvent {
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly subject: string;
  readonly time: bigint;
  readonly key: string;
  readonly class: string;
  readonly sequence: bigint;
  readonly priority: bigint;
  readonly extensions: ReadonlyMap<string, Attribute>;
  /** Undefined when the payload is absent, of a type that nobody here reads, or not what its type says. */
  readonly data: Value | undefined;
}

type Attribute = string | bigint | boolean;

/** An absent field of the payload is absent from its Map, too. Undefined when the bytes are no Event message. */
export function decodeEvent(
  bytes: Uint8Array,
  message: DescMessage | undefined,
  create: MessageFactory = plainMap,
): DecodedEvent | undefined {
  try {
    return readEvent(new BinaryReader(bytes), message, create);
  } catch {
    return undefined;
  }
}

function readEvent(reader: BinaryReader, message: DescMessage | undefined, create: MessageFactory): DecodedEvent {
  const text = new Map<number, string>();
  const numbers = new Map<number, bigint>();
  const extensions = new Map<string, Attribute>();
  let data: Uint8Array | undefined;
  while (reader.pos < reader.len) {
    const [number, wireType] = reader.tag();
    if (wireType === WireType.LengthDelimited) {
      const bytes = reader.bytes();
      if (number === 9) data = bytes;
      else if (number === 14) readExtension(new BinaryReader(bytes), extensions);
      else text.set(number, utf8(bytes));
    } else if (wireType === WireType.Varint) numbers.set(number, BigInt(reader.uint64()));
    else reader.skip(wireType, number);
  }
  return {
    id: text.get(1) ?? "",
    source: text.get(2) ?? "",
    type: text.get(3) ?? "",
    subject: text.get(4) ?? "",
    time: BigInt.asIntN(64, numbers.get(5) ?? 0n),
    key: text.get(6) ?? "",
    class: className(Number(BigInt.asIntN(32, numbers.get(7) ?? 0n))),
    sequence: numbers.get(11) ?? 0n,
    priority: numbers.get(13) ?? 0n,
    extensions,
    data: data && readPayload(data, text.get(8) ?? "", message, create),
  };
}

function readExtension(entry: BinaryReader, into: Map<string, Attribute>): void {
  let name = "";
  let value: Attribute | undefined;
  while (entry.pos < entry.len) {
    const [number, wireType] = entry.tag();
    if (number === 1 && wireType === WireType.LengthDelimited) name = utf8(entry.bytes());
    else if (number === 2 && wireType === WireType.LengthDelimited)
      value = readAttribute(new BinaryReader(entry.bytes()));
    else entry.skip(wireType, number);
  }
  into.delete(name);
  if (value !== undefined) into.set(name, value);
}

function readAttribute(reader: BinaryReader): Attribute | undefined {
  let value: Attribute | undefined;
  while (reader.pos < reader.len) {
    const [number, wireType] = reader.tag();
    if (number === 1 && wireType === WireType.LengthDelimited) value = utf8(reader.bytes());
    else if (number === 2 && wireType === WireType.Varint) value = BigInt(reader.sint32());
    else if (number === 3 && wireType === WireType.Varint) value = reader.bool();
    else reader.skip(wireType, number);
  }
  return value;
}

function readPayload(
  bytes: Uint8Array,
  contentType: string,
  message: DescMessage | undefined,
  create: MessageFactory,
): Value | undefined {
  const format = payloadFormat(contentType);
  try {
    if (format === JSON_PAYLOAD) return decodeJson(bytes, message, create);
    return format === PROTOBUF_PAYLOAD && message ? decodeProtobuf(bytes, message, create) : undefined;
  } catch {
    return undefined;
  }
}

function utf8(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("utf8");
}
