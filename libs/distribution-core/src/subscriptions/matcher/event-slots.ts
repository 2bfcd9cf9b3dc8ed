/** What filters can ask of the event at hand: a value number, a number and a bit for each field that any of them names. */
import { type Field, type FieldSink, fieldKey } from "../../events/fields/index.ts";
import { ABSENT, FALSE, NULL, OTHER, TRUE } from "./constants.ts";
import { Prefixes } from "./prefixes.ts";
import { ABSENT_BIT, NO_RUN, RUNS, Slot } from "./slot.ts";

/** The slot that rows name where they ask nothing: its number is 0, its value ABSENT, always. */
export const NOTHING_SLOT = 0;

const NO_FIELD: Field = { path: [], elements: false };

export class EventSlots implements FieldSink {
  /** Value numbers by slot. */
  ids = new Int32Array(16);
  /** Numbers by slot; NaN where there is none. */
  numbers = new Float64Array(16);
  /** One bit set in each run: the mask of what rows reject is compared with these. */
  readonly words = new Int32Array(4);
  readonly #absent = new Int32Array(4);
  readonly #slots: (Slot | undefined)[] = [new Slot(NOTHING_SLOT, NO_FIELD, "", false, 0)];
  readonly #byKey = new Map<string, Slot>();
  readonly #runs: (Slot | undefined)[] = new Array(RUNS).fill(undefined);
  readonly #seed: number;
  #event = 0;

  constructor(seed: number) {
    this.#seed = seed;
  }

  /** The field's slot, made when nobody named the field before; `made` is called then. Wants a `release`. */
  acquire(field: Field, made: (slot: Slot) => void): Slot {
    const key = fieldKey(field);
    let slot = this.#byKey.get(key);
    if (!slot) {
      slot = this.#make(field, key, field.elements);
      made(slot);
    }
    slot.uses++;
    return slot;
  }

  /** The slot of the field's prefixes. Wants a `release`; the field's own slot has to be held as long. */
  acquirePrefixes(of: Slot): Slot {
    if (!of.prefixSlot) {
      of.prefixSlot = this.#make(of.field, `prefixes of ${of.key}`, true);
      of.prefixSlot.owner = of;
      of.prefixes = new Prefixes();
    }
    of.prefixSlot.uses++;
    return of.prefixSlot;
  }

  /** True when nobody names the slot any more: it is gone, and its number will come back. */
  release(slot: Slot): boolean {
    if (--slot.uses > 0) return false;
    this.#byKey.delete(slot.key);
    this.#slots[slot.index] = undefined;
    this.clear(slot.index);
    if (slot.owner) {
      slot.owner.prefixSlot = undefined;
      slot.owner.prefixes = undefined;
    }
    if (slot.run !== NO_RUN) {
      this.#runs[slot.run] = undefined;
      this.#absent[slot.run >> 1]! &= ~(0xffff << ((slot.run & 1) * 16));
    }
    return true;
  }

  /** Gives the slot a run of the mask's bits where one is free. */
  ensureRun(slot: Slot): boolean {
    if (slot.run !== NO_RUN) return true;
    const run = slot.multiple ? -1 : this.#runs.indexOf(undefined);
    if (run === -1) return false;
    this.#runs[run] = slot;
    slot.own(run);
    this.#absent[run >> 1]! |= (1 << ABSENT_BIT) << ((run & 1) * 16);
    return true;
  }

  slot(index: number): Slot {
    return this.#slots[index]!;
  }

  /** Everything absent. */
  reset(): void {
    this.#event++;
    const { ids, numbers, words } = this;
    for (let slot = 1; slot < this.#slots.length; slot++) {
      ids[slot] = ABSENT;
      numbers[slot] = Number.NaN;
      const made = this.#slots[slot];
      if (made?.multiple) made.count = 0;
    }
    for (let word = 0; word < words.length; word++) words[word] = this.#absent[word]!;
  }

  text(index: number, bytes: Uint8Array, start: number, end: number): void {
    const slot = this.#slots[index]!;
    const { constants } = slot;
    const value = constants.texts.size === 0 ? OTHER : constants.textAt(bytes, start, end);
    this.#set(slot, value, Number.NaN);
    if (slot.prefixes && slot.prefixSlot) {
      slot.prefixSlot.count = 0;
      slot.prefixes.find(slot.prefixSlot.constants, slot.prefixSlot, ++this.#event, bytes, start, end);
    }
  }

  number(index: number, value: number): void {
    const slot = this.#slots[index]!;
    this.#set(slot, slot.constants.number(value), value);
  }

  boolean(index: number, value: boolean): void {
    this.#set(this.#slots[index]!, value ? TRUE : FALSE, Number.NaN);
  }

  nothing(index: number): void {
    this.#set(this.#slots[index]!, NULL, Number.NaN);
  }

  structure(index: number): void {
    this.#set(this.#slots[index]!, OTHER, Number.NaN);
  }

  clear(index: number): void {
    const slot = this.#slots[index];
    this.ids[index] = ABSENT;
    this.numbers[index] = Number.NaN;
    if (!slot) return;
    slot.count = 0;
    if (slot.prefixSlot) slot.prefixSlot.count = 0;
    if (slot.run !== NO_RUN) this.#setBit(slot.run, ABSENT_BIT);
  }

  #set(slot: Slot, value: number, number: number): void {
    if (slot.multiple) {
      if (value !== OTHER) slot.push(value, this.#event);
      return;
    }
    this.ids[slot.index] = value;
    this.numbers[slot.index] = number;
    if (slot.prefixSlot) slot.prefixSlot.count = 0;
    if (slot.run !== NO_RUN) this.#setBit(slot.run, slot.bit(value));
  }

  #setBit(run: number, bit: number): void {
    const shift = (run & 1) * 16;
    this.words[run >> 1] = (this.words[run >> 1]! & ~(0xffff << shift)) | (1 << (shift + bit));
  }

  #make(field: Field, key: string, multiple: boolean): Slot {
    const free = this.#slots.indexOf(undefined);
    const index = free === -1 ? this.#slots.length : free;
    const slot = new Slot(index, field, key, multiple, this.#seed);
    this.#slots[index] = slot;
    this.#byKey.set(key, slot);
    if (index >= this.ids.length) this.#grow();
    return slot;
  }

  #grow(): void {
    const ids = new Int32Array(this.ids.length * 2);
    const numbers = new Float64Array(ids.length);
    ids.set(this.ids);
    numbers.set(this.numbers);
    this.ids = ids;
    this.numbers = numbers;
  }
}
