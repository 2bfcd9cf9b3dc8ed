/** Checks a protobuf payload against its message in one pass over the bytes, without making an object. */
import { isUtf8 } from "node:buffer";
import { fromBinary, ScalarType, toJson } from "@bufbuild/protobuf";
import { asInvalidEvent, type EventPath, invalidEvent, pathText } from "../path.ts";
import { WIRE, WireReader } from "../wire.ts";
import { nonAscii, viewOf } from "../words.ts";
import { DECIMAL_RULE, decimalForm, FORM } from "./decimal.ts";
import type { NotedTexts } from "./noted.ts";
import {
  CHECK,
  type FieldPlan,
  fieldOf,
  MAX_MESSAGE_DEPTH,
  MEMBER_RULE,
  MESSAGE_TYPE,
  type MessagePlan,
} from "./plan.ts";

// What is imported is looked up wherever it is used, in compiled code too.
const { closer: CLOSER, varint: VARINT, decimal: DECIMAL } = CHECK;
const { none: NO_DECIMAL } = FORM;

/** A tag and nine bytes: a tenth may hold bits beyond the 64th. */
const SURE_VARINT_FIELD = 10;

/** No field's bit, 0 being that of fields outside any oneof. */
const NO_ONEOF = -1;

export interface ProtobufChecker {
  /**
   * Throws `invalid_event` below `path`.data unless `bytes[start, end)` is a payload of the message, in which `wanted`, a
   * field of a oneof, is set.
   */
  check(bytes: Uint8Array, start: number, end: number, path: EventPath, wanted?: FieldPlan): void;
}

export function createProtobufChecker(message: MessagePlan, notes: NotedTexts): ProtobufChecker {
  const checker = new Checker(notes);
  return { check: (bytes, start, end, path, wanted) => checker.check(message, bytes, start, end, path, wanted) };
}

