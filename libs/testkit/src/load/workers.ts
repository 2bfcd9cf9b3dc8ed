/** Workers that go on until they are stopped, and how many events are acknowledged to them. */

export interface Load {
  /** Events acknowledged so far. */
  readonly acknowledged: number;
  readonly refusals: readonly string[];
  /** Resolves when so many more are acknowledged. */
  more(events: number): Promise<void>;
  /** Ends the load, once all calls are answered. */
  stop(): Promise<void>;
}

/** What all workers of a load share. */
export interface Shift {
  readonly isOver: boolean;
  acknowledged(events: number): void;
  refused(why: string): void;
}

/** `work` resolves some time after the shift is over, and never rejects. */
export function startWorkers(count: number, work: (shift: Shift, worker: number) => Promise<void>): Load {
  let isOver = false;
  let acknowledged = 0;
  const refusals: string[] = [];
  /** The one that waits for the least first. */
  const waits: { readonly at: number; resolve(): void }[] = [];
  const shift: Shift = {
    get isOver() {
      return isOver;
    },
    acknowledged(events) {
      acknowledged += events;
      while (waits.length > 0 && waits[0]!.at <= acknowledged) waits.shift()!.resolve();
    },
    refused: (why) => void refusals.push(why),
  };
  const working = Array.from({ length: count }, (_, worker) => work(shift, worker));

  return {
    get acknowledged() {
      return acknowledged;
    },
    refusals,
    more: (events) =>
      new Promise((resolve) => {
        waits.push({ at: acknowledged + events, resolve });
        waits.sort((a, b) => a.at - b.at);
      }),
    async stop() {
      isOver = true;
      await Promise.all(working);
    },
  };
}
