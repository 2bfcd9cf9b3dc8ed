/** Where the newest event of a partition is: known from what was written here, or looked up in its newest entry. */
import { DistributionError } from "@distribution/core/errors";
import { partitionUrl } from "../names.ts";
import { compareEntries, type EntryId, type Place } from "../offset.ts";
import type { Settings } from "../options.ts";
import type { PulsarPort } from "../port.ts";
import { countOf, EntryCounter } from "./events.ts";

export interface End {
  readonly place: Place;
  /** Unix ms; undefined when it is known only from a receipt. */
  readonly time: bigint | undefined;
}

export interface Ends {
  /** The newest event of this entry, which is the partition's newest. */
  of(topic: string, partition: number, entry: EntryId): Promise<End>;
  /** The same with its time. */
  timed(topic: string, partition: number, entry: EntryId): Promise<End & { readonly time: bigint }>;
  learn(topic: string, partition: number, end: End): void;
  forget(topic: string): void;
}

/** Bytes asked for at a time while an entry is looked up. */
const LOOK_BYTES = 64 * 1024;

type Needs = Pick<Settings, "tenant" | "namespace" | "runtime" | "adminTimeoutMs">;

export function createEnds(settings: Needs, port: PulsarPort): Ends {
  const { runtime, adminTimeoutMs } = settings;
  const known = new Map<string, Map<number, End>>();

  const learn = (topic: string, partition: number, end: End): void => {
    let partitions = known.get(topic);
    if (partitions === undefined) {
      partitions = new Map();
      known.set(topic, partitions);
    }
    const had = partitions.get(partition);
    if (had === undefined || compareEntries(had.place, end.place) <= 0) partitions.set(partition, end);
  };

  const look = async (topic: string, partition: number, entry: EntryId): Promise<End & { time: bigint }> => {
    const where = `${topic}/${partition}`;
    const url = partitionUrl(settings, topic, partition);
    const reader = await port.read({ topic: url, from: { entry }, queueBytes: LOOK_BYTES, compacted: false });
    // An entry that is not given out is no event: one that a broker wrote for itself.
    const late = runtime.timers.after(adminTimeoutMs, () => void reader.close());
    try {
      const counter = new EntryCounter();
      for (;;) {
        const messages = await reader.receive(LOOK_BYTES);
        if (messages.length === 0) throw gone(where, entry);
        for (const message of messages) {
          const { place, time } = message;
          if (compareEntries(place, entry) > 0) throw gone(where, entry);
          const count = countOf(message, where);
          const events = counter.before(place, count) + count;
          if (place.batchIndex >= 0 && place.batchIndex < place.batchSize - 1) continue;
          const end = { place: { ...entry, index: events }, time };
          learn(topic, partition, end);
          return end;
        }
      }
    } finally {
      late.cancel();
      await reader.close();
    }
  };

  const had = (topic: string, partition: number, entry: EntryId): End | undefined => {
    const end = known.get(topic)?.get(partition);
    return end !== undefined && compareEntries(end.place, entry) === 0 ? end : undefined;
  };

  return {
    of: async (topic, partition, entry) => had(topic, partition, entry) ?? look(topic, partition, entry),
    async timed(topic, partition, entry) {
      const end = had(topic, partition, entry);
      return end?.time === undefined ? look(topic, partition, entry) : { ...end, time: end.time };
    },
    learn,
    forget: (topic) => void known.delete(topic),
  };
}

const gone = (where: string, { ledger, entry }: EntryId): DistributionError =>
  new DistributionError(
    "unavailable",
    `The newest entry of ${where}, ${ledger}.${entry}, is not to be had. Try again.`,
  );
