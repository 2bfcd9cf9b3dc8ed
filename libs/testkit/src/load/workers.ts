/** How many events are acknowledged, for whoever waits until there are more. */
export interface Tally {
  readonly acknowledged: number;
  add(events: number): void;
  /** Resolves when so many more are acknowledged. */
  more(events: number): Promise<void>;
}

export function createTally(): Tally {
  let acknowledged = 0;
  /** The one that waits for the least first. */
  const waits: { readonly at: number; resolve(): void }[] = [];
  return {
    get acknowledged() {
      return acknowledged;
    },
    add(events) {
      acknowledged += events;
      while (waits.length > 0 && waits[0]!.at <= acknowledged) waits.shift()!.resolve();
    },
    more: (events) =>
      new Promise((resolve) => {
        waits.push({ at: acknowledged + events, resolve });
        waits.sort((a, b) => a.at - b.at);
      }),
  };
}
