/**
 * The Broker contract: the engine that keeps the logs, seen from the core.
 *
 * A topic is a number of partitions; a partition is an append-only log of batches. The core decides which partition an
 * event goes to; the broker keeps what it was given, in the order it acknowledged, and never looks into it.
 *
 * Every law below is a test of the conformance suite (testkit), which every broker passes on the real thing.
 */
import type { PackedBatch } from "../events/batch.ts";

/**
 * The broker's own address of an event within a partition and epoch. Opaque text outside the broker:
 * equal means the same event, `compareOffsets` orders two of them, anything else is the broker's business.
 */
export type Offset = string;

export interface Position {
  readonly topic: string;
  readonly partition: number;
  /** Changes when the partition's history is lost, truncated or restored. Offsets of two epochs are not comparable. */
  readonly epoch: string;
  readonly offset: Offset;
}

export interface PartitionWrite {
  readonly topic: string;
  readonly partition: number;
  readonly batch: PackedBatch;
}

/** Where the events of one write now are: event i is at `offsetAt(i)`. An answer of `append` is kept for long and holds no events. */
export interface Appended {
  readonly epoch: string;
  offsetAt(index: number): Offset;
}

/** A batch as it lies in the log. */
export interface StoredBatch extends Appended {
  readonly batch: PackedBatch;
  /** When the broker took it: Unix nanoseconds, the broker's wall clock. Never decreases along a partition. */
  readonly appendedAt: bigint;
}

export type ReadFrom =
  | { readonly at: "earliest" | "latest" }
  /** The first event appended at or after this time, Unix nanoseconds. */
  | { readonly time: bigint }
  /** The event after this one. Throws `position_gone` when that event is no longer kept or the epoch is another one. */
  | { readonly after: { readonly epoch: string; readonly offset: Offset } };

/**
 * Reads one partition, from where it was opened to its head and on. One `next` at a time.
 * `next` waits at the head; it resolves with an empty list only when the reader was closed.
 */
export interface PartitionReader {
  /** The position before the first event that `next` will give: what `after` would have to be to read the same. */
  readonly start: { readonly epoch: string; readonly offset: Offset };
  /**
   * The following batches in log order, at most `maxBytes` of events but at least one batch. Batches may be split or
   * joined differently from how they were appended. Rejects with `position_gone` when retention overtook the reader,
   * with `record_damaged` naming the position when a record fails its checksum; both leave the reader closed.
   */
  next(maxBytes: number): Promise<readonly StoredBatch[]>;
  close(): Promise<void>;
}

/** A batch handed to one member of a group: one delivery for each event in it. */
export interface GroupBatch extends StoredBatch {
  readonly topic: string;
  readonly partition: number;
  /** Event i's delivery attempt, from 1. */
  attemptAt(index: number): number;
}

/**
 * A member of a group of competing consumers. Each event goes to one member; it comes again, to any member, when it is
 * nacked (after the delay), when its deadline passes without an answer, or when its member closes. Events of one key are
 * never in the hands of two members at a time, and come in log order; one that is out again holds back its key only.
 */
export interface GroupMember {
  /** Waits for work; empty only when the member was closed. */
  next(maxEvents: number): Promise<readonly GroupBatch[]>;
  /** Settles for good; durable when it resolves. */
  ack(positions: readonly Position[]): Promise<void>;
  nack(positions: readonly Position[], delayMs: number): Promise<void>;
  /** Gives the events this much more time from now. */
  extend(positions: readonly Position[], ms: number): Promise<void>;
  close(): Promise<void>;
}

export interface GroupOptions {
  readonly name: string;
  readonly topics: readonly string[];
  /** Where a group starts that has never run. */
  readonly from: "earliest" | "latest";
  /** An event not answered within this time is out again. Milliseconds. */
  readonly ackTimeoutMs: number;
}

