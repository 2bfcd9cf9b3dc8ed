/** Reads the wanted fields of stored Event messages: the envelope in one pass, then the payload by its content type. */

import type { DescMessage } from "@bufbuild/protobuf";
import { className } from "./classes.ts";
import { JSON_PAYLOAD, PROTOBUF_PAYLOAD, payloadFormatOf } from "./content-type.ts";
import { JsonReader } from "./json-reader.ts";
import type { EnvelopeName, Field } from "./path.ts";
import { NO_SLOT, nodeAt, PathNode } from "./path-node.ts";
import { ProtobufReader } from "./protobuf-reader.ts";
import type { FieldSink } from "./sink.ts";
import { askedTags, BYTES, signed64, unsigned64, VARINT, WireCursor } from "./wire.ts";

const NUMBERS = {
  id: 1,
  source: 2,
  type: 3,
  subject: 4,
  time: 5,
  key: 6,
  class: 7,
  sequence: 11,
  priority: 13,
} as const satisfies Record<EnvelopeName, number>;
const CONTENT_TYPE = 8;
const DATA = 9;
const EXTENSIONS = 14;
const HIGHEST = 14;
const NOTHING = new Uint8Array(0);

export interface EventReader {
  /** Reads the field into the slot from the next event on. The schema has to have the field. */
  want(field: Field, slot: number): void;
  unwant(field: Field): void;
  /**
   * Gives the sink the wanted fields of the Event message at `bytes[start, end)`. A payload that cannot be read gives nothing at
   * all, not even the slot of `data` itself. False when the bytes are no Event message; what the sink then holds is undefined.
   */
  read(bytes: Uint8Array, start: number, end: number): boolean;
}

export function createEventReader(message: DescMessage | undefined, sink: FieldSink): EventReader {
  return new StoredEventReader(message, sink);
}

class StoredEventReader implements EventReader {
  readonly #sink: FieldSink;
  readonly #root: PathNode;
  readonly #json: JsonReader;
  readonly #protobuf: ProtobufReader;
  readonly #cursor = new WireCursor();
  /** For what lies within a field of the envelope. */
  readonly #inner = new WireCursor();
  /** Slots of the envelope by field number. */
  readonly #slots = new Int32Array(HIGHEST + 1).fill(NO_SLOT);
  readonly #extensions = new Map<string, number>();
  readonly #classNames: Uint8Array[] = [];
  /** Slots below `data`, to be cleared when the payload proves unreadable. */
  readonly #dataSlots: number[] = [];
  /** How many nodes below `data` are wanted; -1 when nothing of the payload is, not even whether it can be read. */
  #leaves = 0;
  #event = 0;
  /** By tag: whether anybody asks for the field. */
  #asked = askedTags([]);

  constructor(message: DescMessage | undefined, sink: FieldSink) {
    this.#sink = sink;
    this.#root = new PathNode("data", undefined, undefined, message);
    this.#json = new JsonReader(sink);
    this.#protobuf = new ProtobufReader(sink);
  }

