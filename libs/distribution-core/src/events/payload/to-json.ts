/**
 * Protobuf payloads to proto3 JSON text, straight from the bytes. Encoders write fields once and in the order of their
 * numbers, and for such bytes the text is put together in one pass. Protobuf also allows any order, repetition and merging:
 * those payloads, rare as they are, go through the library.
 */
import { fromBinary, ScalarType, toJson } from "@bufbuild/protobuf";
import { signedText, unsignedText } from "../int64.ts";
import { asInvalidEvent, invalidEvent } from "../path.ts";
import { base64, latin1, utf8 } from "../slices.ts";
import { isPlainJson } from "../text.ts";
import { WIRE, WireReader } from "../wire.ts";
import { type FieldPlan, fieldOf, MAX_MESSAGE_DEPTH, MESSAGE_TYPE, type MessagePlan } from "./plan.ts";

const PATH = "event.data";

export interface JsonTranscoder {
  /** The JSON text of a payload of the message. Throws `invalid_event` on bytes that are none. */
  write(bytes: Uint8Array): string;
}

export function createJsonTranscoder(message: MessagePlan): JsonTranscoder {
  const transcoder = new Transcoder();
  return {
    write: (bytes) => transcoder.write(message, bytes) ?? libraryText(message, bytes),
  };
}

function libraryText(message: MessagePlan, bytes: Uint8Array): string {
  const desc = message.desc!;
  return asInvalidEvent(PATH, () => JSON.stringify(toJson(desc, fromBinary(desc, bytes))));
}

/** Where the text of a message stands while its fields are read. */
interface Open {
  text: string;
  /** Number of the field read last. */
  last: number;
  /** What ends the list or map that is open: `]`, `}` or nothing. */
  close: string;
  /** Oneofs of which a member came, as bits. */
  oneofs: number;
  /** Keys of the open map. */
  keys: Set<string> | undefined;
}

/** Methods give undefined for bytes that are not in an encoder's order: the library's work. */
class Transcoder {
  readonly #reader = new WireReader();
  readonly #float = new DataView(new ArrayBuffer(8));
  /** The payload as Latin-1, so that plain text is cut from a string instead of being fetched piece by piece. */
  #latin1 = "";

  write(message: MessagePlan, bytes: Uint8Array): string | undefined {
    this.#reader.open(bytes, 0, bytes.length, PATH);
    this.#latin1 = latin1(bytes, 0, bytes.length);
    return this.#message(message, bytes.length, 1);
  }

  #message(message: MessagePlan, end: number, depth: number): string | undefined {
    if (depth > MAX_MESSAGE_DEPTH)
      throw invalidEvent(PATH, `Messages are nested deeper than ${MAX_MESSAGE_DEPTH} levels.`);
    const reader = this.#reader;
    if (message.wellKnown) {
      const value = reader.bytes.subarray(reader.pos, end);
      reader.pos = end;
      return libraryText(message, value);
    }
    const outerEnd = reader.end;
    reader.end = end;
    const open: Open = { text: "", last: 0, close: "", oneofs: 0, keys: undefined };
    while (reader.pos < end) {
      const tag = reader.tag();
      const field = fieldOf(message, tag >>> 3);
      if (field === undefined) reader.skip(tag & 7);
      else if (!this.#field(field, tag & 7, open, depth)) return undefined;
    }
    reader.end = outerEnd;
    return `{${open.text}${open.close}}`;
  }

