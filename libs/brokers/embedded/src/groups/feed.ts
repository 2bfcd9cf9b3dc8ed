/** One partition's way into a group: reads on from what is settled, as far as the group's window has room. */

import type { PartitionReader } from "@distribution/core/brokers";
import { DistributionError } from "@distribution/core/errors";
import type { Partition } from "../log/partition.ts";
import type { Stored } from "../log/stored.ts";
import type { Entry } from "./lane.ts";
import type { Settlement } from "./settlement.ts";

/** Bytes asked of the log at a time. */
const READ_BYTES = 256 * 1024;

export interface FeedHost {
  open(partition: Partition, after: number): PartitionReader;
  /** Resolves when the window has room; false when the group is over. */
  room(): Promise<boolean>;
  take(feed: Feed, batches: readonly Stored[]): void;
  /** The feed cannot go on; it tries again when this resolves, unless that says false. */
  failed(feed: Feed, error: DistributionError): Promise<boolean>;
}

export class Feed {
  readonly partition: Partition;
  readonly settlement: Settlement;
  /** By offset, in log order. */
  readonly unsettled = new Map<number, Entry>();
  /** Counts the changes of the settlement, and up to which of them it is stored. */
  changes = 0;
  stored = 0;
  /** The last offset that was read. */
  #readTo: number;
  #reader: PartitionReader | undefined;
  #closed = false;

  constructor(partition: Partition, settlement: Settlement) {
    this.partition = partition;
    this.settlement = settlement;
    this.#readTo = settlement.floor;
  }

  /** Reads until it is closed. Never rejects. */
  async run(host: FeedHost): Promise<void> {
    while (!this.#closed) {
      try {
        if (await this.#pump(host)) return;
      } catch (failure) {
        this.#reader = undefined;
        if (this.#closed) return;
        const error =
          failure instanceof DistributionError
            ? failure
            : new DistributionError("internal", "The group could not read on.", { cause: failure });
        if (!(await host.failed(this, error))) return;
      }
    }
  }

  /** True when the group is over. Throws what the reader throws. */
  async #pump(host: FeedHost): Promise<boolean> {
    // Retention may have taken what was not read yet: a group goes on with the oldest that is kept.
    this.#readTo = Math.max(this.#readTo, this.partition.state.start);
    this.settle();
    const reader = host.open(this.partition, this.#readTo);
    this.#reader = reader;
    while (await host.room()) {
      const batches = (await reader.next(READ_BYTES)) as readonly Stored[];
      if (batches.length === 0 || this.#closed) return true;
      this.#readTo = batches.at(-1)!.last;
      host.take(this, batches);
    }
    return true;
  }

  /** Raises the floor to before the first event that is not settled. */
  settle(): void {
    const first = this.unsettled.keys().next();
    this.settlement.raise(first.done ? this.#readTo : first.value - 1);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#reader?.close();
  }
}
