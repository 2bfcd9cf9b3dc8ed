/**
 * Collections for what passes through: entries that come and go all the time, a few of them there at a time.
 *
 * V8 gives a Map or Set another table whenever the old one has filled up with what was deleted, and the old table keeps pointing at
 * the new one, for iterators. A full collection moves the table of the moment to the old space. Dead there a moment later, it holds
 * the next table until the next full collection, that one the one after it, and each of them whatever it had when it was replaced: all
 * that passes through survives, is copied, and grows old. These take a new Map now and then, to which nothing old points.
 */

/** Entries that are taken before the Map is renewed; more when so many are there that copying them would cost. */
const RENEW_AFTER = 1_024;
const RENEW_AFTER_TIMES_SIZE = 4;

const takesUntilRenewal = (size: number): number => Math.max(RENEW_AFTER, RENEW_AFTER_TIMES_SIZE * size);

/** A Map, in the order of insertion. Who walks it may not see what is set meanwhile. */
export class TransitMap<Key, Value> {
  #map = new Map<Key, Value>();
  #left = RENEW_AFTER;

  get size(): number {
    return this.#map.size;
  }

  get(key: Key): Value | undefined {
    return this.#map.get(key);
  }

  has(key: Key): boolean {
    return this.#map.has(key);
  }

  set(key: Key, value: Value): void {
    this.#left -= 1;
    if (this.#left < 0) {
      this.#map = new Map(this.#map);
      this.#left = takesUntilRenewal(this.#map.size);
    }
    this.#map.set(key, value);
  }

  delete(key: Key): boolean {
    return this.#map.delete(key);
  }

  /** Costs nothing where nothing is there. */
  clear(): void {
    if (this.#map.size === 0) return;
    this.#map = new Map();
    this.#left = RENEW_AFTER;
  }

  keys(): MapIterator<Key> {
    return this.#map.keys();
  }

  values(): MapIterator<Value> {
    return this.#map.values();
  }

  [Symbol.iterator](): MapIterator<[Key, Value]> {
    return this.#map[Symbol.iterator]();
  }
}

/** A Set, in the order of insertion. Who walks it may not see what is added meanwhile. */
export class TransitSet<Value> {
  #set = new Set<Value>();
  #left = RENEW_AFTER;

  get size(): number {
    return this.#set.size;
  }

  has(value: Value): boolean {
    return this.#set.has(value);
  }

  add(value: Value): void {
    this.#left -= 1;
    if (this.#left < 0) {
      this.#set = new Set(this.#set);
      this.#left = takesUntilRenewal(this.#set.size);
    }
    this.#set.add(value);
  }

  delete(value: Value): boolean {
    return this.#set.delete(value);
  }

  /** Costs nothing where nothing is there. */
  clear(): void {
    if (this.#set.size === 0) return;
    this.#set = new Set();
    this.#left = RENEW_AFTER;
  }

  [Symbol.iterator](): SetIterator<Value> {
    return this.#set[Symbol.iterator]();
  }
}
