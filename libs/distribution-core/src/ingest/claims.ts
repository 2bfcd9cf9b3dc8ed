/**
 * Who may go on with what: names that one publish has at a time. Each asks for all of its names at once, and every name goes
 * from one to the next in the order in which they asked. So nobody waits for somebody who waits for it, nobody is passed over,
 * and the end of one publish wakes only those who can go on then.
 */
import { DistributionError } from "../errors.ts";
import type { Timers } from "../runtime/index.ts";

/** What a publish has to wait for before it can be examined. */
export interface Blocker {
  /** Rejects with `unavailable` when it takes too long. */
  settled(): Promise<void>;
}

/** The state of a key comes milliseconds after the append; after this, milliseconds, the publisher had better try again. */
export const MAX_WAIT_MS = 5_000;

/** The names of one publish. */
export class Claim implements Blocker {
  readonly names: ReadonlySet<string>;
  /** Of its names, those that others have or wait for before it. */
  missing = 0;
  readonly #timers: Timers;
  #wake = (): void => undefined;

  constructor(names: ReadonlySet<string>, timers: Timers) {
    this.names = names;
    this.#timers = timers;
  }

  /** Resolves when all of the names are its own. */
  settled(): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = this.#timers.after(MAX_WAIT_MS, () => {
        const message = "What the log holds of a key of this batch is not known yet. Send the batch again.";
        reject(new DistributionError("unavailable", message, { retryAfterMs: MAX_WAIT_MS }));
      });
      this.#wake = () => {
        timer.cancel();
        resolve();
      };
      if (this.missing === 0) this.#wake();
    });
  }

  /** One of its names is its own now. */
  gain(): void {
    this.missing -= 1;
    if (this.missing === 0) this.#wake();
  }
}

export class Claims {
  readonly #timers: Timers;
  readonly #owners = new Map<string, Claim>();
  /** Behind the owner, by name; there is no empty list. */
  readonly #waiting = new Map<string, Claim[]>();

  constructor(timers: Timers) {
    this.#timers = timers;
  }

  /** To be ended, whatever becomes of it. */
  take(names: ReadonlySet<string>): Claim {
    const claim = new Claim(names, this.#timers);
    for (const name of names) {
      if (!this.#owners.has(name)) {
        this.#owners.set(name, claim);
        continue;
      }
      claim.missing += 1;
      const waiting = this.#waiting.get(name);
      if (waiting === undefined) this.#waiting.set(name, [claim]);
      else waiting.push(claim);
    }
    return claim;
  }

  end(claim: Claim): void {
    for (const name of claim.names) {
      const waiting = this.#waiting.get(name);
      if (this.#owners.get(name) !== claim) waiting!.splice(waiting!.indexOf(claim), 1);
      else this.#pass(name, waiting?.shift());
      if (waiting?.length === 0) this.#waiting.delete(name);
    }
  }

  #pass(name: string, next: Claim | undefined): void {
    if (next === undefined) {
      this.#owners.delete(name);
      return;
    }
    this.#owners.set(name, next);
    next.gain();
  }
}
