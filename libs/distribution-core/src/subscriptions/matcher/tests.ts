/** The terms of filters in numbers: what rows, groups and leftovers are made of. */
import type { Term } from "../filter/terms.ts";
import { ABSENT } from "./constants.ts";
import type { EventSlots } from "./event-slots.ts";
import { orderedHigh } from "./ordered.ts";
import type { Slot } from "./slot.ts";

export type RangeTest = { readonly op: "range"; readonly slot: Slot; readonly low: number; readonly high: number };
export type SetTest = { readonly op: "in" | "notIn"; readonly slot: Slot; readonly values: readonly number[] };
export type ValueTest = SetTest | { readonly op: "exists" | "absent"; readonly slot: Slot };
export type Test = RangeTest | ValueTest;

/** The test holds slots and constants until `releaseTest`. */
export function compileTerm(term: Term, slots: EventSlots, made: (slot: Slot) => void): Test {
  const slot = slots.acquire(term.field, made);
  switch (term.op) {
    case "in":
    case "notIn":
      return { op: term.op, slot, values: term.values.map((value) => slot.constants.acquire(value)) };
    case "range":
      return { op: "range", slot, low: term.low, high: term.high };
    case "prefix": {
      const prefixes = slots.acquirePrefixes(slot);
      const value = prefixes.constants.acquire(term.prefix);
      slot.prefixes?.acquire(prefixes.constants.lengthOf(value));
      return { op: "in", slot: prefixes, values: [value] };
    }
    default:
      return { op: term.op, slot };
  }
}

/** Gives back what the test holds: constants first, so that a slot outlives what is held in it. */
export function releaseTest(test: Test, slots: EventSlots, gone: (slot: Slot) => void): void {
  const { slot } = test;
  /** Of a slot that holds prefixes: the one of the text, which was acquired with it. */
  const text = slot.owner;
  for (const value of "values" in test ? test.values : []) {
    text?.prefixes?.release(slot.constants.lengthOf(value));
    slot.release(value);
  }
  if (slots.release(slot)) gone(slot);
  if (text && slots.release(text)) gone(text);
}

/** Whether the event at hand passes. */
export function passes(test: Test, slots: EventSlots): boolean {
  const { slot } = test;
  const value = slots.ids[slot.index]!;
  switch (test.op) {
    case "in":
      if (!slot.multiple) return value !== ABSENT && test.values.includes(value);
      for (let at = 0; at < slot.count; at++) if (test.values.includes(slot.list[at]!)) return true;
      return false;
    case "notIn":
      return value !== ABSENT && !test.values.includes(value);
    case "range":
      return slots.numbers[slot.index]! >= test.low && slots.numbers[slot.index]! <= test.high;
    case "exists":
      return value !== ABSENT;
    case "absent":
      return value === ABSENT;
  }
}

/** Bits of one power of two in the order of doubles' high words. */
const OCTAVE = 2 ** 20;

/**
 * A guess at the share of events that pass, for choosing by which test to split; above 1 for tests that no group can hold.
 * Fields with many constants are taken to have as many values; numbers of a kind are taken to lie
 * within an eighth of an octave, as prices of an instrument do: a look-up by value is the quicker one, and sure.
 */
export function shareOf(test: Test): number {
  switch (test.op) {
    case "in": {
      const known = Math.max(2, test.slot.constants.size);
      return Math.min(1, (test.values.length * (test.slot.multiple ? 2 : 1)) / known);
    }
    case "range":
      if (!isBand(test)) return 0.5;
      return Math.min(0.9, (8 * (orderedHigh(test.high) - orderedHigh(test.low) + 1)) / OCTAVE);
    default:
      return 2;
  }
}

/** Has both ends. */
export function isBand(test: RangeTest): boolean {
  return Number.isFinite(test.low) && Number.isFinite(test.high);
}
