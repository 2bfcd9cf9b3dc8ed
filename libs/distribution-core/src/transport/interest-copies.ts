import { fieldError } from "../errors.ts";
import { type Interest, identityOf } from "../subscriptions/index.ts";

/**
 * Two subscriptions of a session never share a channel: their chains of positions may differ. So equal interests get numbers,
 * and with them interest classes of their own: as many matches and encodings of the same events, which is why there is a limit.
 */
export class InterestCopies {
  readonly #limit: number;
  readonly #taken = new Map<string, Set<number>>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** The interest with the lowest number that is free. Throws `limit_exceeded` at `path`. */
  claim(interest: Interest, path: string): Interest {
    const identity = identityOf({ ...interest, copy: 0 });
    const taken = this.#taken.get(identity) ?? new Set();
    if (taken.size >= this.#limit) {
      throw fieldError(
        "limit_exceeded",
        path,
        `the session has ${this.#limit} subscriptions that want exactly this, the most there may be; hand the events of one of them on, or open another session`,
      );
    }
    let copy = 0;
    while (taken.has(copy)) copy += 1;
    taken.add(copy);
    this.#taken.set(identity, taken);
    return { ...interest, copy };
  }

  release(interest: Interest): void {
    const identity = identityOf({ ...interest, copy: 0 });
    const taken = this.#taken.get(identity);
    taken?.delete(interest.copy);
    if (taken?.size === 0) this.#taken.delete(identity);
  }
}
