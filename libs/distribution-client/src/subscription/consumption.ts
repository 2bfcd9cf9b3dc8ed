/** The consumer's side of a subscription: one loop or one handler takes what the buffer holds, in order. */
import { DistributionClientError } from "../errors.ts";

/** How a consumer was done with events: a loop that was left may not have finished the one in its hands. */
export type Outcome =
  | { readonly kind: "handled" | "left" }
  /** Its handler threw. */
  | { readonly kind: "failed"; readonly failure: unknown };

export interface Source<E> {
  /** The next event, notices before it having been told; with `adjoining`, only one that no notice comes before. Undefined: there is none now. */
  take(adjoining: boolean): E | undefined;
  done(events: readonly E[], outcome: Outcome): void;
  /** Undefined while more may come; then how it ended. */
  ending(): { readonly error: DistributionClientError | undefined } | undefined;
}

export type BatchHandler<E> = (events: readonly E[]) => void | Promise<void>;

/** Events given to a handler at a time. */
const MOST_AT_A_TIME = 1_000;

export class Consumption<E> {
  readonly #source: Source<E>;
  #kind: "loop" | "handler" | undefined;
  #wake: (() => void) | undefined;

  constructor(source: Source<E>) {
    this.#source = source;
  }

  /** Something came, or the end. */
  wake(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }

  /** Throws `misuse` when a loop or a handler has the events already. */
  iterate(): AsyncIterableIterator<E> {
    this.#claim("loop");
    let inHand: E | undefined;
    let over = false;
    const release = (kind: "handled" | "left"): void => {
      const event = inHand;
      inHand = undefined;
      if (event !== undefined) this.#source.done([event], { kind });
    };
    const end = (): IteratorReturnResult<undefined> => {
      over = true;
      release("left");
      this.#kind = undefined;
      this.wake();
      return { done: true, value: undefined };
    };
    return {
      [Symbol.asyncIterator]() {
        return this;
      },
      next: async () => {
        release("handled");
        while (!over) {
          inHand = this.#source.take(false);
          if (inHand !== undefined) return { done: false, value: inHand };
          const ending = this.#source.ending();
          if (ending) {
            end();
            if (ending.error) throw ending.error;
            break;
          }
          await this.#arrival();
        }
        return { done: true, value: undefined };
      },
      return: async () => end(),
    };
  }

  /** Throws `misuse` when a loop or a handler has the events already. */
  handle(handler: BatchHandler<E>): void {
    this.#claim("handler");
    void this.#pump(handler);
  }

  async #pump(handler: BatchHandler<E>): Promise<void> {
    for (;;) {
      const batch = this.#batch();
      if (batch.length === 0) {
        if (this.#source.ending()) return;
        await this.#arrival();
        continue;
      }
      let outcome: Outcome = { kind: "handled" };
      try {
        await handler(batch);
      } catch (failure) {
        outcome = { kind: "failed", failure };
      }
      this.#source.done(batch, outcome);
    }
  }

  #batch(): E[] {
    const batch: E[] = [];
    while (batch.length < MOST_AT_A_TIME) {
      const event = this.#source.take(batch.length > 0);
      if (event === undefined) break;
      batch.push(event);
    }
    return batch;
  }

  #arrival(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  #claim(kind: "loop" | "handler"): void {
    if (this.#kind !== undefined) {
      throw new DistributionClientError(
        "misuse",
        `The events of this subscription go to a ${this.#kind} already; subscribe a second time for a second consumer.`,
      );
    }
    this.#kind = kind;
  }
}
