/**
 * A table as it is at one moment, given out a step at a time while the table goes on.
 *
 * Between two steps a snapshot holds a number and the entries that have gone since: an entry that was not given out yet and is
 * replaced or evicted is kept until its turn. So it ends after as many steps as there were keys, however much changes meanwhile, and
 * holds at most as many entries as the table did.
 */
import type { ChangeOrder, Ordered } from "./change-order.ts";
import type { TableEntry } from "./table.ts";

export interface TableSnapshot {
  /** So many of the entries that are left, at least 1, oldest change first; fewer only at the end. They do not change any more. */
  next(most: number): readonly TableEntry[];
  /** Whoever does not come to the end has to close it. Idempotent. */
  close(): void;
}

export class SnapshotOf<T extends TableEntry & Ordered<T>> implements TableSnapshot {
  readonly #order: ChangeOrder<T>;
  readonly #onClose: (snapshot: SnapshotOf<T>) => void;
  #from = 0;
  /** The first number that is not of this snapshot. */
  readonly #end: number;
  /** A binary heap, the one that changed longest ago at the top. */
  readonly #gone: TableEntry[] = [];

  constructor(order: ChangeOrder<T>, end: number, onClose: (snapshot: SnapshotOf<T>) => void) {
    this.#order = order;
    this.#end = end;
    this.#onClose = onClose;
  }

  /** The table tells of an entry before it changes or goes. */
  leaves(entry: TableEntry): void {
    if (entry.number >= this.#from && entry.number < this.#end) push(this.#gone, copied(entry));
  }

  next(most: number): readonly TableEntry[] {
    const gone = this.#gone;
    const entries: TableEntry[] = [];
    this.#order.since(this.#from, (entry) => {
      if (entry.number >= this.#end) return false;
      while (entries.length < most && gone.length > 0 && gone[0]!.number < entry.number) entries.push(pop(gone));
      if (entries.length === most) return false;
      entries.push(copied(entry));
      return entries.length < most;
    });
    while (entries.length < most && gone.length > 0) entries.push(pop(gone));
    if (entries.length < most) this.close();
    else this.#from = entries.at(-1)!.number + 1;
    return entries;
  }

  close(): void {
    this.#from = this.#end;
    this.#gone.length = 0;
    this.#onClose(this);
  }
}

/** The table's own entry becomes that of its key's next event. */
const copied = ({ number, stored, index }: TableEntry): TableEntry => ({ number, stored, index });

function push(heap: TableEntry[], entry: TableEntry): void {
  let at = heap.length;
  while (at > 0) {
    const parent = (at - 1) >>> 1;
    if (heap[parent]!.number < entry.number) break;
    heap[at] = heap[parent]!;
    at = parent;
  }
  heap[at] = entry;
}

/** There has to be one. */
function pop(heap: TableEntry[]): TableEntry {
  const top = heap[0]!;
  const last = heap.pop()!;
  const { length } = heap;
  if (length === 0) return top;
  let at = 0;
  for (let child = 1; child < length; child = 2 * at + 1) {
    if (child + 1 < length && heap[child + 1]!.number < heap[child]!.number) child += 1;
    if (heap[child]!.number > last.number) break;
    heap[at] = heap[child]!;
    at = child;
  }
  heap[at] = last;
  return top;
}
