/** Appends without pause, reads along and works in a group, and tells a history of it: what faults on real brokers are judged by. */
import type { Broker, PartitionReader } from "@distribution/core/brokers";
import { toDistributionError } from "@distribution/core/errors";
import { batchOf, idsOf, positionsOf } from "../broker/index.ts";
import type { History, Observer } from "../history/index.ts";
import { type Load, type Shift, startWorkers } from "./workers.ts";

export interface LoadOptions {
  readonly topic: string;
  readonly partitions: number;
  readonly keys?: number;
  /** Calls of `append` that are under way at a time. */
  readonly concurrency?: number;
  /** Before every id, so that several loads share a history. */
  readonly prefix?: string;
}

/** Appends batches of one to three events of one key each, as fast as they are taken. */
export function startLoad(broker: Broker, history: History, options: LoadOptions): Load {
  const { topic, partitions, keys = 12, concurrency = 16, prefix = "" } = options;
  let sequence = 0;

  const one = async (shift: Shift): Promise<void> => {
    sequence += 1;
    const key = `${prefix}k${sequence % keys}`;
    const ids = Array.from({ length: 1 + (sequence % 3) }, (_, at) => `${prefix}${sequence}-${at}`);
    for (const id of ids) history.publish(id, key);
    const batch = batchOf(ids.map((id) => ({ id, key })));
    try {
      await broker.append([{ topic, partition: (sequence % keys) % partitions, batch }]);
    } catch (failure) {
      // It may be in the log or not: without transactions a refusal says nothing.
      shift.refused(toDistributionError(failure).code);
      await new Promise((resolve) => setTimeout(resolve, 5));
      return;
    }
    for (const id of ids) history.settle(id, "acknowledged");
    shift.acknowledged(ids.length);
  };

  return startWorkers(concurrency, async (shift) => {
    while (!shift.isOver) await one(shift);
  });
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

export interface Work {
  /** Events settled so far. */
  readonly settled: number;
  /** Ends once the group has settled all that is in the topic. */
  finish(): Promise<void>;
}

const LOOK_MS = 50;

/** One member of the group "workers", which acks whatever it takes. Its observer has to allow redeliveries: an ack may fail. */
export async function startWork(
  broker: Broker,
  topic: string,
  observer: Observer,
  ackTimeoutMs = 5_000,
): Promise<Work> {
  const name = "workers";
  const member = await broker.group({ name, topics: [topic], from: "earliest", ackTimeoutMs });
  let settled = 0;
  const work = async (): Promise<void> => {
    for (let taken = await member.next(50); taken.length > 0; taken = await member.next(50)) {
      for (const given of taken) for (const id of idsOf(given)) observer.saw(id);
      const positions = taken.flatMap(positionsOf);
      // An ack that fails while the broker is away: the events come again.
      await member.ack(positions).then(
        () => {
          settled += positions.length;
        },
        () => undefined,
      );
    }
  };
  const working = work();
  return {
    get settled() {
      return settled;
    },
    async finish() {
      while ((await broker.admin.lag(name, topic)).some((events) => events > 0)) {
        await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
      }
      await member.close();
      await working;
    },
  };
}
