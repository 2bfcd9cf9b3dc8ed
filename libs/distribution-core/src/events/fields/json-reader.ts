/** Reads the wanted fields of a JSON payload from its bytes, and stops when it has them all. */
import { FNV_BASIS, FNV_PRIME } from "./byte-table.ts";
import {
  CLOSE_LIST,
  CLOSE_OBJECT,
  JsonCursor,
  LETTER_F,
  LETTER_N,
  LETTER_T,
  MAX_DEPTH,
  OPEN_LIST,
  OPEN_OBJECT,
  QUOTE,
} from "./json-cursor.ts";
import { isInt32, latin1, readDecimal } from "./numbers.ts";
import { NO_SLOT, type PathNode } from "./path-node.ts";
import type { FieldSink } from "./sink.ts";
import { unescapeJson } from "./unescape.ts";

const DONE = 2;
const OK = 1;
const BAD = 0;
type Outcome = typeof DONE | typeof OK | typeof BAD;

/**
 * Where a payload names a field twice, any of the two may count (RFC 8259 leaves it open). Damage behind the last wanted
 * field is not looked for, but for a text cut short: the last byte has to close the payload.
 */
export class JsonReader {
  readonly #cursor = new JsonCursor();
  readonly #sink: FieldSink;
  #scratch = new Uint8Array(256);
  #event = 0;
  #missing = 0;

  constructor(sink: FieldSink) {
    this.#sink = sink;
  }

  /** False when the payload is no JSON. `wanted` is the number of leaves below `root`, `event` differs from call to call. */
  read(root: PathNode, wanted: number, event: number, bytes: Uint8Array, start: number, end: number): boolean {
    const cursor = this.#cursor;
    cursor.reset(bytes, start, end);
    this.#event = event;
    this.#missing = wanted;
    const first = cursor.peek();
    const outcome = first === OPEN_OBJECT ? this.#object(root, 1) : cursor.skip(first, 0) ? OK : BAD;
    if (outcome === OK) return cursor.peek() === -1;
    return outcome === DONE && lastByte(bytes, start, end) === CLOSE_OBJECT;
  }

