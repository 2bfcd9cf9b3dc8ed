/** The constants that filters compare one field with, as small numbers. */
import { ByteTable, hashBytes } from "../../events/fields/byte-table.ts";
import type { Constant } from "../filter/constants.ts";

/** The value numbers that every field has. Constants follow: odd ones are texts, even ones numbers. */
export const ABSENT = 0;
/** There, but equal to no constant of any filter. */
export const OTHER = 1;
export const TRUE = 2;
export const FALSE = 3;
export const NULL = 4;
const FIRST_TEXT = 5;
const FIRST_NUMBER = 6;

const utf8 = new TextEncoder();

/** Constants are counted: each `acquire` wants its `release`. */
export class Constants {
  readonly texts: ByteTable;
  readonly numbers = new Map<number, number>();
  /** Uses by value number. */
  readonly #uses: number[] = [];
  readonly #values: (string | number | undefined)[] = [];
  readonly #freeNumbers: number[] = [];
  #nextNumber = FIRST_NUMBER;
  /** Different constants in use. */
  size = 0;

  constructor(seed: number) {
    this.texts = new ByteTable(seed);
  }

  acquire(constant: Constant): number {
    const value = this.#number(constant);
    const uses = this.#uses[value] ?? 0;
    this.#uses[value] = uses + 1;
    if (uses === 0) this.size++;
    return value;
  }

  /** True when that was the last use: the number may come back with another meaning. */
  release(value: number): boolean {
    const uses = this.#uses[value]! - 1;
    this.#uses[value] = uses;
    if (uses > 0) return false;
    this.size--;
    const constant = this.#values[value];
    if (typeof constant === "string") this.texts.delete((value - FIRST_TEXT) >> 1);
    if (typeof constant === "number") {
      this.numbers.delete(constant);
      this.#freeNumbers.push(value);
    }
    this.#values[value] = undefined;
    return true;
  }

  /** Bytes of the text that has this number. */
  lengthOf(value: number): number {
    return Buffer.byteLength(String(this.#values[value]));
  }

  /** The number of the text in `bytes[start, end)`. */
  text(hash: number, bytes: Uint8Array, start: number, end: number): number {
    const entry = this.texts.find(hash, bytes, start, end);
    return entry === -1 ? OTHER : FIRST_TEXT + entry * 2;
  }

  textAt(bytes: Uint8Array, start: number, end: number): number {
    return this.text(hashBytes(this.texts.seed, bytes, start, end), bytes, start, end);
  }

  number(value: number): number {
    return this.numbers.size === 0 ? OTHER : (this.numbers.get(value) ?? OTHER);
  }

  #number(constant: Constant): number {
    if (constant === null) return NULL;
    if (typeof constant === "boolean") return constant ? TRUE : FALSE;
    const value =
      typeof constant === "string" ? FIRST_TEXT + this.texts.add(utf8.encode(constant)) * 2 : this.#numeric(constant);
    this.#values[value] = constant;
    return value;
  }

  #numeric(constant: number): number {
    const known = this.numbers.get(constant);
    if (known !== undefined) return known;
    const value = this.#freeNumbers.pop() ?? this.#nextNumber;
    if (value === this.#nextNumber) this.#nextNumber += 2;
    this.numbers.set(constant, value);
    return value;
  }
}
