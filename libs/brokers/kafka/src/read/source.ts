/** Fetches one partition from a place on, over moved leaders and lost connections, until something says that it cannot go on. */
import { NoEventError } from "@distribution/broker-common";
import { DistributionError } from "@distribution/core/errors";
import { type Cluster, unknownTopic } from "../connection/cluster.ts";
import { CODE, isMoved, isPassing, isRefused, nameOf, reasonOf, unavailable } from "../connection/failures.ts";
import { pauseMs } from "../connection/gate.ts";
import { beforeRecord } from "../offset.ts";
import type { PartitionFetched } from "./fetch.ts";
import type { Poller } from "./poller.ts";
import type { LogRecord } from "./record.ts";
import { type DamagedBatch, walkBatches } from "./record-batches.ts";

export interface PartitionPlace {
  readonly topic: string;
  readonly partition: number;
  readonly epoch: string;
}

export interface Source<Item> {
  /**
   * What comes next, at least one item; waits at the head. What it fetched before it met damage comes first. Rejects with
   * `position_gone`, `unknown_topic`, `record_damaged`, `unavailable` (refused), and once it was aborted.
   */
  fetch(): Promise<readonly Item[]>;
}

/** Makes items of the records of an answer. */
export interface Gathering<Item> {
  /** `appendedAt`: Unix ns, never less than the record's before. Throws NoEventError on a record that cannot be given out. */
  add(record: LogRecord, appendedAt: bigint): void;
  /** Of what was added since the last time. */
  take(): Item[];
}

export interface SourceOptions<Item> {
  readonly cluster: Cluster;
  readonly poller: Poller;
  readonly place: PartitionPlace;
  /** Of the first record. */
  readonly from: bigint;
  readonly signal: AbortSignal;
  readonly gathering: Gathering<Item>;
  /** What stands for a batch that cannot be read. Without it, or where the batch does not say where it ends, reading ends there. */
  itemOfDamaged?(batch: DamagedBatch, why: string): Item;
  /** What one answer brought. */
  onTaken?(items: readonly Item[]): void;
  /** Told why the partition cannot be read for now, over and over; undefined: it can again. */
  onTrouble(why: string | undefined): void;
}

/** Failures in a row that are worth saying. */
const TROUBLE = 5;
/** An unknown topic may be one that this broker of the cluster does not know yet: gone when it is so twice. */
const LOOKS = 2;
const LOOK_MS = 300;

