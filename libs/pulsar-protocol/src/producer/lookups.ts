/** What a producer looks for in its log: what an earlier attachment stored, or may have stored, at a place that is not known. */
import type { MessageId } from "../contract.ts";
import type { PulsarError } from "../errors.ts";
import { type LocateOptions, locate } from "./locate.ts";
import type { PendingBatch } from "./pending.ts";

export interface LookupsOptions extends Omit<LocateOptions, "batches" | "after" | "producerName"> {
  /** Of the producer: the broker may give it. */
  name(): string;
  /** The id of the message that was confirmed last. */
  lastId(): MessageId | undefined;
}

export class Lookups {
  readonly #options: LookupsOptions;
  #batches: PendingBatch[] = [];
  #running = false;

  constructor(options: LookupsOptions) {
    this.#options = options;
  }

  /** `refusal`: of a later try than that which may be stored; undefined: the broker says that it has it. */
  add(batch: PendingBatch, refusal?: PulsarError): void {
    batch.refusal = refusal;
    // A log that ended gets nothing more.
    if (refusal?.code === "topic_terminated") batch.known = false;
    this.#batches.push(batch);
    if (!this.#running) void this.#run();
  }

  /** Those that were not begun with. */
  drop(): PendingBatch[] {
    return this.#batches.splice(0);
  }

  async #run(): Promise<void> {
    this.#running = true;
    // What was confirmed later lies behind what is looked for.
    const after = this.#options.lastId();
    // The broker answers for all that it has before it stores what is new: they are looked for together.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#batches.length > 0) {
      await locate({ ...this.#options, producerName: this.#options.name(), batches: this.drop(), after });
    }
    this.#running = false;
  }
}
