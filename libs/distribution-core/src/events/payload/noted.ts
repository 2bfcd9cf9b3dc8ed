/** Where the texts of some fields of a payload are: noted while it is checked, for who asks more of them than its message does. */
import { ScalarType } from "@bufbuild/protobuf";
import type { FieldPlan, MessagePlan } from "./plan.ts";

const NOTHING = new Uint8Array(0);
const MINUS = 0x2d;
const POINT = 0x2e;
const ZERO = 0x30;

/** Of a text that is put together: the place of another one, or below 0 a byte. */
export type TextPart = number;

/** A text's bytes as parts. */
export const bytesAsParts = (text: string): readonly TextPart[] => Array.from(Buffer.from(text), (byte) => -1 - byte);

type Parsed = Readonly<Record<string, unknown>>;

export class NotedTexts {
  /** What all of them lie in. */
  #bytes: Uint8Array = NOTHING;
  /** Start and end of each. */
  readonly #spans: number[] = [];
  /** The fields on the way to each; none: it is given from outside. */
  readonly #ways: (readonly FieldPlan[])[] = [];

  /** A place more. */
  add(way: readonly FieldPlan[] = []): number {
    this.#spans.push(0, 0);
    return this.#ways.push(way) - 1;
  }

  /** What is taken lies in these. */
  begin(bytes: Uint8Array): void {
    this.#bytes = bytes;
    for (let at = 0; at < this.#spans.length; at += 1) this.#spans[at] = 0;
  }

  /** The last one counts. */
  take(place: number, start: number, end: number): void {
    this.#spans[2 * place] = start;
    this.#spans[2 * place + 1] = end;
  }

  /** A text that may lie elsewhere. */
  takeFrom(bytes: Uint8Array, place: number, start: number, end: number): void {
    if (bytes === this.#bytes) this.take(place, start, end);
    else {
      const length = this.#bytes.length;
      this.#bytes = Buffer.concat([this.#bytes, bytes.subarray(start, end)]);
      this.take(place, length, this.#bytes.length);
    }
  }

  /** Those of a parsed payload that fits the message. */
  takeParsed(payload: unknown): void {
    this.begin(NOTHING);
    for (const [place, way] of this.#ways.entries()) {
      if (way.length === 0) continue;
      const value = way.reduce((holder, field) => memberOf(holder as Parsed | null | undefined, field), payload);
      const bytes = Buffer.from((value as string | null | undefined) ?? "");
      this.takeFrom(bytes, place, 0, bytes.length);
    }
  }

  /** Nobody asks any more: a batch must not be kept by what looked at it. */
  release(): void {
    this.#bytes = NOTHING;
  }

  isEmpty(place: number): boolean {
    return this.#spans[2 * place + 1] === this.#spans[2 * place];
  }

  /** Of a decimal: whether it has no zeros to spare, and is no "-0". */
  isCanonical(place: number): boolean {
    const bytes = this.#bytes;
    const end = this.#spans[2 * place + 1]!;
    const start = this.#spans[2 * place]!;
    const first = bytes[start] === MINUS ? start + 1 : start;
    let at = first;
    while (at < end && bytes[at] !== POINT) at += 1;
    if (bytes[first] === ZERO && at > first + 1) return false;
    if (at < end) return bytes[end - 1] !== ZERO;
    return first === start || bytes[first] !== ZERO;
  }

  /** Of a decimal in canonical form: below 0, 0, or above 0. */
  sign(place: number): number {
    const start = this.#spans[2 * place]!;
    if (this.#bytes[start] === MINUS) return -1;
    return this.#bytes[start] === ZERO && this.#spans[2 * place + 1] === start + 1 ? 0 : 1;
  }

  /** Whether it is these one after the other. */
  isJoined(place: number, parts: readonly TextPart[]): boolean {
    const bytes = this.#bytes;
    let at = this.#spans[2 * place]!;
    for (let index = 0; index < parts.length; index += 1) {
      const part = parts[index]!;
      if (part < 0) {
        if (bytes[at] !== -1 - part) return false;
        at += 1;
        continue;
      }
      const end = this.#spans[2 * part + 1]!;
      for (let from = this.#spans[2 * part]!; from < end; from += 1) {
        if (bytes[at] !== bytes[from]) return false;
        at += 1;
      }
    }
    // Whoever went on beyond it does not end there.
    return at === this.#spans[2 * place + 1];
  }

  text(place: number): string {
    const [start, end] = this.#spans.slice(2 * place, 2 * place + 2);
    return Buffer.from(this.#bytes.subarray(start, end)).toString();
  }

  joined(parts: readonly TextPart[]): string {
    return parts.map((part) => (part < 0 ? String.fromCharCode(-1 - part) : this.text(part))).join("");
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
