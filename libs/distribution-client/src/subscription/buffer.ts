/** What came and waits for the consumer, in order: events, and notices that have their place between events. */

interface Item<E, N> {
  readonly event?: E;
  readonly notice?: N;
  readonly bytes: number;
}

export interface Buffer<E, N> {
  /** Events that wait or are in the consumer's hands, and their bytes. */
  readonly events: number;
  readonly bytes: number;
  /** Whether a notice is the next thing to be taken. */
  readonly noticeNext: boolean;
  push(event: E, bytes: number): void;
  note(notice: N): void;
  /** An event taken out counts until `release`. */
  shift(): Item<E, N> | undefined;
  release(events: number, bytes: number): void;
  clear(): void;
}

/** Slots of taken items are given back in one go when there are this many of them. */
const COMPACT_AT = 1024;

export function createBuffer<E, N>(): Buffer<E, N> {
  let items: (Item<E, N> | undefined)[] = [];
  let head = 0;
  let events = 0;
  let bytes = 0;
  return {
    get events() {
      return events;
    },
    get bytes() {
      return bytes;
    },
    get noticeNext() {
      return items[head]?.notice !== undefined;
    },
    push(event, size) {
      items.push({ event, bytes: size });
      events += 1;
      bytes += size;
    },
    note: (notice) => void items.push({ notice, bytes: 0 }),
    shift() {
      const item = items[head];
      if (item === undefined) return undefined;
      items[head] = undefined;
      head += 1;
      if (head === items.length || head >= COMPACT_AT) {
        items = items.slice(head);
        head = 0;
      }
      return item;
    },
    release(count, size) {
      events -= count;
      bytes -= size;
    },
    clear() {
      items = [];
      head = 0;
      events = 0;
      bytes = 0;
    },
  };
}
