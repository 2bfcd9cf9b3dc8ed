/**
 * Conjunctions as rows of one size, in two typed arrays. A node's rows lie side by side, so that testing them is a walk through
 * memory without a branch on their kind.
 */

import { ABSENT } from "./constants.ts";
import type { EventSlots } from "./event-slots.ts";
import { NOTHING_SLOT } from "./event-slots.ts";
import type { Placement } from "./placement.ts";
import { ABSENT_BIT, NO_RUN, type Slot } from "./slot.ts";
import type { Test, ValueTest } from "./tests.ts";

/** Integers of a row: four words of rejected bits, two slots of ranges, a slot and value to be equal, the subscriber, flags. */
export const INTS = 12;
export const RANGE_1 = 4;
export const RANGE_2 = 5;
export const EQUAL_SLOT = 6;
export const EQUAL_VALUE = 7;
export const ID = 8;
/** 1: there is more to ask than the row says. */
export const MORE = 9;
/** Doubles of a row: low and high of either range. */
export const DOUBLES = 4;

/** Power-of-two spans of rows, and free lists of them by size. */
export class Rows {
  ints = new Int32Array(64 * INTS);
  doubles = new Float64Array(64 * DOUBLES);
  /** Whose row it is, by row. */
  readonly placements: (Placement | undefined)[] = [];
  readonly #free: number[][] = [];
  #end = 0;
  #capacity = 64;

  /** The first of `2 ** order` rows. */
  allocate(order: number): number {
    const reused = this.#free[order]?.pop();
    if (reused !== undefined) return reused;
    const start = this.#end;
    this.#end += 1 << order;
    while (this.#end > this.#capacity) this.#grow();
    return start;
  }

  free(start: number, order: number): void {
    let spans = this.#free[order];
    if (!spans) {
      spans = [];
      this.#free[order] = spans;
    }
    spans.push(start);
  }

  move(from: number, to: number, count: number): void {
    this.ints.copyWithin(to * INTS, from * INTS, (from + count) * INTS);
    this.doubles.copyWithin(to * DOUBLES, from * DOUBLES, (from + count) * DOUBLES);
    for (let i = 0; i < count; i++) {
      const placement = this.placements[from + i]!;
      this.placements[to + i] = placement;
      this.placements[from + i] = undefined;
      placement.row = to + i;
    }
  }

  /** Writes what a row can hold of the tests, and gives back the rest. */
  write(row: number, id: number, tests: readonly Test[], slots: EventSlots): Test[] {
    const { ints, doubles } = this;
    const at = row * INTS;
    ints.fill(0, at, at + INTS);
    ints[at + RANGE_1] = NOTHING_SLOT;
    ints[at + RANGE_2] = NOTHING_SLOT;
    ints[at + EQUAL_SLOT] = NOTHING_SLOT;
    ints[at + EQUAL_VALUE] = ABSENT;
    ints[at + ID] = id;
    doubles.fill(0, row * DOUBLES, (row + 1) * DOUBLES);
    return tests.filter((test) => !this.#hold(row, test, slots));
  }

  #hold(row: number, test: Test, slots: EventSlots): boolean {
    if (test.slot.multiple) return false;
    if (test.op === "range") return this.#range(row, test.slot.index, test.low, test.high);
    if (this.#reject(row, test, slots)) return true;
    const at = row * INTS;
    if (test.op !== "in" || test.values.length !== 1 || this.ints[at + EQUAL_SLOT] !== NOTHING_SLOT) return false;
    this.ints[at + EQUAL_SLOT] = test.slot.index;
    this.ints[at + EQUAL_VALUE] = test.values[0]!;
    return true;
  }

  #range(row: number, slot: number, low: number, high: number): boolean {
    const at = row * INTS;
    const place = this.ints[at + RANGE_1] === NOTHING_SLOT ? 0 : this.ints[at + RANGE_2] === NOTHING_SLOT ? 1 : -1;
    if (place === -1) return false;
    this.ints[at + RANGE_1 + place] = slot;
    this.doubles[row * DOUBLES + place * 2] = low;
    this.doubles[row * DOUBLES + place * 2 + 1] = high;
    return true;
  }

  #reject(row: number, test: ValueTest, slots: EventSlots): boolean {
    if (!slots.ensureRun(test.slot)) return false;
    const mask = rejected(test);
    if (mask === -1) return false;
    const { run } = test.slot;
    this.ints[row * INTS + (run >> 1)]! |= mask << ((run & 1) * 16);
    return true;
  }

  #grow(): void {
    this.#capacity *= 2;
    const ints = new Int32Array(this.#capacity * INTS);
    const doubles = new Float64Array(this.#capacity * DOUBLES);
    ints.set(this.ints);
    doubles.set(this.doubles);
    this.ints = ints;
    this.doubles = doubles;
  }
}

/**
 * The bits of the field's run that the test rejects; -1 when a value has no bit of its own. Bits that no value has yet are
 * rejected by "in" and passed by "notIn", so that rows stay right when a value gets one of them later.
 */
function rejected(test: ValueTest): number {
  const absent = 1 << ABSENT_BIT;
  switch (test.op) {
    case "exists":
      return absent;
    case "absent":
      return 0xffff & ~absent;
    default: {
      const values = bitsOf(test.slot, test.values);
      if (values === -1) return -1;
      return test.op === "in" ? 0xffff & ~values : absent | values;
    }
  }
}

function bitsOf(slot: Slot, values: readonly number[]): number {
  if (slot.run === NO_RUN || values.length > 14) return -1;
  let bits = 0;
  for (const value of values) {
    const bit = slot.ownBit(value);
    if (bit === -1) return -1;
    bits |= 1 << bit;
  }
  return bits;
}
