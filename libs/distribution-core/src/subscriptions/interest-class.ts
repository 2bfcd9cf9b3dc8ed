/**
 * An interest class: one match, one encoding, one buffer for all its live members.
 *
 * Its frames form one chain a partition (a lane): every frame says after which position it comes and up to which it goes.
 * Members are live in all lanes or in none. A member that joins starts where the chain is: nothing that the class wants lies
 * between the chain and the head, so that start is as good as the head, and the frames fit every member without a change.
 */
import type { StoredBatch } from "../brokers/contract.ts";
import type { PartitionTail, Place } from "../tail/index.ts";
import type { EncodedFrame } from "../transport/contract.ts";
import type { EventsEncoder } from "./encoder.ts";
import { EventList } from "./event-list.ts";
import type { Interest } from "./interest.ts";

/** A live subscription, as its class sees it. */
export interface ClassMember {
  /** Its place in the class's list; the class's own. */
  memberIndex: number;
  /** Takes a bounded number of events at a time (a window, credit), so the class asks `admit` before each frame. */
  readonly limited: boolean;
  /** False: it cannot take this many events now, and leaves the class within the call. */
  admit(events: number): boolean;
  /** `after` is the offset that the frame follows. */
  deliver(frame: EncodedFrame, lane: Lane, list: EventList, after: string): void;
  /** The log lost events, or began anew: nothing between the two places will come. */
  lost(lane: Lane, from: Place, to: Place): void;
}

export interface Lane {
  readonly tail: PartitionTail;
  /** Position in the class's list of lanes. */
  readonly index: number;
  /** Up to where the class's frames have come. */
  chain: Place;
  /** Up to where the class has looked: nothing it wants lies between the chain and here. */
  seen: number;
  /** What matched and is not emitted yet. */
  readonly pending: EventList;
}

/** What a class has done so far; a member's share is the difference between two readings. */
export interface ClassCounters {
  /** Events in the class's topics that its members are past. */
  published: number;
  delivered: number;
  conflated: number;
}

export interface InterestClass {
  /** The channel of its frames: unique in the process. */
  readonly channel: number;
  readonly interest: Interest;
  readonly lanes: readonly Lane[];
  readonly counters: Readonly<ClassCounters>;
  readonly members: number;
  join(member: ClassMember): void;
  leave(member: ClassMember): void;
  /** Whether one event is wanted: the motion of catch-up, snapshots and the table walk. */
  selects(lane: Lane, stored: StoredBatch, index: number): boolean;
  /** Mode every: emits what is pending in the lane. Mode latest: emits what changed in the table. */
  flush(lane: Lane): void;
  /** Moves idle chains to the head with an empty frame, so that tokens and positions stay young. */
  advance(): void;
  /** The log lost events, or began anew: the chain goes on from `to`. */
  skip(lane: Lane, to: Place): void;
}

export interface InterestClassOptions {
  readonly channel: number;
  readonly interest: Interest;
  readonly tails: readonly PartitionTail[];
  readonly encoder: EventsEncoder;
  readonly selects: (lane: Lane, stored: StoredBatch, index: number) => boolean;
  /** A resume token for these places, one a lane. */
  readonly token: (tails: readonly PartitionTail[], places: readonly Place[]) => string;
  readonly monotonicMs: () => number;
}

/** Bytes of events in one frame, more only for one event alone. */
export const FRAME_BYTES = 64 * 1024;
/** Resume tokens of who counts at most once. */
export const TOKEN_EVERY_MS = 1_000;