export function createSource<Item>(options: SourceOptions<Item>): Source<Item> {
  const { cluster, poller, place, from, signal } = options;
  const { settings } = cluster;
  const { runtime } = settings;
  const { topic: name, partition, epoch } = place;
  let next = from;
  let lastEpoch = -1;
  let maxBytes = settings.fetchBytes;
  let failures = 0;
  let missed = 0;
  let appendedAt = 0n;
  let damage: DistributionError | undefined;

  const pause = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      const done = (): void => {
        timer.cancel();
        signal.removeEventListener("abort", done);
        resolve();
      };
      const timer = runtime.timers.after(ms, done);
      signal.addEventListener("abort", done);
    });

  const failed = async (why: string): Promise<void> => {
    failures += 1;
    if (failures === TROUBLE) options.onTrouble(`${name}/${partition} cannot be read for now: ${why}`);
    if (!signal.aborted) await pause(Math.max(1, pauseMs(failures, runtime)));
  };

  /** Looks at the topic anew. Throws when it is gone, or another one has its name. */
  const look = async (): Promise<void> => {
    const topic = await cluster.topic(name, 0).catch((failure: DistributionError) => {
      if (failure.code !== "unknown_topic") return undefined;
      missed += 1;
      if (missed >= LOOKS) throw unknownTopic(name);
      return pause(LOOK_MS).then(() => undefined);
    });
    if (topic === undefined) return;
    missed = 0;
    if (topic.id !== epoch) throw gone(place, `the topic was deleted and created again, and is epoch ${topic.id} now`);
  };

  const ask = async (): Promise<PartitionFetched | undefined> => {
    try {
      const topic = cluster.known(name);
      const leader = topic?.id === epoch ? cluster.leaderOf(topic, partition) : undefined;
      if (leader === undefined) throw unavailable(`${name}/${partition} has no leader just now.`);
      const wanted = { topicId: epoch, partition, offset: next, lastEpoch, maxBytes };
      // After a failure any answer is one: at the head of a quiet partition nothing else would say that it can be read again.
      return await poller.fetch(leader, wanted, signal, failures > 0);
    } catch (failure) {
      // Away, or moved.
      await failed(reasonOf(failure));
      if (!signal.aborted) await look();
      return undefined;
    }
  };

  /** Throws on what cannot be gone on from; false: to be asked again. */
  const judge = async ({ errorCode: code, logStart, divergedAt }: PartitionFetched): Promise<boolean> => {
    if (code === CODE.NONE) {
      if (failures >= TROUBLE) options.onTrouble(undefined);
      failures = 0;
      if (divergedAt === undefined) return true;
      throw gone(place, `the log was cut back to ${beforeRecord(divergedAt)} and has another history since`);
    }
    if (code === CODE.OFFSET_OUT_OF_RANGE) {
      throw gone(
        place,
        `${beforeRecord(next)} is not in the log any more${logStart < 0n ? "" : `, which begins after ${beforeRecord(logStart)}`}`,
      );
    }
    if (isRefused(code)) throw unavailable(`Kafka does not let us read ${name}: ${nameOf(code)}; grant Read on it.`);
    const moved = isMoved(code) || code === CODE.UNKNOWN_TOPIC_ID || code === CODE.INCONSISTENT_TOPIC_ID;
    if (!moved && !isPassing(code)) throw unavailable(`Kafka cannot read ${name}/${partition}: ${nameOf(code)}.`);
    await failed(nameOf(code));
    if (moved && !signal.aborted) await look();
    return false;
  };

  const take = ({ records: bytes, aborted }: PartitionFetched): Item[] => {
    const walked = walkBatches(bytes, next, aborted, settings.maxDecompressedBytes);
    let before: LogRecord | undefined;
    for (const record of walked.records) {
      if (before?.batch !== record.batch || before.later !== record.later) {
        const time = record.time * 1_000_000n;
        // The leader's clock: another leader's may be behind it.
        if (time > appendedAt) appendedAt = time;
      }
      before = record;
      try {
        options.gathering.add(record, appendedAt);
      } catch (failure) {
        if (!(failure instanceof NoEventError)) throw failure;
        damage = damaged(place, record.offset, `is no event: ${failure.message}`, failure);
        break;
      }
    }
    const items = options.gathering.take();
    let behind = walked.next;
    if (damage === undefined && walked.damage !== undefined) {
      if (options.itemOfDamaged === undefined || walked.damaged === undefined) {
        damage = damaged(place, walked.next, walked.damage);
      } else {
        items.push(options.itemOfDamaged(walked.damaged, walked.damage));
        behind = walked.damaged.last + 1n;
      }
    }
    if (items.length > 0) options.onTaken?.(items);
    next = damage === undefined ? behind : next;
    lastEpoch = walked.leaderEpoch ?? lastEpoch;
    // A record batch that is larger than what is asked for comes whole only if it is the answer's first.
    maxBytes = walked.records.length === 0 && walked.cutOff > maxBytes ? walked.cutOff : settings.fetchBytes;
    return items;
  };

  return {
    async fetch() {
      for (;;) {
        if (damage !== undefined) throw damage;
        const fetched = await ask();
        if (signal.aborted) throw unavailable("The reader was closed.");
        if (fetched === undefined || !(await judge(fetched))) continue;
        const items = take(fetched);
        if (items.length > 0) return items;
      }
    },
  };
}

export function gone({ topic, partition }: PartitionPlace, why: string): DistributionError {
  return new DistributionError("position_gone", `${topic}/${partition}: ${why}. Read from earliest.`);
}

function damaged(
  { topic, partition, epoch }: PartitionPlace,
  record: bigint,
  what: string,
  cause?: unknown,
): DistributionError {
  const where = `The record at ${topic}/${partition} epoch ${epoch} offset ${record}`;
  const remedy = `Give it up by truncating to ${record}, or read after it.`;
  return new DistributionError("record_damaged", `${where} ${what}. ${remedy}`, { cause });
}