export interface TopicConfig {
  /** Tokens of [a-z0-9-] joined by dots, at most 200 characters. */
  readonly name: string;
  /** 1 to 1,024. May grow, never shrink. */
  readonly partitions: number;
  readonly retention: {
    /** Events older than this may go. Milliseconds; absent: kept by age for ever. */
    readonly ms?: number;
    /** The oldest events of a partition go when it is larger than this. Bytes; absent: no bound. */
    readonly bytes?: number;
  };
  /** Keep at least the latest event of every key; older ones of the same key may go. */
  readonly compaction: boolean;
}

export interface PartitionInfo {
  readonly topic: string;
  readonly partition: number;
  readonly epoch: string;
  /** The position before the oldest event that is kept. */
  readonly start: Offset;
  /** The position of the newest event; equal to `start` when there is none. */
  readonly end: Offset;
  /** True: nothing was ever deleted from before `start`. Absent: the broker does not know. */
  readonly whole?: boolean;
  /** Stored bytes and events, as near as the broker knows. */
  readonly bytes: number;
  readonly events: number;
}

export interface BrokerAdmin {
  /** Creates the topic, or changes it to this. Idempotent. Refuses fewer partitions with `invalid_request`. */
  ensureTopic(config: TopicConfig): Promise<void>;
  topics(): Promise<readonly TopicConfig[]>;
  /** One a partition, in order. `unknown_topic` when there is none. */
  partitions(topic: string): Promise<readonly PartitionInfo[]>;
  /**
   * Events the group has not settled, by partition. Exact up to 10,000 records of the log behind; beyond, a broker that
   * keeps several events in a record may estimate.
   */
  lag(group: string, topic: string): Promise<readonly number[]>;
  /**
   * Deletes the topic's events up to and including the position. Without `exactTruncation` those that lie in one record
   * with an event that is kept stay as well.
   */
  truncate(position: Position): Promise<void>;
  deleteTopic(name: string): Promise<void>;
  /** Applies retention and compaction now rather than at the broker's next round. */
  maintain(): Promise<void>;
}

/** What the broker can do, as data. The engine refuses at start a delivery profile that needs more. */
export interface BrokerCapabilities {
  /** An `append` is atomic: all of its writes are durable or none, and which of both is known when it is answered. */
  readonly transactions: boolean;
  readonly groups: boolean;
  readonly individualAck: boolean;
  readonly delayedRedelivery: boolean;
  /** An event of a group that is held back holds back its own key only, not its partition. */
  readonly keyShared: boolean;
  readonly nativeDeduplication: boolean;
  readonly compaction: boolean;
  /** `truncate` cuts between any two events, not only between records. */
  readonly exactTruncation: boolean;
  /** Largest batch of one write, bytes. */
  readonly maxBatchBytes: number;
}

/** A record of a topic that others write to, as it lies there. */
export interface ForeignRecord {
  readonly epoch: string;
  readonly offset: Offset;
  readonly key: Uint8Array | undefined;
  readonly headers: readonly (readonly [name: string, value: Uint8Array])[];
  readonly value: Uint8Array | undefined;
  /** When the broker took it, or its writer says that it was written: Unix nanoseconds. */
  readonly time: bigint;
  /**
   * Why it cannot be taken apart: it fails its checksum, or unpacks to more than the broker's bound, which the reason names. Its
   * value then is what lies there, and its position that of the last record in it. Undefined: it can.
   */
  readonly damage?: string;
  /**
   * Its events, when it is a record as this broker's own are, or a CloudEvent in binary or structured mode.
   * Throws `invalid_event` saying why it is neither.
   */
  events(): PackedBatch;
}

/** Reads one partition as `PartitionReader` does, record by record. */
export interface ForeignReader {
  /** The position before the first record that `next` will give, as `PartitionReader`'s. */
  readonly start: { readonly epoch: string; readonly offset: Offset };
  /** Waits at the head; empty only when the reader was closed. Rejects with `position_gone`, and is closed, as `PartitionReader` does. */
  next(maxRecords: number): Promise<readonly ForeignRecord[]>;
  close(): Promise<void>;
}