  /** The cursor is on the opening brace. */
  #object(node: PathNode, depth: number): Outcome {
    const cursor = this.#cursor;
    if (depth > MAX_DEPTH) return BAD;
    for (const child of node.implicits) this.#zero(child);
    cursor.at++;
    if (cursor.peek() === CLOSE_OBJECT) {
      cursor.at++;
      return OK;
    }
    for (;;) {
      if (cursor.peek() !== QUOTE) return BAD;
      const child = this.#name(node);
      if (child === null || !cursor.colon()) return BAD;
      const first = cursor.peek();
      const outcome = child ? this.#value(child, first, depth) : cursor.skip(first, depth) ? OK : BAD;
      if (outcome !== OK) return outcome;
      const more = cursor.separator(CLOSE_OBJECT);
      if (more <= 0) return more === 0 ? OK : BAD;
    }
  }

  /** Passes a member's name: the child it means, undefined when nobody wants it, null when it is no string. */
  #name(node: PathNode): PathNode | undefined | null {
    const cursor = this.#cursor;
    const { bytes, end } = cursor;
    const start = cursor.at + 1;
    let hash = FNV_BASIS;
    for (let at = start; at < end; at++) {
      const byte = bytes[at]!;
      if (byte === QUOTE) {
        cursor.at = at + 1;
        const entry = node.names.find(hash, bytes, start, at);
        return entry === -1 ? undefined : node.byName[entry];
      }
      if (byte === 0x5c || byte < 0x20) break;
      hash = Math.imul(hash ^ byte, FNV_PRIME);
    }
    if (!cursor.string()) return null;
    const text = this.#unescaped();
    const name = Buffer.from(this.#scratch.subarray(0, text)).toString("utf8");
    return node.children.find((child) => child.name === name || child.field?.jsonName === name);
  }

  #value(node: PathNode, first: number, depth: number): Outcome {
    if (first === OPEN_OBJECT) return this.#nested(node, depth);
    if (node.repeated || (first === OPEN_LIST && node.elements !== NO_SLOT)) return this.#list(node, first, depth);
    if (!this.#scalar(node, node.slot, first, depth)) return BAD;
    return node.slot === NO_SLOT || this.#more(node) ? OK : DONE;
  }

  #nested(node: PathNode, depth: number): Outcome {
    const cursor = this.#cursor;
    if (node.kind !== "dynamic" && node.kind !== "message") {
      if (node.slot !== NO_SLOT) this.#sink.clear(node.slot);
      return cursor.skip(OPEN_OBJECT, depth) ? OK : BAD;
    }
    if (node.slot !== NO_SLOT) this.#sink.structure(node.slot);
    if (node.elements !== NO_SLOT) return this.#memberNames(node, depth);
    if (node.children.length > 0) {
      if (!this.#more(node)) return DONE;
      return this.#object(node, depth + 1);
    }
    if (!cursor.skip(OPEN_OBJECT, depth)) return BAD;
    return this.#more(node) ? OK : DONE;
  }

  /** An object where elements are wanted: `"x" in data.labels` asks for a name. The object is then walked for its fields. */
  #memberNames(node: PathNode, depth: number): Outcome {
    const cursor = this.#cursor;
    const start = cursor.at;
    if (depth >= MAX_DEPTH) return BAD;
    cursor.at++;
    if (cursor.peek() === CLOSE_OBJECT) {
      cursor.at++;
      return OK;
    }
    for (;;) {
      if (cursor.peek() !== QUOTE || !cursor.string()) return BAD;
      this.#text(node.elements);
      if (!cursor.colon() || !cursor.skip(cursor.peek(), depth + 1)) return BAD;
      const more = cursor.separator(CLOSE_OBJECT);
      if (more < 0) return BAD;
      if (more === 0) break;
    }
    if (node.children.length === 0) return this.#more(node) ? OK : DONE;
    cursor.at = start;
    return this.#object(node, depth + 1);
  }

  #list(node: PathNode, first: number, depth: number): Outcome {
    const cursor = this.#cursor;
    if (node.slot !== NO_SLOT && first === OPEN_LIST) this.#sink.structure(node.slot);
    if (first !== OPEN_LIST || depth >= MAX_DEPTH) return cursor.skip(first, depth) ? OK : BAD;
    cursor.at++;
    if (cursor.peek() === CLOSE_LIST) {
      cursor.at++;
      return OK;
    }
    for (;;) {
      if (!this.#scalar(node, node.elements, cursor.peek(), depth + 1)) return BAD;
      const more = cursor.separator(CLOSE_LIST);
      if (more < 0) return BAD;
      if (more === 0) return this.#more(node) ? OK : DONE;
    }
  }

  /** Reads one value into the slot. A value of another type than the schema's leaves the slot empty. */
  #scalar(node: PathNode, slot: number, first: number, depth: number): boolean {
    const cursor = this.#cursor;
    const { kind } = node;
    if (slot === NO_SLOT) return cursor.skip(first, depth);
    if (first === QUOTE) {
      if (!cursor.string()) return false;
      if (kind === "dynamic" || kind === "string" || kind === "enum") this.#text(slot);
      else this.#numberInText(node, slot);
      return true;
    }
    if (first === LETTER_T || first === LETTER_F) {
      if (!cursor.literal(first)) return false;
      if (kind === "dynamic" || kind === "bool") this.#sink.boolean(slot, first === LETTER_T);
      else this.#mistyped(node, slot);
      return true;
    }
    if (first === LETTER_N) {
      if (!cursor.literal(first)) return false;
      if (kind === "dynamic") this.#sink.nothing(slot);
      else if (!node.repeated) this.#absent(node);
      return true;
    }
    if (first !== OPEN_LIST && first !== OPEN_OBJECT) return this.#number(node, slot);
    if (kind === "dynamic") this.#sink.structure(slot);
    else this.#mistyped(node, slot);
    return cursor.skip(first, depth);
  }

  #number(node: PathNode, slot: number): boolean {
    const cursor = this.#cursor;
    if (!cursor.number()) return false;
    const { value } = cursor;
    if (node.kind === "dynamic" || node.kind === "double") this.#sink.number(slot, value);
    else if (node.kind === "int" && Number.isInteger(value)) this.#sink.number(slot, value);
    else if (node.kind === "enum") this.#enumNumber(node, slot, value);
    else this.#mistyped(node, slot);
    return true;
  }

  /** proto3 JSON writes 64-bit integers, and doubles that are no JSON numbers, as strings. */
  #numberInText(node: PathNode, slot: number): void {
    const { escaped } = this.#cursor;
    const textStart = escaped ? 0 : this.#cursor.textStart;
    const textEnd = escaped ? this.#unescaped() : this.#cursor.textEnd;
    const bytes = escaped ? this.#scratch : this.#cursor.bytes;
    const { kind } = node;
    let value = Number.NaN;
    let is = false;
    if (kind === "int" || kind === "decimal" || kind === "double") {
      value = readDecimal(bytes, textStart, textEnd);
      is = kind === "int" ? isDigits(bytes, textStart, textEnd) : !Number.isNaN(value);
    }
    if (kind === "double" && !is) {
      const text = latin1(bytes, textStart, textEnd);
      value = Number(text);
      is = text === "NaN" || (text.trim() === text && text !== "" && !Number.isNaN(value));
    }
    if (is) this.#sink.number(slot, value);
    else this.#mistyped(node, slot);
  }

  #enumNumber(node: PathNode, slot: number, value: number): void {
    if (isInt32(value)) {
      const name = node.enumName(value);
      this.#sink.text(slot, name, 0, name.length);
    } else this.#mistyped(node, slot);
  }

  #text(slot: number): void {
    const cursor = this.#cursor;
    if (cursor.escaped) this.#sink.text(slot, this.#scratch, 0, this.#unescaped());
    else this.#sink.text(slot, cursor.bytes, cursor.textStart, cursor.textEnd);
  }

  /** Writes the string passed last to the scratch buffer; its length there. */
  #unescaped(): number {
    const { bytes, textStart, textEnd } = this.#cursor;
    if (this.#scratch.length < textEnd - textStart) this.#scratch = new Uint8Array((textEnd - textStart) * 2);
    return unescapeJson(bytes, textStart, textEnd, this.#scratch);
  }

  /** A value of another type than the schema's: a field is then not there, a list has one element less. */
  #mistyped(node: PathNode, slot: number): void {
    if (slot === node.slot) this.#sink.clear(slot);
  }

  /** As if the member were not there. */
  #absent(node: PathNode): void {
    if (node.implicit) this.#zero(node);
    else this.#sink.clear(node.slot);
  }

  #zero(node: PathNode): void {
    zero(node, this.#sink);
  }

  /** Whether any wanted field is still to come after this one. */
  #more(node: PathNode): boolean {
    if (node.leaf && node.seen !== this.#event) {
      node.seen = this.#event;
      this.#missing--;
    }
    return this.#missing > 0;
  }
}

const NOTHING = new Uint8Array(0);

/** The value that a field without presence reads as when it is not there. */
export function zero(node: PathNode, sink: FieldSink): void {
  if (node.slot === NO_SLOT) return;
  if (node.kind === "string") sink.text(node.slot, NOTHING, 0, 0);
  else if (node.kind === "bool") sink.boolean(node.slot, false);
  else if (node.kind === "bytes") sink.structure(node.slot);
  else if (node.kind === "enum") {
    const name = node.enumName(0);
    sink.text(node.slot, name, 0, name.length);
  } else sink.number(node.slot, 0);
}

function isDigits(bytes: Uint8Array, start: number, end: number): boolean {
  const from = bytes[start] === 0x2d ? start + 1 : start;
  for (let at = from; at < end; at++) if (bytes[at]! < 0x30 || bytes[at]! > 0x39) return false;
  return from < end;
}

function lastByte(bytes: Uint8Array, start: number, end: number): number {
  let at = end - 1;
  while (at > start && (bytes[at] === 0x20 || bytes[at] === 0x0a || bytes[at] === 0x0d || bytes[at] === 0x09)) at--;
  return bytes[at]!;
}
