/**
 * The group engine as a broker's adapter sees it. The adapter says which partitions of the group's topics this process has now,
 * where a partition's events come from and where progress is kept; the engine does the rest of the group contract: who is given
 * what, keys in one pair of hands and in log order, deadlines, delays, attempts, what is settled.
 *
 * One engine group serves all members of one process. Where several processes work for a group, the broker gives each of them
 * whole partitions: a key is in one process, and there in one member's hands.
 */
import type { GroupMember, GroupOptions, Offset, PartitionReader, ReadFrom } from "@distribution/core/brokers";
import type { DistributionError } from "@distribution/core/errors";
import type { Runtime } from "@distribution/core/runtime";

/** What a group has settled of one partition, and how often it was given what it has not: all that outlives a process. */
export interface Progress {
  /** The partition's. With another one the partition is begun anew. */
  readonly epoch: string;
  /** Every event up to and including this position is settled or gone. */
  readonly floor: Offset;
  /** Settled above the floor: from and to, both inclusive, ascending and disjoint. What lies between is settled too. */
  readonly above: readonly (readonly [from: Offset, to: Offset])[];
  /** Events that were given out and not settled, in no order, with the number of times. */
  readonly attempts: readonly (readonly [offset: Offset, attempts: number])[];
}

export interface PartitionName {
  readonly topic: string;
  readonly partition: number;
}

/** A partition that this process has from now on. */
export interface AssignedPartition extends PartitionName {
  /** Where the group goes on. For one that has no progress yet: the floor is where it begins, durable before it is given here. */
  readonly progress: Progress;
  /** The newest position, where the adapter knows it at once: acks beyond it are refused as `invalid_request`. */
  end?(): Offset;
}

/** Progress of one partition on its way to be stored. */
export interface ProgressPart extends PartitionName {
  /** The progress as it is at the call, so later is better; what it says counts as stored when `store` resolves. */
  take(): Progress;
}

/** How far a group of this process is with a partition. */
export interface PartitionStanding {
  readonly epoch: string;
  /** The position up to which the engine has read. */
  readonly readTo: Offset;
  /** Events read and not settled: exact. The lag is this, and the events after `readTo` that are not in `ahead`. */
  readonly unsettled: number;
  /** Settled, but not read yet: from and to, inclusive; the first may begin before `readTo`. */
  readonly ahead: readonly (readonly [from: Offset, to: Offset])[];
}

export interface Removal {
  /**
   * How long members keep what they have in hand, ms: nothing new is given out meanwhile, and it ends as soon as all is
   * answered. Default 0: what is out is given up at once.
   */
  readonly waitMs?: number;
  /** Another process may have the partitions already: progress is not stored any more. Default false. */
  readonly lost?: boolean;
}

/** One group in this process, as the adapter drives it. */
export interface EngineGroup {
  readonly name: string;
  readonly topics: readonly string[];
  /** Gives the group a partition; one that it has is left as it is. */
  add(partition: AssignedPartition): void;
  /**
   * Takes partitions away, as at a rebalance: reading stops, what is out is given up and counts as tried, progress is stored
   * (unless `lost`), then they are gone; resolves when that is done, and rejects when the progress could not be stored, with
   * the partitions gone all the same. A later ack for them rejects with `unavailable`, after settling what else it names:
   * the event will come again, to whoever has the partition. A later nack or extend does nothing.
   */
  remove(partitions: readonly PartitionName[], removal?: Removal): Promise<void>;
  /** Undefined when the group does not have the partition here. */
  standing(partition: PartitionName): PartitionStanding | undefined;
}

/** What the adapter does for a group while it has members here. */
export interface GroupSession {
  /** The last member left and what was settled is stored: leaves the broker's group. */
  close(): Promise<void>;
}

export interface GroupsOptions {
  readonly runtime: Runtime;
  /** Events that one group holds out or ready at a time, over all its partitions here. Reading waits meanwhile. */
  readonly windowEvents: number;
  /** The same in bytes of events. At least one event is always read. */
  readonly windowBytes: number;
  /**
   * `store` may be called while an earlier call is under way. Default false: one call at a time, and what settles meanwhile goes
   * into the next one, for stores where each call is a round trip.
   */
  readonly overlappingStores?: boolean;
  /** As `Broker.compareOffsets`. Offsets are compared as text first: a position has one text. */
  compareOffsets(a: Offset, b: Offset): number;
  /**
   * As `Broker.read`. `unavailable` is tried again; `position_gone` moves the group on to the oldest event that is kept;
   * `unknown_topic` takes the partition out of the group; anything else reaches one member's `next`, once, and is tried again.
   */
  read(topic: string, partition: number, from: ReadFrom): Promise<PartitionReader>;
  /** Stores progress of every part; resolves when all is durable. A rejection reaches those who acked; what it says goes along next time. */
  store(group: string, parts: readonly ProgressPart[]): Promise<void>;
  /**
   * The group's first member joins: takes part in the broker's group, which calls `group.add` and `group.remove` from now on,
   * also before this resolves. Throws what `Broker.group` throws.
   */
  start(group: EngineGroup, options: GroupOptions): Promise<GroupSession>;
  /** Something failed that nobody waits for; it is tried again. */
  onFailure(error: DistributionError): void;
}

/** All groups of one broker in this process. */
export interface Groups {
  /** As `Broker.group`: checks the options, starts the group with its first member, refuses other topics than the group has. */
  join(options: GroupOptions): Promise<GroupMember>;
  /** The groups that have members here. */
  running(): readonly EngineGroup[];
  find(name: string): EngineGroup | undefined;
  /** Members are closed, progress is stored, sessions are closed. A failure is told to `onFailure`. */
  close(): Promise<void>;
}
