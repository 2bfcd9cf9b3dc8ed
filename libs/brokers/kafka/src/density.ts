/** How many events lie in a record, by what this process has appended and read: Kafka counts records only. */
export interface Density {
  note(epoch: string, partition: number, records: number, events: number): void;
  /** Events in so many records, as near as is known. */
  estimate(epoch: string, partition: number, records: bigint): number;
}

/** Older records count less: what is remembered is halved when it reaches this. */
const REMEMBERED = 100_000;
const MAX_PARTITIONS = 10_000;

export function createDensity(): Density {
  const known = new Map<string, { records: number; events: number }>();
  return {
    note(epoch, partition, records, events) {
      const key = `${epoch}/${partition}`;
      let seen = known.get(key);
      if (seen === undefined) {
        if (known.size >= MAX_PARTITIONS) known.delete(known.keys().next().value!);
        seen = { records: 0, events: 0 };
        known.set(key, seen);
      }
      seen.records += records;
      seen.events += events;
      if (seen.records < REMEMBERED) return;
      seen.records /= 2;
      seen.events /= 2;
    },
    estimate(epoch, partition, records) {
      const seen = known.get(`${epoch}/${partition}`);
      const count = Number(records);
      return seen === undefined || seen.records === 0 ? count : Math.round((count * seen.events) / seen.records);
    },
  };
}
