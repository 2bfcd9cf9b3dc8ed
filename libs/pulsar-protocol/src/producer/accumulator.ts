/** Gathers messages into batches, in one or one a key, until a bound or the time to send is reached. */
import type { OutgoingMessage } from "../contract.ts";
import { batchedSize } from "./encode.ts";
import type { Sender } from "./pending.ts";

/** A batch that is not yet sent. */
export interface Building {
  readonly messages: OutgoingMessage[];
  readonly senders: Sender[];
  /** The sum of the messages' sizes in a batch. */
  bytes: number;
  /** Of its first message, Unix ms. */
  readonly since: number;
}

export interface AccumulatorOptions {
  readonly maxBatchMessages: number;
  readonly maxBatchBytes: number;
  /** 0: at the end of the event loop's turn. */
  readonly maxBatchDelayMs: number;
  readonly byKey: boolean;
}

interface Item {
  readonly message: OutgoingMessage;
  readonly size: number;
  readonly sender: Sender;
}

export interface Accumulator {
  sizeOf(message: OutgoingMessage): number;
  /** `alone`: everything before it is sealed, and then it by itself. */
  add(item: Item, alone: boolean): void;
  /** Seals everything now, in the order in which the batches were begun. */
  flush(): void;
  drop(visit: (building: Building) => void): void;
  /** A broker's bound on a batch, below `maxBatchBytes` or not. */
  limitBytes(bytes: number): void;
}

export function createAccumulator(options: AccumulatorOptions, seal: (building: Building) => void): Accumulator {
  const { byKey, maxBatchMessages, maxBatchDelayMs } = options;
  let maxBytes = options.maxBatchBytes;
  /** By key; all in one under the empty text. */
  let buildings = new Map<string, Building>();
  let cancel: (() => void) | undefined;

  const begin = (): Building => ({ messages: [], senders: [], bytes: 0, since: Date.now() });

  function flush(): void {
    cancel?.();
    cancel = undefined;
    if (buildings.size === 0) return;
    const all = buildings;
    buildings = new Map();
    for (const building of all.values()) seal(building);
  }

  function schedule(): void {
    if (cancel !== undefined) return;
    if (maxBatchDelayMs === 0) {
      const immediate = setImmediate(flush);
      cancel = () => clearImmediate(immediate);
    } else {
      const timer = setTimeout(flush, maxBatchDelayMs);
      cancel = () => clearTimeout(timer);
    }
  }

  function put(building: Building, { message, size, sender }: Item): void {
    building.messages.push(message);
    building.senders.push(sender);
    building.bytes += size;
  }

  return {
    sizeOf: batchedSize,
    flush,
    add(item, alone) {
      if (alone) {
        flush();
        const building = begin();
        put(building, item);
        return seal(building);
      }
      const name = byKey ? keyOf(item.message) : "";
      let building = buildings.get(name);
      if (building !== undefined && building.bytes + item.size > maxBytes) {
        buildings.delete(name);
        seal(building);
        building = undefined;
      }
      if (building === undefined) {
        building = begin();
        buildings.set(name, building);
      }
      put(building, item);
      if (building.messages.length >= maxBatchMessages || building.bytes >= maxBytes) {
        buildings.delete(name);
        seal(building);
      } else schedule();
    },
    drop(visit) {
      cancel?.();
      cancel = undefined;
      for (const building of buildings.values()) visit(building);
      buildings.clear();
    },
    limitBytes(bytes) {
      maxBytes = Math.min(options.maxBatchBytes, bytes);
    },
  };
}

/** What Key_Shared goes by: the ordering key, else the key. Those without either are one. */
const keyOf = ({ key, orderingKey }: OutgoingMessage): string =>
  orderingKey === undefined ? `k${key ?? ""}` : `o${Buffer.from(orderingKey).toString("latin1")}`;
