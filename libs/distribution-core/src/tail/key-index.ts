/**
 * From a key's bytes to a small dense number, without making a string of it: open addressing over typed arrays,
 * FNV-1a with linear probing, half full at most, deletion by shifting back (no tombstones).
 */
export interface KeyIndex {
  readonly size: number;
  /** The key's number, or -1. */
  find(bytes: Uint8Array, start: number, end: number): number;
  /** The key's number; a new key gets the number freed last, or the next one. */
  intern(bytes: Uint8Array, start: number, end: number): number;
  /** Frees the number for another key. */
  remove(id: number): void;
  keyOf(id: number): Uint8Array;
}

const EMPTY = 0;
const INITIAL_SLOTS = 256;

export function createKeyIndex(): KeyIndex {
  // A slot holds id + 1, so that fresh arrays are empty.
  let slots = new Int32Array(INITIAL_SLOTS);
  let mask = INITIAL_SLOTS - 1;
  const keys: (Uint8Array | undefined)[] = [];
  const hashes: number[] = [];
  const free: number[] = [];
  let size = 0;

  const slotOf = (hash: number, bytes: Uint8Array, start: number, end: number): number => {
    let slot = hash & mask;
    for (;;) {
      const id = slots[slot]! - 1;
      if (id < 0) return slot;
      if (hashes[id] === hash && same(keys[id]!, bytes, start, end)) return slot;
      slot = (slot + 1) & mask;
    }
  };

  const grow = (): void => {
    const old = slots;
    slots = new Int32Array(old.length * 2);
    mask = slots.length - 1;
    for (const entry of old) {
      if (entry === EMPTY) continue;
      let slot = hashes[entry - 1]! & mask;
      while (slots[slot] !== EMPTY) slot = (slot + 1) & mask;
      slots[slot] = entry;
    }
  };

  /** Moves followers of the gap into it as long as that brings them nearer to their home slot. */
  const closeGap = (start: number): void => {
    let gap = start;
    for (let slot = (gap + 1) & mask; slots[slot] !== EMPTY; slot = (slot + 1) & mask) {
      const home = hashes[slots[slot]! - 1]! & mask;
      if (((slot - home) & mask) < ((slot - gap) & mask)) continue;
      slots[gap] = slots[slot]!;
      gap = slot;
    }
    slots[gap] = EMPTY;
  };

  return {
    get size() {
      return size;
    },
    find: (bytes, start, end) => slots[slotOf(hashOf(bytes, start, end), bytes, start, end)]! - 1,
    intern(bytes, start, end) {
      const hash = hashOf(bytes, start, end);
      const slot = slotOf(hash, bytes, start, end);
      const known = slots[slot]! - 1;
      if (known >= 0) return known;
      const id = free.pop() ?? keys.length;
      // Not `slice`: a Buffer's is a view, which would keep the whole batch alive.
      keys[id] = new Uint8Array(bytes.subarray(start, end));
      hashes[id] = hash;
      slots[slot] = id + 1;
      size += 1;
      if (size * 2 > slots.length) grow();
      return id;
    },
    remove(id) {
      const key = keys[id];
      if (key === undefined) return;
      closeGap(slotOf(hashes[id]!, key, 0, key.length));
      keys[id] = undefined;
      free.push(id);
      size -= 1;
    },
    keyOf: (id) => keys[id] ?? new Uint8Array(0),
  };
}

function hashOf(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5;
  for (let at = start; at < end; at += 1) hash = Math.imul(hash ^ bytes[at]!, 0x01000193);
  // FNV's low bits are weak for short keys that differ at the end only; one mixing step spreads them.
  return (hash ^ (hash >>> 15)) >>> 0;
}

function same(key: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  if (key.length !== end - start) return false;
  for (let at = 0; at < key.length; at += 1) if (key[at] !== bytes[start + at]) return false;
  return true;
}
