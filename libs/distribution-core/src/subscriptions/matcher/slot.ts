/** One field that filters name, and what they compare it with. */
import type { Field } from "../../events/fields/index.ts";
import { Constants } from "./constants.ts";
import type { Prefixes } from "./prefixes.ts";

/** Bits that one field has in the words of a row's mask. */
export const RUN_BITS = 16;
/** Fields that have such a run: four words of 32 bits. */
export const RUNS = 8;
export const ABSENT_BIT = 0;
export const OTHER_BIT = 1;
const FIRST_BIT = 2;
export const NO_RUN = -1;

export class Slot {
  readonly index: number;
  readonly field: Field;
  readonly key: string;
  /** Holds any number of values at a time: elements of a list, prefixes of a text. */
  readonly multiple: boolean;
  readonly constants: Constants;
  /** The slot that holds which prefixes the text has; on single-valued slots only. */
  prefixes: Prefixes | undefined;
  prefixSlot: Slot | undefined;
  /** Of a slot that holds prefixes: the slot of the text. */
  owner: Slot | undefined;
  uses = 0;
  /** Which run of the mask's bits the field owns. */
  run = NO_RUN;
  /** Of a multiple slot: the value numbers of this event, each once. */
  list = new Int32Array(8);
  count = 0;
  readonly #listedIn: number[] = [];
  readonly #bits: number[] = [];
  #freeBits: number[] = [];

  constructor(index: number, field: Field, key: string, multiple: boolean, seed: number) {
    this.index = index;
    this.field = field;
    this.key = key;
    this.multiple = multiple;
    this.constants = new Constants(seed);
  }

  /** Adds to the list what is not in it yet in this event. */
  push(value: number, event: number): void {
    if (this.#listedIn[value] === event) return;
    this.#listedIn[value] = event;
    if (this.count === this.list.length) {
      const longer = new Int32Array(this.count * 2);
      longer.set(this.list);
      this.list = longer;
    }
    this.list[this.count++] = value;
  }

  own(run: number): void {
    this.run = run;
    this.#freeBits = Array.from({ length: RUN_BITS - FIRST_BIT }, (_, i) => RUN_BITS - 1 - i);
  }

  /** The value's bit in the field's run, as an event sets it. */
  bit(value: number): number {
    return this.#bits[value] ?? OTHER_BIT;
  }

  /** The same for a row: a bit of the value's own, or -1 when all are taken. */
  ownBit(value: number): number {
    const known = this.#bits[value];
    if (known !== undefined) return known;
    const free = this.#freeBits.pop();
    if (free === undefined) return -1;
    this.#bits[value] = free;
    return free;
  }

  release(value: number): void {
    if (!this.constants.release(value)) return;
    const bit = this.#bits[value];
    if (bit === undefined) return;
    this.#freeBits.push(bit);
    delete this.#bits[value];
  }
}
