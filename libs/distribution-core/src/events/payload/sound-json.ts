/**
 * Passes JSON payloads that are plainly right, in one pass over the bytes, without making a text or an object of them: names and
 * strings of ASCII without escapes, no null, numbers of a length that fits in any case. All others, and what is a map or a well-known
 * type, get the closer look of check-json.ts, which also says what is wrong, if anything is.
 */
import { ScalarType } from "@bufbuild/protobuf";
import { ByteTable, hashBytes } from "../fields/byte-table.ts";
import {
  CLOSE_LIST,
  CLOSE_OBJECT,
  JsonCursor,
  LETTER_F,
  LETTER_T,
  OPEN_LIST,
  OPEN_OBJECT,
  QUOTE,
} from "../fields/json-cursor.ts";
import { decimalForm, FORM, skipDigits } from "./decimal.ts";
import type { NotedTexts } from "./noted.ts";
import type { FieldPlan, MessagePlan } from "./plan.ts";

export interface SoundJson {
  /** Whether `bytes[start, end)` is plainly a payload in which `wanted`, a field of a oneof, is set. False says nothing. */
  passes(bytes: Uint8Array, start: number, end: number, wanted?: FieldPlan): boolean;
}

export function createSoundJson(message: MessagePlan, notes: NotedTexts): SoundJson {
  return message.wellKnown ? { passes: () => false } : new Scanner(shapeOf(message, new Map()), notes);
}

const KIND = { text: 1, decimal: 2, integer: 3, number: 4, boolean: 5, name: 6, message: 7 } as const;

/** The fields that this can look at by the bytes of their names: numbers of the table are places in `fields`. */
interface Shape {
  readonly names: ByteTable;
  readonly fields: Field[];
}

interface Field {
  readonly plan: FieldPlan;
  readonly kind: number;
  readonly isList: boolean;
  /** Of integers: whether they have a sign, and the digits that fit in any case, as a string and as a number. */
  readonly signed: boolean;
  readonly quotedDigits: number;
  readonly bareDigits: number;
  /** Within its message, the same by either name. */
  readonly bit: number;
  readonly shape: Shape | undefined;
  readonly enumNames: ByteTable | undefined;
}

/** Of a message, those that have a bit; the others get the closer look. */
const MOST_FIELDS = 31;
/** Of messages; what is deeper gets the closer look. */
const MOST_LEVELS = 16;

const KINDS: ReadonlyMap<number, number> = new Map([
  [ScalarType.STRING, KIND.text],
  [ScalarType.BOOL, KIND.boolean],
  [ScalarType.DOUBLE, KIND.number],
  [ScalarType.FLOAT, KIND.number],
]);
const UNSIGNED: ReadonlySet<number> = new Set([
  ScalarType.UINT32,
  ScalarType.FIXED32,
  ScalarType.UINT64,
  ScalarType.FIXED64,
]);
const SHORT: ReadonlySet<number> = new Set([
  ScalarType.INT32,
  ScalarType.SINT32,
  ScalarType.SFIXED32,
  ScalarType.UINT32,
  ScalarType.FIXED32,
]);
/** Nine nines are an int32, fifteen a safe integer, seventeen are no matter to a float; nineteen digits are an int64 from 1 to 8 on. */
const DIGITS = { short: 9, safe: 15, float: 17, long: 19 } as const;

/** A message that holds itself is met while its own shape is made. */
function shapeOf(message: MessagePlan, made: Map<MessagePlan, Shape>): Shape {
  const known = made.get(message);
  if (known !== undefined) return known;
  const shape: Shape = { names: new ByteTable(), fields: [] };
  made.set(message, shape);
  const plans = [...new Set(message.byName.values())];
  if (!plans.every((plan) => isNamedAlone(message, plan))) return shape;
  for (const [index, plan] of plans.slice(0, MOST_FIELDS).entries()) {
    const field = fieldOf(plan, index, made);
    if (field === undefined) continue;
    for (const name of [plan.name, plan.jsonName]) shape.fields[shape.names.add(Buffer.from(name))] = field;
  }
  return shape;
}

/** Nothing else answers to its names, and neither is one that no object may have. */
function isNamedAlone({ byName }: MessagePlan, plan: FieldPlan): boolean {
  return [plan.name, plan.jsonName].every((name) => byName.get(name) === plan && name !== "__proto__");
}

function fieldOf(plan: FieldPlan, index: number, made: Map<MessagePlan, Shape>): Field | undefined {
  const kind = kindOf(plan);
  if (kind === undefined) return undefined;
  const short = SHORT.has(plan.type);
  let enumNames: ByteTable | undefined;
  if (kind === KIND.name) {
    enumNames = new ByteTable();
    for (const name of plan.enum!.names) enumNames.add(Buffer.from(name));
  }
  return {
    ...{ plan, kind, enumNames },
    isList: plan.shape === "list",
    signed: !UNSIGNED.has(plan.type),
    quotedDigits: short ? DIGITS.short : DIGITS.long,
    bareDigits: short ? DIGITS.short : DIGITS.safe,
    bit: 1 << index,
    shape: kind === KIND.message ? shapeOf(plan.message!, made) : undefined,
  };
}

/** Undefined: it gets the closer look. */
function kindOf({ shape, message, enum: enumeration, decimal, type }: FieldPlan): number | undefined {
  if (shape === "map" || type === ScalarType.BYTES) return undefined;
  if (message !== undefined) return message.wellKnown ? undefined : KIND.message;
  if (enumeration !== undefined) return enumeration.isNull ? undefined : KIND.name;
  return decimal ? KIND.decimal : (KINDS.get(type) ?? KIND.integer);
}

