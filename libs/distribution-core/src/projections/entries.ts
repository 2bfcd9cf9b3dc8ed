/** The states of one projection by key: bounded, indexed, and given to a checkpoint as they were at one moment. */
import type { Position } from "../brokers/contract.ts";
import { ChangeOrder, type Ordered } from "../tail/index.ts";
import type { Codec, Entry, SavedEntry } from "./contract.ts";
import type { Indexes, IndexPlace } from "./indexes.ts";

export interface Held<State> {
  readonly entry: Entry<State>;
  /** Of the event that changed it last. */
  readonly position: Position;
}

export interface Entries<State> {
  readonly keys: number;
  readonly bytes: number;
  /** Let go because of the bounds, or of a state that could not be kept. */
  readonly forgotten: number;
  get(key: string): Held<State> | undefined;
  /** The same, before its state may be changed in place. */
  open(key: string): Held<State> | undefined;
  /**
   * The key, which was opened before, is now the one that changed last. Throws, having changed nothing, when it cannot be measured or
   * indexed.
   */
  set(entry: Entry<State>, position: Position): void;
  delete(key: string): void;
  /** The same, and counted as let go. */
  forget(key: string): void;
  /** One at a time. */
  snapshot(): EntriesSnapshot;
  clear(): void;
}

export interface EntriesSnapshot {
  readonly keys: number;
  readonly valid: boolean;
  next(): SavedEntry | undefined;
  end(): void;
}

export interface EntriesOptions<State> {
  readonly bounds: { readonly keys: number; readonly bytes: number };
  readonly codec: Codec<State>;
  readonly sizeOf: (state: State) => number;
  /** What is not to be forgotten while there is anything else. */
  readonly keep: (state: State) => boolean;
  readonly indexes: Indexes<State>;
}

/** A key as it is: what a snapshot is to have of it is saved before it changes. */
interface Slot<State> extends Ordered<Slot<State>> {
  entry: Entry<State>;
  position: Position;
  bytes: number;
  /** None yet of a new one. */
  places: readonly IndexPlace<State>[] | undefined;
  /** Forgotten only when nothing else is left. */
  isKept: boolean;
  /** The number of the snapshot that has it, or is not to have it. */
  savedIn: number;
}

/** Beside the state: the slot, the entry, the position, their places in the maps. And for each list that it is in. */
const ENTRY_BYTES = 320;
const PLACE_BYTES = 96;

export function createEntries<State>(options: EntriesOptions<State>): Entries<State> {
  const { bounds, codec, indexes } = options;
  const slots = new Map<string, Slot<State>>();
  /** Of those that are forgotten first, and of those that are kept. */
  const passing = new ChangeOrder<Slot<State>>();
  const kept = new ChangeOrder<Slot<State>>();
  const orderOf = ({ isKept }: Slot<State>) => (isKept ? kept : passing);
  const saving = createSaving<State>((state) => codec.encode(state));
  let bytes = 0;
  let forgotten = 0;
  let changes = 0;

  const remove = (slot: Slot<State>): void => {
    slots.delete(slot.entry.key);
    orderOf(slot).remove(slot);
    indexes.leave(slot.places!);
    bytes -= slot.bytes;
  };
  const keepBounds = (): void => {
    while (slots.size > bounds.keys || (bytes > bounds.bytes && slots.size > 1)) {
      remove(passing.oldest ?? kept.oldest!);
      forgotten += 1;
    }
  };

  return {
    get keys() {
      return slots.size;
    },
    get bytes() {
      return bytes;
    },
    get forgotten() {
      return forgotten;
    },
    get: (key) => slots.get(key),
    open(key) {
      const slot = slots.get(key);
      if (slot) saving.protect(slot);
      return slot;
    },
    set(entry, position) {
      const { key, state } = entry;
      const lists = indexes.prepare(entry);
      const size = options.sizeOf(state) + 2 * key.length + ENTRY_BYTES + lists * PLACE_BYTES;
      if (!Number.isFinite(size) || size <= 0) throw new RangeError(`The size of ${key} is no number of bytes.`);
      const isKept = options.keep(state);
      let slot = slots.get(key);
      if (slot) {
        orderOf(slot).remove(slot);
        bytes -= slot.bytes;
      } else {
        slot = newSlot(entry, position, saving.current);
        slots.set(key, slot);
      }
      changes += 1;
      slot.entry = entry;
      slot.position = position;
      slot.bytes = size;
      slot.isKept = isKept;
      slot.number = changes;
      slot.places = indexes.move(slot.places, entry);
      orderOf(slot).add(slot);
      bytes += size;
      keepBounds();
    },
    delete(key) {
      const slot = slots.get(key);
      if (slot) remove(slot);
    },
    forget(key) {
      remove(slots.get(key)!);
      forgotten += 1;
    },
    snapshot: () => saving.begin([...allOf(passing), ...allOf(kept)]),
    clear() {
      slots.clear();
      passing.clear();
      kept.clear();
      indexes.clear();
      bytes = 0;
      saving.abandon();
    },
  };
}

function newSlot<State>(entry: Entry<State>, position: Position, savedIn: number): Slot<State> {
  return { entry, position, bytes: 0, places: undefined, isKept: false, savedIn, number: 0, page: undefined, slot: 0 };
}

/** Oldest change first. */
function allOf<State>(order: ChangeOrder<Slot<State>>): readonly Slot<State>[] {
  const slots: Slot<State>[] = [];
  order.since(0, (slot) => {
    slots.push(slot);
    return true;
  });
  return slots;
}

/**
 * Writing takes many turns of the event loop, and the states go on changing in place: what is not written yet is encoded
 * before its first change.
 */
function createSaving<State>(encode: (state: State) => Uint8Array) {
  let current = 0;
  let valid = false;
  let protectedOnes = new Map<Slot<State>, SavedEntry | Error>();
  const save = ({ entry: { key, changedAt, state }, position }: Slot<State>): SavedEntry => ({
    ...{ key, changedAt, position },
    state: encode(state),
  });
  const end = (): void => {
    valid = false;
    protectedOnes = new Map();
  };

  return {
    get current() {
      return current;
    },
    protect(slot: Slot<State>): void {
      if (!valid || slot.savedIn === current) return;
      slot.savedIn = current;
      try {
        protectedOnes.set(slot, save(slot));
      } catch (failure) {
        // Whoever writes is told; the event that changes the state has nothing to do with it.
        protectedOnes.set(slot, failure instanceof Error ? failure : new Error(String(failure)));
      }
    },
    begin(slots: readonly Slot<State>[]): EntriesSnapshot {
      current += 1;
      valid = true;
      const mine = current;
      let at = 0;
      return {
        keys: slots.length,
        get valid() {
          return valid && mine === current;
        },
        next() {
          const slot = slots[at];
          at += 1;
          if (!slot) return undefined;
          const known = protectedOnes.get(slot);
          protectedOnes.delete(slot);
          slot.savedIn = mine;
          if (known instanceof Error) throw known;
          return known ?? save(slot);
        },
        end,
      };
    },
    abandon: end,
  };
}
