/** Exponential back-off with full jitter: a random time below a bound that doubles from try to try. */
export interface Backoff {
  /** The next time to wait, ms. */
  next(): number;
  reset(): void;
  /** The bound of the last wait, ms. */
  readonly bound: number;
}

export function createBackoff(
  bounds: { readonly minMs: number; readonly maxMs: number },
  random: () => number = Math.random,
): Backoff {
  let bound = 0;
  return {
    next() {
      bound = bound === 0 ? bounds.minMs : Math.min(bound * 2, bounds.maxMs);
      return random() * bound;
    },
    reset() {
      bound = 0;
    },
    get bound() {
      return bound;
    },
  };
}

/** Resolves after `ms`, or at once when the signal is aborted. */
export function wait(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done);
  });
}