const MINUS = 0x2d;
const POINT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const NOTHING = new Uint8Array(0);

class Scanner implements SoundJson {
  readonly #root: Shape;
  readonly #notes: NotedTexts;
  readonly #cursor = new JsonCursor();
  #wanted: FieldPlan | undefined;

  constructor(root: Shape, notes: NotedTexts) {
    this.#root = root;
    this.#notes = notes;
  }

  passes(bytes: Uint8Array, start: number, end: number, wanted?: FieldPlan): boolean {
    const cursor = this.#cursor;
    cursor.reset(bytes, start, end);
    this.#wanted = wanted;
    const isSound = this.#message(this.#root, 1) && this.#wanted === undefined && cursor.peek() === -1;
    // A batch must not be kept by what looked at it.
    cursor.reset(NOTHING, 0, 0);
    return isSound;
  }

  #message(shape: Shape, level: number): boolean {
    const cursor = this.#cursor;
    if (level > MOST_LEVELS || cursor.peek() !== OPEN_OBJECT) return false;
    cursor.at += 1;
    let seen = 0;
    let oneofs = 0;
    if (cursor.peek() === CLOSE_OBJECT) return this.#pass();
    for (;;) {
      if (!this.#text()) return false;
      const field = shape.fields[this.#numberIn(shape.names)];
      if (field === undefined || (seen & field.bit) !== 0 || (oneofs & field.plan.oneof) !== 0) return false;
      seen |= field.bit;
      oneofs |= field.plan.oneof;
      if (!cursor.colon()) return false;
      if (!(field.isList ? this.#list(field, level) : this.#value(field, level))) return false;
      if (level === 1 && field.plan === this.#wanted) this.#wanted = undefined;
      const more = cursor.separator(CLOSE_OBJECT);
      if (more <= 0) return more === 0;
    }
  }

  #list(field: Field, level: number): boolean {
    const cursor = this.#cursor;
    if (cursor.peek() !== OPEN_LIST) return false;
    cursor.at += 1;
    if (cursor.peek() === CLOSE_LIST) return this.#pass();
    for (;;) {
      if (!this.#value(field, level)) return false;
      const more = cursor.separator(CLOSE_LIST);
      if (more <= 0) return more === 0;
    }
  }

  #value(field: Field, level: number): boolean {
    const cursor = this.#cursor;
    switch (field.kind) {
      case KIND.text:
        return this.#text() && this.#note(field, FORM.none);
      case KIND.decimal:
        return this.#text() && this.#decimal(field);
      case KIND.integer:
        return this.#integer(field, cursor.peek() === QUOTE);
      case KIND.number:
        return this.#number(cursor.peek());
      case KIND.boolean: {
        const first = cursor.peek();
        return (first === LETTER_T || first === LETTER_F) && cursor.literal(first);
      }
      case KIND.name:
        return this.#text() && this.#numberIn(field.enumNames!) >= 0;
      case KIND.message:
        return this.#message(field.shape!, level + 1);
      default:
        return false;
    }
  }

  #pass(): boolean {
    this.#cursor.at += 1;
    return true;
  }

  #text(): boolean {
    const cursor = this.#cursor;
    return cursor.peek() === QUOTE && cursor.string() && !cursor.escaped && cursor.ascii;
  }

  /** False: the string that was passed last is no decimal. */
  #decimal(field: Field): boolean {
    const { bytes, textStart, textEnd } = this.#cursor;
    const form = decimalForm(bytes, textStart, textEnd);
    return form !== FORM.none && this.#note(field, form);
  }

  /** The string that was passed last. */
  #note({ plan }: Field, form: number): true {
    if (plan.noted >= 0) this.#notes.take(plan.noted, this.#cursor.textStart, this.#cursor.textEnd, form);
    return true;
  }

  /** Of the string that was passed last. */
  #numberIn(table: ByteTable): number {
    const { bytes, textStart, textEnd } = this.#cursor;
    return table.find(hashBytes(table.seed, bytes, textStart, textEnd), bytes, textStart, textEnd);
  }

  #integer({ signed, quotedDigits, bareDigits }: Field, isQuoted: boolean): boolean {
    const cursor = this.#cursor;
    const { bytes } = cursor;
    if (isQuoted) cursor.at += 1;
    if (bytes[cursor.at] === MINUS) {
      if (!signed) return false;
      cursor.at += 1;
    }
    const from = cursor.at;
    if (!this.#digits(isQuoted ? quotedDigits : bareDigits)) return false;
    if (cursor.at - from === DIGITS.long && bytes[from] === NINE) return false;
    return !isQuoted || (cursor.at < cursor.end && bytes[cursor.at] === QUOTE && this.#pass());
  }

  #number(first: number): boolean {
    const cursor = this.#cursor;
    if (first === MINUS) cursor.at += 1;
    if (!this.#digits(DIGITS.float)) return false;
    if (cursor.bytes[cursor.at] !== POINT) return true;
    const from = cursor.at + 1;
    cursor.at = skipDigits(cursor.bytes, from, cursor.end);
    return cursor.at > from && cursor.at - from <= DIGITS.float;
  }

  /** A whole number without leading zeros: whoever goes on finds that a digit after a zero is nothing that may follow. */
  #digits(most: number): boolean {
    const cursor = this.#cursor;
    const from = cursor.at;
    cursor.at = cursor.bytes[from] === ZERO ? from + 1 : skipDigits(cursor.bytes, from, cursor.end);
    return cursor.at > from && cursor.at - from <= most;
  }
}