/** How far a group is with a partition of a foreign topic. */
export interface ForeignProgress {
  readonly epoch: string;
  /** Every record up to and including this one is settled. */
  readonly offset: Offset;
  /** What the member says beside it; whoever has the partition next is given it. ASCII without line ends, at most 200 characters. */
  readonly note: string;
}

/** A partition of a foreign topic that this member of a group has, and no other one. */
export interface ForeignPartition {
  readonly topic: string;
  readonly partition: number;
  /** What was settled last, by any member. Undefined: nothing was, or the broker keeps it no longer. */
  readonly progress: ForeignProgress | undefined;
  /** The group had settled something of the topic before the topic had this partition: it was added later. */
  readonly begun: boolean;
  /** Aborted when the partition is to go to another member, or may have gone already. */
  readonly ending: AbortSignal;
  /**
   * Durable when it resolves. Rejects with `unavailable`, and with nothing kept where the engine fences (Kafka), once another member
   * has the partition. Pulsar does not: a member that stood still may overwrite what the next one kept, which then comes again.
   */
  settle(progress: ForeignProgress): Promise<void>;
}

export interface ForeignGroup {
  /** All replicas of a service name the same. */
  readonly name: string;
  /** Those that are not there have no partitions until they are. */
  readonly topics: readonly string[];
  /**
   * A partition is this member's. Another one is given it when what this returns has resolved; what does not come to its end
   * within the broker's bound is not waited for. A partition that is lost may come again before. Never rejects.
   */
  own(partition: ForeignPartition): Promise<void>;
}

export interface ForeignMember {
  /** Ends every partition that it has, and resolves when all of them are let go of. Idempotent. */
  close(): Promise<void>;
}

/** Topics of the broker that others own: nothing here creates, changes or writes to them. */
export interface ForeignTopics {
  /** How many partitions the topic has now. Rejects with `unknown_topic`. */
  partitions(topic: string): Promise<number>;
  /** `from.after` with the position of a progress goes on behind it. */
  read(topic: string, partition: number, from: ReadFrom): Promise<ForeignReader>;
  /**
   * Shares the partitions of the topics, those added later too, with the group's other members: each partition is one member's at
   * a time, and progress is kept at the broker. Rejects with `unavailable` when the broker is away or refuses the group.
   */
  join(group: ForeignGroup): Promise<ForeignMember>;
}

export interface BrokerHealth {
  readonly ready: boolean;
  /** Why not, or what is degraded, for people. */
  readonly reasons: readonly string[];
}

export interface Broker {
  /** For people and metrics: embedded, kafka, pulsar. The core never decides by it. */
  readonly name: string;
  readonly capabilities: BrokerCapabilities;
  readonly admin: BrokerAdmin;
  /**
   * Resolves when every write is durable, in the order of `writes`; writes of one call to one partition keep their order,
   * and so do calls. Rejects with `unknown_topic`, `batch_too_large`, `storage_full` or `unavailable`;
   * after a rejection nothing of the call is in the log, nor comes there later, unless it is an `AppendUnsettled`.
   *
   * Only a broker without `transactions` rejects so: when time is over or a part is refused, and another part is in the log or
   * may be. Writes that were sent are tried on until their outcome is known, and those behind them as well, in the order of
   * calls, so that a call becomes whole unless a part of it is refused for good. `AppendUnsettled.settled` tells the end of it.
   * Batches are not empty and their bytes are not changed afterwards by the caller.
   */
  append(writes: readonly PartitionWrite[]): Promise<readonly Appended[]>;
  read(topic: string, partition: number, from: ReadFrom): Promise<PartitionReader>;
  group(options: GroupOptions): Promise<GroupMember>;
  /** Absent where nobody but this service can write: the embedded broker. */
  readonly foreign?: ForeignTopics;
  /** Orders two offsets of one partition and epoch: negative, zero, positive. Throws `invalid_request` on what is no offset. */
  compareOffsets(a: Offset, b: Offset): number;
  health(): BrokerHealth;
  /** Finishes what was appended, then lets go of everything. Idempotent. */
  close(): Promise<void>;
}