  #field(field: FieldPlan, wireType: number, open: Open, depth: number): boolean {
    if (field.number < open.last) return false;
    if (field.number === open.last) {
      if (field.shape === "single") return false;
    } else {
      open.text += open.close;
      open.close = "";
      open.last = field.number;
      if ((open.oneofs & field.oneof) !== 0) return false;
      open.oneofs |= field.oneof;
    }
    if (wireType !== field.wireType) return this.#packed(field, wireType, open);
    if (field.shape === "map") return this.#entry(field, open, depth);
    const value = this.#value(field, depth);
    if (value === undefined) return false;
    if (field.shape === "list") addElement(field, value, open);
    else if (value !== field.zero) open.text += `${separator(open)}${field.jsonKey}${value}`;
    return true;
  }

  #packed(field: FieldPlan, wireType: number, open: Open): boolean {
    const reader = this.#reader;
    if (wireType !== WIRE.bytes || field.shape !== "list") {
      reader.fail(`has field ${field.name} with wire type ${wireType} instead of ${field.wireType}`);
    }
    const length = reader.length();
    const end = reader.pos + length;
    const outerEnd = reader.end;
    reader.end = end;
    while (reader.pos < end) addElement(field, this.#number(field), open);
    reader.end = outerEnd;
    return true;
  }

  #entry(field: FieldPlan, open: Open, depth: number): boolean {
    const reader = this.#reader;
    const length = reader.length();
    const end = reader.pos + length;
    const outerEnd = reader.end;
    reader.end = end;
    const key = this.#member(field, 1, depth);
    const value = key === undefined ? undefined : this.#member(field, 2, depth + 1);
    if (key === undefined || value === undefined || reader.pos !== end) return false;
    reader.end = outerEnd;
    if (open.close === "") open.keys = new Set();
    const name = key.startsWith('"') ? key : `"${key}"`;
    if (open.keys!.has(name)) return false;
    open.keys!.add(name);
    open.text += open.close === "" ? `${separator(open)}${field.jsonKey}{${name}:${value}` : `,${name}:${value}`;
    open.close = "}";
    return true;
  }

  /** Key or value of a map's entry, if it comes next. */
  #member(map: FieldPlan, number: number, depth: number): string | undefined {
    const field = fieldOf(map.message!, number)!;
    if (this.#reader.pos === this.#reader.end) return undefined;
    return this.#reader.tag() === ((number << 3) | field.wireType) ? this.#value(field, depth) : undefined;
  }

  #value(field: FieldPlan, depth: number): string | undefined {
    if (field.wireType !== WIRE.bytes) return this.#number(field);
    const reader = this.#reader;
    const length = reader.length();
    const start = reader.pos;
    const end = start + length;
    if (field.type === MESSAGE_TYPE) return this.#message(field.message!, end, depth + 1);
    reader.pos = end;
    return field.type === ScalarType.STRING ? this.#string(start, end) : `"${base64(reader.bytes, start, end)}"`;
  }

  #string(start: number, end: number): string {
    const bytes = this.#reader.bytes;
    return isPlainJson(bytes, start, end)
      ? `"${this.#latin1.slice(start, end)}"`
      : JSON.stringify(utf8(bytes, start, end));
  }

  #number(field: FieldPlan): string {
    const reader = this.#reader;
    if (field.wireType === WIRE.varint) reader.varint();
    else if (field.wireType === WIRE.fixed32) reader.fixed32();
    else reader.fixed64();
    const { lo, hi } = reader;
    if (field.enum !== undefined) return field.enum.texts.get(lo) ?? (field.enum.isNull ? "null" : String(lo));
    switch (field.type) {
      case ScalarType.INT32:
      case ScalarType.SFIXED32:
        return String(lo);
      case ScalarType.UINT32:
      case ScalarType.FIXED32:
        return String(lo >>> 0);
      case ScalarType.SINT32:
        return String((lo >>> 1) ^ -(lo & 1));
      case ScalarType.BOOL:
        return (lo | hi) === 0 ? "false" : "true";
      case ScalarType.FLOAT:
        this.#float.setInt32(0, lo);
        return floatText(this.#float.getFloat32(0));
      case ScalarType.DOUBLE:
        this.#float.setInt32(0, hi);
        this.#float.setInt32(4, lo);
        return floatText(this.#float.getFloat64(0));
      case ScalarType.UINT64:
      case ScalarType.FIXED64:
        return `"${unsignedText(hi, lo)}"`;
      case ScalarType.SINT64:
        return `"${signedText((hi >>> 1) ^ -(lo & 1), ((lo >>> 1) | (hi << 31)) ^ -(lo & 1))}"`;
      default:
        return `"${signedText(hi, lo)}"`;
    }
  }
}

function addElement(field: FieldPlan, value: string, open: Open): void {
  open.text += open.close === "" ? `${separator(open)}${field.jsonKey}[${value}` : `,${value}`;
  open.close = "]";
}

function separator(open: Open): string {
  return open.text === "" ? "" : ",";
}

function floatText(value: number): string {
  if (Number.isFinite(value)) return Object.is(value, -0) ? "-0" : String(value);
  return Number.isNaN(value) ? '"NaN"' : value > 0 ? '"Infinity"' : '"-Infinity"';
}
