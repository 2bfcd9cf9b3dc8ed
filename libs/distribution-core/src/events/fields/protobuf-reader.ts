/** Reads the wanted fields of a protobuf payload from its bytes by field number. */
import { ScalarType } from "@bufbuild/protobuf";
import { zero } from "./json-reader.ts";
import { readDecimal } from "./numbers.ts";
import { NO_SLOT, type PathNode } from "./path-node.ts";
import type { FieldSink } from "./sink.ts";
import { BYTES, FIXED32, FIXED64, signed64, unsigned64, VARINT, WireCursor, zigzag64 } from "./wire.ts";

/**
 * Follows the rules of protobuf: the last of a repeated singular field counts, a message in several parts is merged, a member
 * of a oneof displaces the others, lists come packed or not. Messages that no filter names are passed over unread.
 */
export class ProtobufReader {
  readonly #cursor = new WireCursor();
  readonly #sink: FieldSink;
  #event = 0;

  constructor(sink: FieldSink) {
    this.#sink = sink;
  }

  /** False when the bytes are no such message. `event` differs from call to call and is never 0. */
  read(root: PathNode, event: number, bytes: Uint8Array, start: number, end: number): boolean {
    this.#cursor.reset(bytes, start, end);
    this.#event = event;
    this.#message(root, end);
    return !this.#cursor.broken;
  }

  #message(node: PathNode, end: number): void {
    const cursor = this.#cursor;
    if (node.seen !== this.#event) {
      node.seen = this.#event;
      for (const child of node.implicits) zero(child, this.#sink);
    }
    const outer = cursor.end;
    cursor.end = end;
    for (;;) {
      cursor.passUnasked(node.asked);
      if (cursor.at >= end) break;
      const tag = cursor.varint();
      const number = tag >>> 3;
      const rivals = node.rivals[number];
      if (rivals) for (const rival of rivals) this.#displace(rival);
      const child = node.byNumber[number];
      if (number === 0) cursor.skip(END_OF_NOTHING, 0);
      else if (child) this.#field(child, tag & 7);
      else cursor.skip(tag & 7, number);
    }
    cursor.end = outer;
  }

  #field(node: PathNode, wireType: number): void {
    const cursor = this.#cursor;
    if (node.repeated) this.#element(node, wireType);
    else if (wireType !== wireTypeOf(node)) cursor.skip(wireType, node.field!.number);
    else if (node.kind !== "message") this.#scalar(node, node.slot);
    else {
      const end = cursor.delimited();
      if (node.slot !== NO_SLOT) this.#sink.structure(node.slot);
      if (!cursor.broken) this.#message(node, end);
    }
  }

  #element(node: PathNode, wireType: number): void {
    const cursor = this.#cursor;
    const own = wireTypeOf(node);
    if (node.elements === NO_SLOT) cursor.skip(wireType, node.field!.number);
    else if (wireType === own) this.#scalar(node, node.elements);
    else if (wireType === BYTES) {
      const end = cursor.delimited();
      while (cursor.at < end && !cursor.broken) this.#scalar(node, node.elements);
      if (cursor.at !== end) cursor.skip(END_OF_NOTHING, 0);
    } else cursor.skip(wireType, node.field!.number);
  }

  /** A oneof's other member came: this one is not there. */
  #displace(node: PathNode): void {
    node.seen = 0;
    if (node.slot !== NO_SLOT) this.#sink.clear(node.slot);
    for (const child of node.children) this.#displace(child);
  }

  #scalar(node: PathNode, slot: number): void {
    const { kind } = node;
    if (kind === "string" || kind === "decimal" || kind === "bytes") this.#delimited(node, slot);
    else {
      const value = this.#number(node);
      if (slot === NO_SLOT) return;
      if (kind === "bool") this.#sink.boolean(slot, value !== 0);
      else if (kind !== "enum") this.#sink.number(slot, value);
      else {
        const name = node.enumName(value);
        this.#sink.text(slot, name, 0, name.length);
      }
    }
  }

  #delimited(node: PathNode, slot: number): void {
    const cursor = this.#cursor;
    const end = cursor.delimited();
    const start = cursor.at;
    cursor.at = end;
    if (slot === NO_SLOT) return;
    if (node.kind === "string") this.#sink.text(slot, cursor.bytes, start, end);
    else {
      const value = readDecimal(cursor.bytes, start, end);
      if (!Number.isNaN(value)) this.#sink.number(slot, value);
      else if (slot === node.slot) this.#sink.clear(slot);
    }
  }

  #number(node: PathNode): number {
    const cursor = this.#cursor;
    const scalar = node.field!.scalar ?? ScalarType.INT32;
    switch (scalar) {
      case ScalarType.DOUBLE:
        return cursor.double();
      case ScalarType.FLOAT:
        return cursor.float();
      case ScalarType.FIXED32:
        return cursor.fixed32();
      case ScalarType.SFIXED32:
        return cursor.fixed32() | 0;
      case ScalarType.FIXED64:
        cursor.fixed64();
        return unsigned64(cursor.low, cursor.high);
      case ScalarType.SFIXED64:
        cursor.fixed64();
        return signed64(cursor.low, cursor.high);
      default:
        cursor.varint();
        return fromVarint(scalar, cursor.low, cursor.high);
    }
  }
}

/** No wire type: passing it breaks the cursor. */
const END_OF_NOTHING = 7;

function fromVarint(scalar: ScalarType, low: number, high: number): number {
  if (scalar === ScalarType.INT64) return signed64(low, high);
  if (scalar === ScalarType.UINT64) return unsigned64(low, high);
  if (scalar === ScalarType.SINT64) return zigzag64(low, high);
  if (scalar === ScalarType.SINT32) return (low >>> 1) ^ -(low & 1);
  if (scalar === ScalarType.UINT32) return low;
  if (scalar === ScalarType.BOOL) return low | high;
  return low | 0;
}

function wireTypeOf(node: PathNode): number {
  switch (node.field?.scalar) {
    case ScalarType.STRING:
    case ScalarType.BYTES:
      return BYTES;
    case ScalarType.DOUBLE:
    case ScalarType.FIXED64:
    case ScalarType.SFIXED64:
      return FIXED64;
    case ScalarType.FLOAT:
    case ScalarType.FIXED32:
    case ScalarType.SFIXED32:
      return FIXED32;
    default:
      return node.kind === "message" ? BYTES : VARINT;
  }
}
