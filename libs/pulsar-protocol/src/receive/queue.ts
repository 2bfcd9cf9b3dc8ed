/** Entries that wait to be received, and their messages handed out in order. */
import type { ReceiveLimits } from "../contract.ts";
import type { PulsarError } from "../errors.ts";
import type { Entry } from "./entry.ts";
import type { ReceivedMessage } from "./message.ts";

export interface EntryQueueOptions {
  readonly maxDecompressedBytes: number;
  /** The entry is out of the queue. */
  left(entry: Entry): void;
  given(message: ReceivedMessage): void;
}

export class EntryQueue {
  readonly #options: EntryQueueOptions;
  #entries: (Entry | undefined)[] = [];
  #head = 0;

  constructor(options: EntryQueueOptions) {
    this.#options = options;
  }

  get length(): number {
    return this.#entries.length - this.#head;
  }

  push(entry: Entry): void {
    this.#entries.push(entry);
  }

  clear(): void {
    for (const entry of this.#entries.splice(0)) if (entry !== undefined) this.#options.left(entry);
    this.#head = 0;
  }

  /** Drops the entries of which `unwanted` says so. */
  drop(unwanted: (entry: Entry) => boolean): void {
    const waiting = this.#entries.slice(this.#head) as Entry[];
    this.#entries = waiting.filter((entry) => !unwanted(entry));
    this.#head = 0;
    for (const entry of waiting) if (unwanted(entry)) this.#options.left(entry);
  }

  /** What there is, within the limits. Throws, once and when nothing came before it, for an entry that cannot be read. */
  take(limits: ReceiveLimits): ReceivedMessage[] {
    const taken: ReceivedMessage[] = [];
    const bounds = { messages: limits.maxMessages ?? Infinity, bytes: limits.maxBytes ?? Infinity };
    while (taken.length < bounds.messages && bounds.bytes > 0) {
      const entry = this.#entries[this.#head];
      if (entry === undefined) break;
      try {
        entry.open(this.#options.maxDecompressedBytes);
        if (!this.#takeFrom(entry, taken, bounds)) break;
        this.#shift(entry);
      } catch (error) {
        if (taken.length > 0) break;
        this.#shift(entry);
        throw error as PulsarError;
      }
    }
    return taken;
  }

  /** False when a limit was reached before the entry's end. */
  #takeFrom(entry: Entry, taken: ReceivedMessage[], bounds: { readonly messages: number; bytes: number }): boolean {
    const { given } = this.#options;
    while (entry.index < entry.count) {
      if (taken.length >= bounds.messages) return false;
      const { index, pos } = entry;
      const message = entry.next();
      if (message === undefined || index < entry.firstIndex || !entry.isOpen(index)) continue;
      const size = message.size;
      if (size > bounds.bytes && taken.length > 0) {
        entry.index = index;
        entry.pos = pos;
        return false;
      }
      bounds.bytes -= size;
      taken.push(message);
      given(message);
    }
    return true;
  }

  #shift(entry: Entry): void {
    this.#entries[this.#head++] = undefined;
    if (this.#head > 1024 && this.#head * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#head);
      this.#head = 0;
    }
    this.#options.left(entry);
  }
}
