/**
 * Who may go on with what: names that one publish has at a time. Each asks for all of its names at once, and every name goes
 * from one to the next in the order in which they asked. So nobody waits for somebody who waits for it, nobody is passed over,
 * and the end of one publish wakes only those who can go on then.
 */
import { TransitMap } from "@distribution/collections";
import { DistributionError } from "../errors.ts";
import type { Timers } from "../runtime/index.ts";

/** What a publish has to wait for before it can be examined. */
export interface Blocker {
  /** Rejects with `unavailable` when it takes too long; `waitedMs`: how long the publish has waited for others already. */
  settled(waitedMs: number): Promise<void>;
}

/** The state of a key comes milliseconds after the append; after this, milliseconds, the publisher had better try again. */
export const MAX_WAIT_MS = 5_000;
/** What one is told to wait whose keys hang on a publish of which nobody knows when its outcome is known. */
const RETRY_AFTER_MS = 1_000;

const unavailable = (why: string, retryAfterMs: number): DistributionError =>
  new DistributionError("unavailable", `${why} Send the batch again.`, { retryAfterMs });

const doubtful = (): DistributionError => {
  const why =
    "A key of this batch is that of a refused publish, of which it is not known yet whether it is in the log.";
  return unavailable(why, RETRY_AFTER_MS);
};

/** The names of one publish. */
export class Claim implements Blocker {
  readonly names: ReadonlySet<string>;
  /** Of its names, those that others have or wait for before it. */
  missing = 0;
  /** It has its names, and it is not known when it will be over. */
  doubtful = false;
  readonly #timers: Timers;
  #wake = (): void => undefined;
  #fail = (_: DistributionError): void => undefined;

  constructor(names: ReadonlySet<string>, timers: Timers) {
    this.names = names;
    this.#timers = timers;
  }

  /** Resolves when all of the names are its own. */
  settled(waitedMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = this.#timers.after(Math.max(0, MAX_WAIT_MS - waitedMs), () => {
        reject(unavailable("What the log holds of a key of this batch is not known yet.", MAX_WAIT_MS));
      });
      this.#fail = (error) => {
        timer.cancel();
        reject(error);
      };
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

  /** One of its names is in doubt: it waits no longer. */
  refuse(): void {
    this.#fail(doubtful());
  }
}

export class Claims {
  readonly #timers: Timers;
  readonly #owners = new TransitMap<string, Claim>();
  /** Behind the owner, by name; there is no empty list. */
  readonly #waiting = new TransitMap<string, Claim[]>();

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

  /** Nobody knows when the claim ends: those who wait for one of its names are refused. */
  doubt(claim: Claim): void {
    claim.doubtful = true;
    for (const name of claim.names) for (const waiting of this.#waiting.get(name) ?? []) waiting.refuse();
  }

  /** Throws `unavailable` when the claim waits for a name that is in doubt. */
  assertCertain({ names }: Claim): void {
    for (const name of names) if (this.#owners.get(name)!.doubtful) throw doubtful();
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