  want(field: Field, slot: number): void {
    const [root, name] = field.path;
    if (root === "extensions") this.#extensions.set(name!, slot);
    else if (root !== "data") this.#slots[NUMBERS[root as EnvelopeName]] = slot;
    else {
      const node = nodeAt(this.#root, field);
      const before = node.leaf;
      if (field.elements) node.elements = slot;
      else node.slot = slot;
      if (!before && node !== this.#root) this.#leaves++;
      this.#dataSlots.push(slot);
    }
    this.#ask();
  }

  unwant(field: Field): void {
    const [root, name] = field.path;
    if (root === "extensions") this.#extensions.delete(name!);
    else if (root !== "data") this.#slots[NUMBERS[root as EnvelopeName]] = NO_SLOT;
    else {
      const node = nodeAt(this.#root, field);
      const slot = field.elements ? node.elements : node.slot;
      if (field.elements) node.elements = NO_SLOT;
      else node.slot = NO_SLOT;
      if (!node.leaf && node !== this.#root) this.#leaves--;
      this.#dataSlots.splice(this.#dataSlots.indexOf(slot), 1);
      node.prune();
    }
    this.#ask();
  }

  #ask(): void {
    const numbers = Object.values(NUMBERS).filter((number) => this.#slots[number] !== NO_SLOT);
    const payload = this.#dataSlots.length > 0 ? [CONTENT_TYPE, DATA] : [];
    this.#asked = askedTags([...numbers, ...payload, ...(this.#extensions.size > 0 ? [EXTENSIONS] : [])]);
  }

  read(bytes: Uint8Array, start: number, end: number): boolean {
    const cursor = this.#cursor;
    cursor.reset(bytes, start, end);
    this.#event = this.#event === 0x3fffffff ? 1 : this.#event + 1;
    this.#defaults();
    let format = 0;
    let dataStart = -1;
    let dataEnd = -1;
    for (;;) {
      cursor.passUnasked(this.#asked);
      if (cursor.at >= end) break;
      const tag = cursor.varint();
      const number = tag >>> 3;
      if ((tag & 7) === BYTES) {
        const stop = cursor.delimited();
        const from = cursor.at;
        if (number === DATA) {
          dataStart = from;
          dataEnd = stop;
        } else if (number === CONTENT_TYPE) format = payloadFormatOf(bytes, from, stop);
        else if (number <= HIGHEST) this.#delimited(number, from, stop);
        cursor.at = stop;
      } else if ((tag & 7) === VARINT && number <= HIGHEST) {
        cursor.varint();
        this.#varint(number, cursor.low, cursor.high);
      } else cursor.skip(tag & 7, number);
      if (number === 0) return false;
    }
    if (cursor.broken) return false;
    if (this.#dataSlots.length > 0) this.#payload(format, bytes, dataStart, dataEnd);
    return true;
  }

  #payload(format: number, bytes: Uint8Array, start: number, end: number): void {
    const root = this.#root;
    const readable =
      start !== -1 &&
      (format === JSON_PAYLOAD
        ? this.#json.read(root, this.#leaves, this.#event, bytes, start, end)
        : format === PROTOBUF_PAYLOAD &&
          root.message !== undefined &&
          this.#protobuf.read(root, this.#event, bytes, start, end));
    if (!readable) for (const slot of this.#dataSlots) this.#sink.clear(slot);
    else if (root.slot !== NO_SLOT) this.#sink.structure(root.slot);
  }

  #delimited(number: number, start: number, end: number): void {
    const slot = this.#slots[number]!;
    if (slot !== NO_SLOT) this.#sink.text(slot, this.#cursor.bytes, start, end);
    else if (number === EXTENSIONS && this.#extensions.size > 0) this.#extension(start, end);
  }

  #varint(number: number, low: number, high: number): void {
    const slot = this.#slots[number]!;
    if (slot === NO_SLOT) return;
    if (number === NUMBERS.class) this.#class(slot, low | 0);
    else this.#sink.number(slot, number === NUMBERS.time ? signed64(low, high) : unsigned64(low, high));
  }

  #class(slot: number, value: number): void {
    const name = this.#classNames[value] ?? Buffer.from(className(value));
    if (value >= 0 && value < 16) this.#classNames[value] = name;
    this.#sink.text(slot, name, 0, name.length);
  }

  /** What proto3 leaves out: empty strings and zeros. */
  #defaults(): void {
    const slots = this.#slots;
    for (let number = 1; number < CONTENT_TYPE; number++) {
      const slot = slots[number]!;
      if (slot === NO_SLOT) continue;
      if (number === NUMBERS.time) this.#sink.number(slot, 0);
      else if (number === NUMBERS.class) this.#class(slot, 0);
      else this.#sink.text(slot, NOTHING, 0, 0);
    }
    if (slots[NUMBERS.sequence] !== NO_SLOT) this.#sink.number(slots[NUMBERS.sequence]!, 0);
    if (slots[NUMBERS.priority] !== NO_SLOT) this.#sink.number(slots[NUMBERS.priority]!, 0);
  }

  /** One entry of the map: `string key = 1; Attribute value = 2`, where the value is text, sint32 or bool. */
  #extension(start: number, end: number): void {
    const cursor = this.#inner;
    cursor.reset(this.#cursor.bytes, start, end);
    let name = "";
    let valueStart = 0;
    let valueEnd = 0;
    while (cursor.at < end) {
      const tag = cursor.varint();
      if ((tag & 7) !== BYTES) cursor.skip(tag & 7, tag >>> 3);
      else {
        const stop = cursor.delimited();
        if (tag >>> 3 === 1) name = Buffer.from(cursor.bytes.subarray(cursor.at, stop)).toString("utf8");
        else if (tag >>> 3 === 2) {
          valueStart = cursor.at;
          valueEnd = stop;
        }
        cursor.at = stop;
      }
    }
    const slot = this.#extensions.get(name);
    if (slot === undefined) return;
    this.#sink.clear(slot);
    cursor.reset(this.#cursor.bytes, valueStart, valueEnd);
    this.#attribute(slot, cursor);
  }

  #attribute(slot: number, cursor: WireCursor): void {
    while (cursor.at < cursor.end) {
      const tag = cursor.varint();
      if (tag === 0x0a) {
        const stop = cursor.delimited();
        this.#sink.text(slot, cursor.bytes, cursor.at, stop);
        cursor.at = stop;
      } else if (tag === 0x10) {
        const bits = cursor.varint();
        this.#sink.number(slot, (bits >>> 1) ^ -(bits & 1));
      } else if (tag === 0x18) this.#sink.boolean(slot, cursor.varint() !== 0);
      else cursor.skip(tag & 7, tag >>> 3);
    }
  }
}