export function createInterestClass(options: InterestClassOptions): InterestClass {
  const { channel, interest, tails, encoder, monotonicMs } = options;
  const lanes: readonly Lane[] = tails.map((tail, index) => ({
    tail,
    index,
    chain: tail.head,
    seen: tail.head.number,
    pending: new EventList(),
  }));
  const counters: ClassCounters = { published: 0, delivered: 0, conflated: 0 };
  const members: ClassMember[] = [];
  let limited = 0;
  const part = new EventList();
  let tokenAt = Number.NEGATIVE_INFINITY;

  const nextToken = (): string => {
    const now = monotonicMs();
    if (interest.tokens === "every-second" && now - tokenAt < TOKEN_EVERY_MS) return "";
    tokenAt = now;
    return options.token(
      tails,
      lanes.map((lane) => lane.chain),
    );
  };

  /** Before anything of a frame counts: members without room leave, with their cursors at the chain as it is. */
  const admit = (events: number): void => {
    if (limited === 0) return;
    // Backwards: when one leaves, the last one moves to its place.
    for (let at = members.length - 1; at >= 0; at -= 1) {
      const member = members[at]!;
      if (member.limited) member.admit(events);
    }
  };

  /** One frame from the lane's chain up to `upto`, to every member. */
  const emit = (lane: Lane, list: EventList, upto: Place, conflated: number): void => {
    admit(list.count);
    const after = lane.chain.offset;
    counters.published += upto.number - lane.seen;
    counters.delivered += list.count;
    counters.conflated += conflated;
    lane.chain = upto;
    lane.seen = upto.number;
    if (members.length === 0) return;
    const header = {
      channel,
      topic: lane.tail.topic.name,
      partition: lane.tail.partition,
      epoch: upto.epoch,
      after,
      upto: upto.offset,
      token: nextToken(),
      attempt: 1,
    };
    const frame = encoder.events(interest, header, list);
    // Backwards, too: a delivery may be the one that ends its session.
    for (let at = members.length - 1; at >= 0; at -= 1) members[at]!.deliver(frame, lane, list, after);
  };

  /** Emits the list in frames of bounded size; the last one reaches the tail's head. */
  const emitAll = (lane: Lane, list: EventList, conflated: number): void => {
    const { head } = lane.tail;
    if (list.bytes <= FRAME_BYTES) {
      emit(lane, list, head, conflated);
      return;
    }
    for (let at = 0; at < list.count; at += 1) {
      part.add(list.stored[at]!, list.index[at]!, list.number[at]!);
      const last = at === list.count - 1;
      if (part.bytes < FRAME_BYTES && !last) continue;
      const upto = last ? head : { number: list.number[at]! + 1, epoch: head.epoch, offset: list.offsetAt(at) };
      emit(lane, part, upto, last ? conflated : 0);
      part.clear();
    }
  };

  const flushEvery = (lane: Lane): void => {
    if (lane.pending.count === 0) return;
    emitAll(lane, lane.pending, 0);
    lane.pending.clear();
  };

  const flushLatest = (lane: Lane): void => {
    const { tail, pending } = lane;
    const passed = tail.head.number - lane.seen;
    if (passed === 0) return;
    const changed = collectChanges(lane.seen, lane, pending, options.selects);
    if (pending.count > 0) {
      emitAll(lane, pending, passed - changed);
      pending.clear();
    } else {
      counters.published += passed;
      counters.conflated += passed - changed;
      lane.seen = tail.head.number;
    }
  };

  return {
    channel,
    interest,
    lanes,
    counters,
    get members() {
      return members.length;
    },
    selects: options.selects,
    join(member) {
      member.memberIndex = members.push(member) - 1;
      if (member.limited) limited += 1;
    },
    leave(member) {
      if (member.limited) limited -= 1;
      const last = members.pop();
      if (!last || last === member) return;
      members[member.memberIndex] = last;
      last.memberIndex = member.memberIndex;
    },
    flush: interest.mode === "latest" ? flushLatest : flushEvery,
    advance() {
      for (const lane of lanes) {
        if (lane.pending.count > 0) continue;
        if (interest.mode === "latest") flushLatest(lane);
        if (lane.tail.head.number > lane.chain.number) emit(lane, lane.pending, lane.tail.head, 0);
      }
    },
    skip(lane, to) {
      const from = lane.chain;
      lane.pending.clear();
      lane.chain = to;
      lane.seen = to.number;
      for (const member of members) member.lost(lane, from, to);
    },
  };
}

/**
 * Fills `list` with the wanted table entries that changed at or after the number `since`, oldest change first.
 * Returns how many changed in all: what was published since and is not among them was conflated.
 */
export function collectChanges(
  since: number,
  lane: Lane,
  list: EventList,
  selects: InterestClassOptions["selects"],
): number {
  const wanted: { stored: StoredBatch; index: number; number: number }[] = [];
  let changed = 0;
  lane.tail.table?.changedAfter(since - 1, ({ stored, index, number }) => {
    changed += 1;
    if (selects(lane, stored, index)) wanted.push({ stored, index, number });
    return true;
  });
  for (const { stored, index, number } of wanted.reverse()) list.add(stored, index, number);
  return changed;
}
