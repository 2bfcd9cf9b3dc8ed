/** How much a group has read and not settled: reading waits while that is as much as it may. */
import { sizeOf } from "../packed.ts";
import type { Entry } from "./lane.ts";
import { Waiters } from "./waiters.ts";

export class Window {
  readonly maxEvents: number;
  readonly #maxBytes: number;
  readonly #waiters = new Waiters();
  #events = 0;
  #bytes = 0;
  #closed = false;

  constructor(maxEvents: number, maxBytes: number) {
    this.maxEvents = maxEvents;
    this.#maxBytes = maxBytes;
  }

  get #full(): boolean {
    return this.#events >= this.maxEvents || this.#bytes >= this.#maxBytes;
  }

  add(entry: Entry): void {
    this.#events += 1;
    this.#bytes += bytesOf(entry);
  }

  free(entry: Entry): void {
    this.#events -= 1;
    this.#bytes -= bytesOf(entry);
  }

  /** Resolves when there is room; false when there is nobody any more to whom it would matter. */
  async room(): Promise<boolean> {
    while (!this.#closed && this.#full) await this.#waiters.wait();
    return !this.#closed;
  }

  /** To be called after entries were freed. */
  wake(): void {
    if (!this.#full) this.#waiters.wake();
  }

  close(): void {
    this.#closed = true;
    this.#waiters.wake();
  }
}

const bytesOf = ({ taken, place }: Entry): number => sizeOf(taken.stored.batch, place, place + 1);