class Checker {
  readonly #notes: NotedTexts;
  readonly #reader = new WireReader();
  /** The field that is being read at each depth: the path of an error. */
  readonly #fields: (FieldPlan | undefined)[] = new Array(MAX_MESSAGE_DEPTH + 1);
  #depth = 0;
  /** Within a well-known type, whose inner ones (a Value in a Struct) are checked along with it. */
  #inWellKnown = false;
  #path: EventPath = "";
  /** The oneof of the payload that matters, and the number of its member that is set; 0: none yet. */
  #oneof = NO_ONEOF;
  #member = 0;
  readonly #place = (): string => {
    let place = `${pathText(this.#path)}.data`;
    for (const field of this.#fields.slice(1, this.#depth + 1)) {
      // Map entries show as the map alone.
      if (field !== undefined && field.jsonKey !== "") place += `.${field.name}`;
    }
    return place;
  };

  constructor(notes: NotedTexts) {
    this.#notes = notes;
  }

  check(
    message: MessagePlan,
    bytes: Uint8Array,
    start: number,
    end: number,
    path: EventPath,
    wanted: FieldPlan | undefined,
  ): void {
    this.#path = path;
    this.#depth = 0;
    this.#inWellKnown = false;
    this.#oneof = wanted?.oneof ?? NO_ONEOF;
    this.#member = 0;
    this.#reader.open(bytes, start, end, this.#place);
    this.#message(message, end);
    if (wanted === undefined || this.#member === wanted.number) return;
    this.#depth = 1;
    this.#fields[1] = wanted;
    throw invalidEvent(this.#place, MEMBER_RULE);
  }

  #message(message: MessagePlan, end: number): void {
    const reader = this.#reader;
    const outerEnd = reader.end;
    const depth = this.#enter();
    const start = reader.pos;
    const convert = message.wellKnown && !this.#inWellKnown;
    if (convert) this.#inWellKnown = true;
    reader.end = end;
    for (;;) {
      this.#passSound(message, end);
      if (reader.pos >= end) break;
      this.#fields[depth] = undefined;
      const tag = reader.tag();
      const wireType = tag & 7;
      const field = fieldOf(message, tag >>> 3);
      if (field === undefined) {
        reader.skip(wireType);
        continue;
      }
      this.#fields[depth] = field;
      // As in any reader of protobuf, the member that comes last is the one that is set.
      if (depth === 1 && field.oneof === this.#oneof) this.#member = field.number;
      if (wireType === field.wireType) this.#value(field);
      else if (wireType === WIRE.bytes && field.shape === "list") this.#packed(field);
      else reader.fail(`has a field of wire type ${wireType} that the schema wants as ${field.wireType}`);
    }
    reader.end = outerEnd;
    this.#depth = depth - 1;
    if (!convert) return;
    this.#inWellKnown = false;
    this.#wellKnown(message, start, end);
  }

  /**
   * Passes the fields that are plainly right: tag and length of a byte each, ASCII text, decimals. Stops before any other,
   * which then gets the closer look that says what is wrong, if anything is.
   */
  #passSound({ checks, noted }: MessagePlan, end: number): void {
    const reader = this.#reader;
    const { bytes } = reader;
    const view = viewOf(bytes);
    let { pos } = reader;
    while (pos < end) {
      const tag = bytes[pos]!;
      const check = tag < checks.length ? checks[tag]! : CLOSER;
      if (check === CLOSER) break;
      let next = pos + 1;
      if (check === VARINT) {
        while (next < end && bytes[next]! >= 0x80) next++;
        next++;
        if (next > end || next - pos > SURE_VARINT_FIELD) break;
      } else {
        const length = next < end ? bytes[next]! : 0x80;
        const start = next + 1;
        next = start + length;
        if (length >= 0x80 || next > end) break;
        const isDecimal = check === DECIMAL;
        const form = isDecimal ? decimalForm(bytes, start, next) : NO_DECIMAL;
        if (isDecimal ? form === NO_DECIMAL : nonAscii(view, start, next) !== 0) break;
        const place = noted[tag]! - 1;
        if (place >= 0) this.#notes.take(place, start, next, form);
      }
      pos = next;
    }
    reader.pos = pos;
  }

  #enter(): number {
    this.#depth += 1;
    if (this.#depth <= MAX_MESSAGE_DEPTH) return this.#depth;
    this.#depth -= 1;
    throw invalidEvent(
      this.#place,
      `Messages are nested deeper than ${MAX_MESSAGE_DEPTH} levels, the limit. Flatten them.`,
    );
  }

  #value(field: FieldPlan): void {
    const reader = this.#reader;
    if (field.wireType !== WIRE.bytes) {
      reader.skip(field.wireType);
      return;
    }
    const length = reader.length();
    const start = reader.pos;
    const end = start + length;
    if (field.type === MESSAGE_TYPE) this.#message(field.message!, end);
    else if (field.type === ScalarType.STRING) this.#text(field, start, end);
    reader.pos = end;
  }

  #packed(field: FieldPlan): void {
    const reader = this.#reader;
    const outerEnd = reader.end;
    const length = reader.length();
    reader.end = reader.pos + length;
    while (reader.pos < reader.end) reader.skip(field.wireType);
    reader.end = outerEnd;
  }

  #text({ decimal, noted }: FieldPlan, start: number, end: number): void {
    const bytes = this.#reader.bytes;
    const form = decimal ? decimalForm(bytes, start, end) : NO_DECIMAL;
    if (decimal) {
      if (form === NO_DECIMAL) throw invalidEvent(this.#place, DECIMAL_RULE);
    } else if (nonAscii(viewOf(bytes), start, end) !== 0 && !isUtf8(bytes.subarray(start, end)))
      throw invalidEvent(this.#place, "It is not valid UTF-8.");
    if (noted >= 0) this.#notes.take(noted, start, end, form);
  }

  /** A well-known type may be sound protobuf and still have no JSON, a timestamp in the year 10000 for example. */
  #wellKnown(message: MessagePlan, start: number, end: number): void {
    const desc = message.desc!;
    asInvalidEvent(this.#place, () => toJson(desc, fromBinary(desc, this.#reader.bytes.subarray(start, end))));
  }
}
