/**
 * The table: the latest event per key of one partition, ordered by last change, bounded in keys and bytes.
 *
 * It points into the ring's batches while they are there, and keeps a copy of its own once they go. A walk from a reader's
 * cursor on gives each key once: that is conflation for any number of readers, with no state of theirs but the cursor, a number.
 * At the bound the key that changed longest ago goes; `evicted` counts them, and a snapshot says that it is not complete.
 */
import type { StoredBatch } from "../brokers/contract.ts";
import { ChangeOrder, type Ordered } from "./change-order.ts";
import { createKeyIndex } from "./key-index.ts";
import type { RingBatch } from "./ring.ts";
import { SnapshotOf, type TableSnapshot } from "./table-snapshot.ts";

/** One event in the table: event `index` of `stored`, numbered `number`. */
export interface TableEntry {
  readonly number: number;
  readonly stored: StoredBatch;
  readonly index: number;
}

export interface Table {
  readonly keys: number;
  readonly bytes: number;
  /** Keys that went because of the bounds, since the start. */
  readonly evicted: number;
  /** Takes the event as its key's latest. Events come in log order; one without a key is not kept. */
  apply(number: number, stored: StoredBatch, index: number, keyStart: number, keyEnd: number): void;
  /** Lets go of every key, for a log that begins anew; `evicted` does not count them. */
  clear(): void;
  /** Before the ring lets a batch go: what the table still needs of it is copied. */
  detach(batch: RingBatch): void;
  get(key: Uint8Array): TableEntry | undefined;
  /** Entries of this number and later ones, oldest change first, until `visit` returns false. `visit` must not change the table. */
  changedSince(number: number, visit: (entry: TableEntry) => boolean | undefined): void;
  /** The oldest entry that `isAfter` says yes to, where it says yes to all that changed later. */
  firstAfter(isAfter: (entry: TableEntry) => boolean): TableEntry | undefined;
  /** What the table holds now, to be taken a step at a time though the table changes. */
  snapshot(): TableSnapshot;
}

export interface TableOptions {
  readonly maxKeys: number;
  /** Bytes of the kept events and keys. */
  readonly maxBytes: number;
}

/** What an entry costs beside its bytes: its object, links and index slots. */
const ENTRY_OVERHEAD_BYTES = 128;

interface Node extends Ordered<Node> {
  readonly id: number;
  stored: StoredBatch;
  index: number;
  cost: number;
}

export function createTable(options: TableOptions): Table {
  let index = createKeyIndex();
  let nodes: (Node | undefined)[] = [];
  let order = new ChangeOrder<Node>();
  /** One more than the highest number there is. */
  let end = 0;
  let bytes = 0;
  let evicted = 0;
  /** Those that are not at their end. */
  const snapshots = new Set<SnapshotOf<Node>>();

  const leaves = (node: Node): void => {
    if (snapshots.size > 0) for (const snapshot of snapshots) snapshot.leaves(node);
  };

  const evict = (): void => {
    while (index.size > 1 && (index.size > options.maxKeys || bytes > options.maxBytes)) {
      const node = order.oldest!;
      leaves(node);
      order.remove(node);
      index.remove(node.id);
      nodes[node.id] = undefined;
      bytes -= node.cost;
      evicted += 1;
    }
  };

  return {
    get keys() {
      return index.size;
    },
    get bytes() {
      return bytes;
    },
    get evicted() {
      return evicted;
    },
    apply(number, stored, at, keyStart, keyEnd) {
      if (keyStart === keyEnd) return;
      const id = index.intern(stored.batch.bytes, keyStart, keyEnd);
      const size = stored.batch.bounds[2 * at + 1]! - stored.batch.bounds[2 * at]!;
      const cost = size + (keyEnd - keyStart) + ENTRY_OVERHEAD_BYTES;
      let node = nodes[id];
      if (node) {
        leaves(node);
        bytes -= node.cost;
        order.remove(node);
        node.number = number;
        node.stored = stored;
        node.index = at;
        node.cost = cost;
      } else {
        node = { id, number, stored, index: at, cost, page: undefined, slot: 0 };
        nodes[id] = node;
      }
      order.add(node);
      end = number + 1;
      bytes += cost;
      evict();
    },
    clear() {
      index = createKeyIndex();
      nodes = [];
      // Snapshots go on with the old one, in which nothing changes any more.
      order = new ChangeOrder();
      snapshots.clear();
      bytes = 0;
    },
    detach({ first, stored }) {
      order.since(first, (node) => {
        if (node.stored !== stored) return false;
        node.stored = copyOf(stored, node.index);
        node.index = 0;
        return true;
      });
    },
    get(key) {
      const id = index.find(key, 0, key.length);
      return id < 0 ? undefined : nodes[id];
    },
    changedSince: (number, visit) => order.since(number, visit),
    firstAfter: (isAfter) => order.first(isAfter),
    snapshot() {
      const snapshot = new SnapshotOf(order, end, (closed) => snapshots.delete(closed));
      snapshots.add(snapshot);
      return snapshot;
    },
  };
}

/** A batch of the one event alone, so that the large one it came in can be freed. */
export function copyOf(stored: StoredBatch, index: number): StoredBatch {
  const { bytes, bounds } = stored.batch;
  const start = bounds[2 * index]!;
  const end = bounds[2 * index + 1]!;
  const from = index === 0 ? 0 : bounds[2 * index - 1]!;
  const offset = stored.offsetAt(index);
  return {
    epoch: stored.epoch,
    appendedAt: stored.appendedAt,
    offsetAt: () => offset,
    // Not `slice`: a Buffer's is a view.
    batch: {
      bytes: new Uint8Array(bytes.subarray(from, end)),
      count: 1,
      bounds: Uint32Array.of(start - from, end - from),
    },
  };
}
