/** State by instrument, bounded: when one more comes, the instrument that changed longest ago is let go. */
export interface InstrumentMap<State> {
  /** The instrument's state, made when there is none, and now the newest. `partition`: where its events come from. */
  touch(instrument: string, partition: number): State;
  get(instrument: string): { readonly state: State; readonly partition: number } | undefined;
  instruments(): Iterable<string>;
  /** Forgets what came from the partition, or everything. */
  forget(partition?: number): void;
  readonly size: number;
  /** Instruments let go because of the bound. */
  readonly evicted: number;
}

export function createInstrumentMap<State>(limit: number, create: () => State): InstrumentMap<State> {
  /** In order of last change, oldest first: a Map keeps the order of insertion. */
  const entries = new Map<string, { readonly state: State; readonly partition: number }>();
  let evicted = 0;

  return {
    get size() {
      return entries.size;
    },
    get evicted() {
      return evicted;
    },
    touch(instrument, partition) {
      const known = entries.get(instrument);
      if (known) {
        entries.delete(instrument);
        entries.set(instrument, known);
        return known.state;
      }
      if (entries.size >= limit) {
        const [oldest] = entries.keys();
        if (oldest !== undefined) entries.delete(oldest);
        evicted += 1;
      }
      const state = create();
      entries.set(instrument, { state, partition });
      return state;
    },
    get: (instrument) => entries.get(instrument),
    instruments: () => entries.keys(),
    forget(partition) {
      for (const [instrument, entry] of entries) {
        if (partition === undefined || entry.partition === partition) entries.delete(instrument);
      }
    },
  };
}
