/** The states of one projection by key: bounded, indexed, and given to a checkpoint as they were at one moment. */
import type { Position } from "../brokers/contract.ts";
import { createChangeOrder, type Linked } from "./change-order.ts";
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
  /** Let go because of the bounds. */
  readonly forgotten: number;
  get(key: string): Held<State> | undefined;
  /** To be called before the key's state may be changed in place. */
  protect(key: string): void;
  /** The key is now the one that changed last. Throws, having changed nothing, when it cannot be measured or indexed. */
  set(entry: Entry<State>, position: Position): void;
  delete(key: string): void;
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

/** One change of a key: the next one makes another slot, so that a snapshot has what it had. */
interface Slot<State> extends Held<State>, Linked<Slot<State>> {
  readonly bytes: number;
  readonly places: readonly IndexPlace<State>[];
  /** Forgotten only when nothing else is left. */
  readonly isKept: boolean;
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
  const passing = createChangeOrder<Slot<State>>();
  const kept = createChangeOrder<Slot<State>>();
  const orderOf = ({ isKept }: Slot<State>) => (isKept ? kept : passing);
  const saving = createSaving<State>((state) => codec.encode(state));
  let bytes = 0;
  let forgotten = 0;

  const remove = (slot: Slot<State>): void => {
    slots.delete(slot.entry.key);
    orderOf(slot).remove(slot);
    indexes.move(slot.places, []);
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
    protect(key) {
      const slot = slots.get(key);
      if (slot) saving.protect(slot);
    },
    set(entry, position) {
      const places = indexes.placesOf(entry);
      const lists = places.reduce((sum, { groups }) => sum + groups.length, 0);
      const size = options.sizeOf(entry.state) + 2 * entry.key.length + ENTRY_BYTES + lists * PLACE_BYTES;
      if (!Number.isFinite(size) || size <= 0) throw new RangeError(`The size of ${entry.key} is no number of bytes.`);
      const isKept = options.keep(entry.state);
      const before = slots.get(entry.key);
      if (before) {
        orderOf(before).remove(before);
        bytes -= before.bytes;
      }
      const held = indexes.move(before?.places ?? [], places);
      const savedIn = before?.savedIn ?? saving.current;
      const slot = { entry, position, bytes: size, places: held, isKept, savedIn, older: undefined, newer: undefined };
      slots.set(entry.key, slot);
      orderOf(slot).add(slot);
      bytes += size;
      keepBounds();
    },
    delete(key) {
      const slot = slots.get(key);
      if (slot) remove(slot);
    },
    snapshot: () => saving.begin([...passing.all(), ...kept.all()]),
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
