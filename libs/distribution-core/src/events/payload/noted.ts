/** Where the texts of some fields of a payload are: noted while it is checked, for who asks more of them than its message does. */
import { ScalarType } from "@bufbuild/protobuf";
import { utf8 } from "../slices.ts";
import { areSame } from "../words.ts";
import { decimalForm, FORM } from "./decimal.ts";
import type { FieldPlan, MessagePlan } from "./plan.ts";

const NOTHING = new Uint8Array(0);

/** Words of a note. */
const START = 0;
const END = 1;
/** A FORM. */
const FORM_AT = 2;
const NOTE_WORDS = 3;

/** A text as parts of one that is put together, of which there are two kinds: places of others, and bytes, below 0. */
export const bytesAsParts = (text: string): readonly number[] => Array.from(Buffer.from(text), (byte) => -1 - byte);

type Parsed = Readonly<Record<string, unknown>>;

export class NotedTexts {
  /** What all of them lie in. */
  #bytes: Uint8Array = NOTHING;
  #notes = new Int32Array(0);
  /** The fields on the way to each. */
  readonly #ways: (readonly FieldPlan[])[] = [];
  /** The place of a text that no field of the payload has. */
  readonly outside = this.add([]);

  /** A place more; what was taken is gone. */
  add(way: readonly FieldPlan[]): number {
    this.#ways.push(way);
    this.#notes = new Int32Array(this.#ways.length * NOTE_WORDS);
    return this.#ways.length - 1;
  }

  /** What is taken lies in these. */
  begin(bytes: Uint8Array): void {
    this.#bytes = bytes;
    const notes = this.#notes;
    for (let at = 0; at < notes.length; at += 1) notes[at] = 0;
  }

  /** The last one counts. `form`: of a decimal. */
  take(place: number, start: number, end: number, form: number): void {
    const notes = this.#notes;
    const at = place * NOTE_WORDS;
    notes[at + START] = start;
    notes[at + END] = end;
    notes[at + FORM_AT] = form;
  }

  /** A text that may lie elsewhere. */
  takeFrom(bytes: Uint8Array, place: number, start: number, end: number, form: number): void {
    if (bytes === this.#bytes) this.take(place, start, end, form);
    else {
      const length = this.#bytes.length;
      this.#bytes = Buffer.concat([this.#bytes, bytes.subarray(start, end)]);
      this.take(place, length, this.#bytes.length, form);
    }
  }

  /** Those of a parsed payload that fits the message. */
  takeParsed(payload: unknown): void {
    this.begin(NOTHING);
    for (const [place, way] of this.#ways.entries()) {
      if (place === this.outside) continue;
      const value = way.reduce((holder, field) => memberOf(holder as Parsed | null | undefined, field), payload);
      const bytes = Buffer.from((value as string | null | undefined) ?? "");
      const form = way.at(-1)!.decimal ? decimalForm(bytes, 0, bytes.length) : FORM.none;
      this.takeFrom(bytes, place, 0, bytes.length, form);
    }
  }

  /** Nobody asks any more: a batch must not be kept by what looked at it. */
  release(): void {
    this.#bytes = NOTHING;
  }

  /** A FORM: `none` of what is no decimal, or not there. */
  form(place: number): number {
    return this.#notes[place * NOTE_WORDS + FORM_AT]!;
  }

  /** Whether the schema says that it is a decimal. */
  isDecimal(place: number): boolean {
    return this.#ways[place]!.at(-1)?.decimal === true;
  }

  /** Which of the places has no text; -1: none of them. */
  findEmpty(places: Int32Array): number {
    const notes = this.#notes;
    for (let index = 0; index < places.length; index += 1) {
      const at = places[index]! * NOTE_WORDS;
      if (notes[at + END] === notes[at + START]) return index;
    }
    return -1;
  }

  /** Which of the places has a decimal that comes before the form in the order of FORM; what is empty has none. */
  findBelow(places: Int32Array, forms: Int32Array): number {
    const notes = this.#notes;
    for (let index = 0; index < places.length; index += 1) {
      const form = notes[places[index]! * NOTE_WORDS + FORM_AT]!;
      if (form < forms[index]! && form > FORM.empty) return index;
    }
    return -1;
  }

  /** Whether the text is these one after the other. */
  isJoined(place: number, parts: Int32Array): boolean {
    const bytes = this.#bytes;
    const notes = this.#notes;
    const end = notes[place * NOTE_WORDS + END]!;
    let at = notes[place * NOTE_WORDS + START]!;
    for (let index = 0; index < parts.length; index += 1) {
      const part = parts[index]!;
      if (part < 0) {
        if (bytes[at] !== -1 - part) return false;
        at += 1;
      } else {
        const start = notes[part * NOTE_WORDS + START]!;
        const length = notes[part * NOTE_WORDS + END]! - start;
        if (length > end - at || !areSame(bytes, at, start, length)) return false;
        at += length;
      }
    }
    // Whoever went on beyond it does not end there.
    return at === end;
  }

  text(place: number): string {
    const at = place * NOTE_WORDS;
    return utf8(this.#bytes, this.#notes[at + START]!, this.#notes[at + END]!);
  }

  joined(parts: Int32Array): string {
    return Array.from(parts, (part) => (part < 0 ? String.fromCharCode(-1 - part) : this.text(part))).join("");
  }
}

/**
 * Has the field at the path (proto names, `trade.price`) noted, and returns its place. Throws Error when the message has no such
 * text, or there may be several of it: in a list or a map, or in a message that other fields hold too.
 */
export function note(message: MessagePlan, path: string, notes: NotedTexts): number {
  const way: FieldPlan[] = [];
  let holder = message;
  for (const name of path.split(".")) {
    if (way.length > 0) holder = heldAlone(message, way.at(-1)!) ?? fail(message, path);
    const field = holder.byName.get(name);
    way.push(field?.name === name && field.shape === "single" ? field : fail(message, path));
  }
  const field = way.at(-1)!;
  if (field.type !== ScalarType.STRING) fail(message, path);
  if (field.noted >= 0) return field.noted;
  field.noted = notes.add(way);
  const tag = (field.number << 3) | field.wireType;
  if (tag < holder.noted.length) holder.noted[tag] = field.noted + 1;
  return field.noted;
}

function fail(message: MessagePlan, path: string): never {
  throw new Error(
    `${message.typeName} has no text ${path}, or may have several: a rule is of a string that is there once.`,
  );
}

/** Undefined: the field holds no message, or one that is held by others too. */
function heldAlone(message: MessagePlan, { message: held }: FieldPlan): MessagePlan | undefined {
  return held !== undefined && held !== message && holdersOf(message, held).length === 1 ? held : undefined;
}

/** By either name; null is not set. */
const memberOf = (holder: Parsed | null | undefined, { name, jsonName }: FieldPlan): unknown =>
  holder?.[name] ?? holder?.[jsonName];

/** The fields below `message` that hold the other one. */
function holdersOf(message: MessagePlan, held: MessagePlan): readonly FieldPlan[] {
  const seen = new Set([message]);
  const holders: FieldPlan[] = [];
  for (const each of seen) {
    for (const field of new Set(each.byName.values())) {
      if (field.message === held) holders.push(field);
      if (field.message !== undefined) seen.add(field.message);
    }
  }
  return holders;
}
