/** Appends without pause and reads along, and tells a history of it: what faults on real brokers are judged by. */
import type { Broker, PartitionReader } from "@distribution/core/brokers";
import { toDistributionError } from "@distribution/core/errors";
import { batchOf, idsOf } from "@distribution/testkit/broker";
import type { History, Observer } from "@distribution/testkit/history";

export interface LoadOptions {
  readonly topic: string;
  readonly partitions: number;
  readonly keys?: number;
  /** Calls of `append` that are under way at a time. */
  readonly concurrency?: number;
  /** Before every id, so that several loads share a history. */
  readonly prefix?: string;
}

export interface Load {
  /** Events acknowledged so far. */
  readonly acknowledged: number;
  readonly refusals: readonly string[];
  /** Resolves when so many more are acknowledged. */
  more(events: number): Promise<void>;
  /** Ends the load, once all calls are answered. */
  stop(): Promise<void>;
}

/** Appends batches of one to three events of one key each, as fast as they are taken. */
export function startLoad(broker: Broker, history: History, options: LoadOptions): Load {
  const { topic, partitions, keys = 12, concurrency = 16, prefix = "" } = options;
  let sequence = 0;
  let acknowledged = 0;
  let stopped = false;
  const refusals: string[] = [];
  const waits: { readonly at: number; resolve(): void }[] = [];

  const one = async (): Promise<void> => {
    sequence += 1;
    const key = `${prefix}k${sequence % keys}`;
    const ids = Array.from({ length: 1 + (sequence % 3) }, (_, at) => `${prefix}${sequence}-${at}`);
    for (const id of ids) history.publish(id, key);
    const batch = batchOf(ids.map((id) => ({ id, key })));
    try {
      await broker.append([{ topic, partition: (sequence % keys) % partitions, batch }]);
    } catch (failure) {
      // It may be in the log or not: without transactions a refusal says nothing.
      refusals.push(toDistributionError(failure).code);
      await new Promise((resolve) => setTimeout(resolve, 5));
      return;
    }
    for (const id of ids) history.settle(id, "acknowledged");
    acknowledged += ids.length;
    while (waits.length > 0 && waits[0]!.at <= acknowledged) waits.shift()!.resolve();
  };

  const workers = Array.from({ length: concurrency }, async () => {
    while (!stopped) await one();
  });

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
      stopped = true;
      await Promise.all(workers);
    },
  };
}

export interface Tails {
  /** Closes the readers after each has come to its partition's end. */
  finish(): Promise<void>;
}

/** One reader a partition, from the beginning, over whatever happens. */
export async function startTails(
  broker: Broker,
  topic: string,
  partitions: number,
  observer: Observer,
): Promise<Tails> {
  const readers = await Promise.all(
    Array.from({ length: partitions }, (_, partition) => broker.read(topic, partition, { at: "earliest" })),
  );
  const at = readers.map((reader) => reader.start.offset);
  const waits = new Set<() => void>();
  const follow = async (reader: PartitionReader, partition: number): Promise<void> => {
    for (;;) {
      const batches = await reader.next(64 * 1024);
      if (batches.length === 0) return;
      for (const stored of batches) {
        for (const id of idsOf(stored)) observer.saw(id);
        at[partition] = stored.offsetAt(stored.batch.count - 1);
      }
      for (const done of waits) done();
    }
  };
  const following = readers.map(follow);
  return {
    async finish() {
      const infos = await broker.admin.partitions(topic);
      const behind = (): boolean => infos.some(({ end, partition }) => broker.compareOffsets(at[partition]!, end) < 0);
      while (behind()) {
        await new Promise<void>((resolve) => {
          const done = (): void => {
            waits.delete(done);
            resolve();
          };
          waits.add(done);
        });
      }
      for (const reader of readers) await reader.close();
      await Promise.all(following);
    },
  };
}

/** Everything that is in the log now, seen once. */
export async function observeAll(broker: Broker, topic: string, partitions: number, observer: Observer): Promise<void> {
  const tails = await startTails(broker, topic, partitions, observer);
  await tails.finish();
}
