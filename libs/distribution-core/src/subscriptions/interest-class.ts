/**
 * An interest class: one match, one encoding, one buffer for all its live members.
 *
 * Its frames form one chain a partition (a lane): every frame says after which position it comes and up to which it goes.
 * Members are live in all lanes or in none. A member that joins starts where the chain is: nothing that the class wants lies
 * between the chain and the head, so that start is as good as the head, and the frames fit every member without a change.
 */
import type { StoredBatch } from "../brokers/contract.ts";
import type { Scheduler, Work } from "../qos/contract.ts";
import type { PartitionTail, Place, Selection } from "../tail/index.ts";
import type { EncodedFrame } from "../transport/contract.ts";
import type { EventsEncoder } from "./encoder.ts";
import { EventList, FRAME_BYTES } from "./event-list.ts";
import type { Interest, InterestTopic } from "./interest.ts";
import { Lane } from "./lane.ts";
import { WALK_KEYS, walkTable } from "./table-walk.ts";

/** Where frames go. */
export interface FrameSink {
  /** Sends the frame to all of these, itself among them. `events`: how many it carries, for the metrics. */
  broadcast(sinks: readonly FrameSink[], frame: EncodedFrame, events: number): void;
}

/** A live subscription, as its class sees it. */
export interface ClassMember {
  readonly sink: FrameSink;
  /** Its place in the class's list; the class's own. */
  memberIndex: number;
  /** Takes a bounded number of events at a time (a window, credit), so the class asks `admit` before each frame. */
  readonly limited: boolean;
  /** False: it cannot take this many events now, and leaves the class within the call. */
  admit(events: number): boolean;
  /** A limited one was sent these events; `after` is the offset that their frame follows. */
  sent(list: EventList, lane: Lane, after: string): void;
  /** The log lost events, or began anew: nothing between the two places will come. */
  lost(lane: Lane, from: Place, to: Place): void;
  /** A tail of the class came into trouble, or out of it. */
  troubled(): void;
}

/** What a class has done so far; a member's share is the difference between two readings. */
export interface ClassCounters {
  /** Events in the class's topics that its members are past. */
  published: number;
  delivered: number;
  conflated: number;
}

/** What all classes of a service have in common. */
export interface ClassParts {
  readonly encoder: EventsEncoder;
  readonly scheduler: Scheduler;
  /** Which events of a topic an interest wants, decided one by one. */
  readonly createSelection: (interest: Interest, topic: InterestTopic) => Selection;
  /** A resume token for these places, one a lane. */
  readonly token: (tails: readonly PartitionTail[], places: readonly Place[]) => string;
  readonly monotonicMs: () => number;
  /** A member is about to join a class that had none. */
  readonly onWanted: (shared: InterestClass) => void;
}

/** Resume tokens of who counts at most once. */
export const TOKEN_EVERY_MS = 1_000;

export class InterestClass implements Work {
  /** The channel of its frames: unique in the process. */
  readonly channel: number;
  readonly interest: Interest;
  readonly #lanes: Lane[];
  readonly counters: ClassCounters = { published: 0, delivered: 0, conflated: 0 };
  readonly #parts: ClassParts;
  #members: ClassMember[] = [];
  /** Of each member, in the same order: a broadcast need not look at the members themselves. */
  #sinks: FrameSink[] = [];
  #limited = 0;
  #tokenAt = Number.NEGATIVE_INFINITY;
  /** By topic. Made when first needed: a class whose members are always live never needs one. */
  #selections: Map<string, Selection> | undefined;
  /** Mode latest: the lane whose turn it is. */
  #turn = 0;

  constructor(channel: number, interest: Interest, tails: readonly PartitionTail[], parts: ClassParts) {
    this.channel = channel;
    this.interest = interest;
    this.#parts = parts;
    this.#lanes = tails.map((tail, index) => new Lane(tail, index, this));
  }

  /** One a partition, in the order of the interest's topics; then those that were added, as they were seen. None goes. */
  get lanes(): readonly Lane[] {
    return this.#lanes;
  }

  get members(): number {
    return this.#members.length;
  }

  join(member: ClassMember): void {
    if (this.#members.length === 0) {
      this.#parts.onWanted(this);
      for (const lane of this.lanes) lane.begin(lane.tail.head);
      // Most have one: `push` would leave room for sixteen more.
      this.#members = [member];
      this.#sinks = [member.sink];
      member.memberIndex = 0;
    } else {
      member.memberIndex = this.#members.push(member) - 1;
      this.#sinks.push(member.sink);
    }
    if (member.limited) this.#limited += 1;
  }

  leave(member: ClassMember): void {
    if (member.limited) this.#limited -= 1;
    const last = this.#members.pop();
    const sink = this.#sinks.pop()!;
    if (!last || last === member) return;
    this.#members[member.memberIndex] = last;
    this.#sinks[member.memberIndex] = sink;
    last.memberIndex = member.memberIndex;
  }

  /** Whether one event is wanted: the motion of catch-up, snapshots and the table walk. */
  selects({ tail: { topic } }: Lane, stored: StoredBatch, index: number): boolean {
    this.#selections ??= new Map();
    let selection = this.#selections.get(topic.name);
    if (!selection) {
      const wanted = this.interest.topics.find((each) => each.topic === topic)!;
      selection = this.#parts.createSelection(this.interest, wanted);
      this.#selections.set(topic.name, selection);
    }
    return selection(stored, index);
  }

  /** A place with no event before it that the class wants and has still to emit; as far back as the chain, if it can. */
  clearPlace(lane: Lane): Place {
    const { chain, tail } = lane;
    return this.interest.mode === "every" || lane.seen === tail.head.number ? chain : tail.head;
  }

  /** Mode every: emits what is pending in the lane; `partly`: newer events than those are still to be matched. */
  flush(lane: Lane, pending: EventList, partly: boolean): void {
    const end = partly ? placeOf(lane, pending, pending.count - 1) : lane.tail.head;
    if (pending.bytes <= FRAME_BYTES) {
      this.#emit(lane, pending, end, 0);
      return;
    }
    const part = new EventList();
    for (let at = 0; at < pending.count && this.#members.length > 0; at += 1) {
      part.add(pending.stored[at]!, pending.index[at]!, pending.number[at]!);
      const last = at === pending.count - 1;
      if (part.bytes < FRAME_BYTES && !last) continue;
      this.#emit(lane, part, last ? end : placeOf(lane, pending, at), 0);
      part.clear();
    }
  }

  /** Mode latest: what changed in the table goes out, one step of it at once, the rest in turns of the scheduler. */
  flushChanges(): void {
    if (this.#members.length === 0) return;
    for (const lane of this.lanes) lane.goal = lane.tail.head;
    if (this.step()) this.#parts.scheduler.add(this);
  }

  /** One step of the flush under way: so many keys, or one frame. */
  step(): boolean {
    let keys = WALK_KEYS;
    for (let tries = 0; tries < this.lanes.length; tries += 1) {
      if (keys <= 0 || this.#members.length === 0) break;
      keys -= this.#flushChangesOf(this.lanes[this.#turn]!, keys);
      this.#turn = (this.#turn + 1) % this.lanes.length;
    }
    return this.#members.length > 0 && this.lanes.some((lane) => lane.seen < lane.goal.number);
  }

  /** Moves idle chains to the head with an empty frame, so that tokens and positions stay young. */
  advance(): void {
    if (this.#members.length === 0) return;
    if (this.interest.mode === "latest") this.flushChanges();
    const empty = new EventList();
    for (const lane of this.lanes) {
      const { tail, chain, pending } = lane;
      const idle = this.interest.mode === "latest" ? lane.seen === tail.head.number : pending === undefined;
      if (idle && tail.head.number > chain.number) this.#emit(lane, empty, tail.head, 0);
    }
  }

  /** The log lost events, or began anew: the chain goes on from `to`. */
  skip(lane: Lane, to: Place): void {
    const from = lane.chain;
    lane.pending = undefined;
    lane.begin(to);
    for (const member of this.#members) member.lost(lane, from, to);
  }

  /** A partition was added to one of its topics. Members have it from its start on, where its tail is. */
  add(tail: PartitionTail): Lane {
    const lane = new Lane(tail, this.#lanes.length, this);
    this.#lanes.push(lane);
    return lane;
  }

  /** The tail came into trouble, or out of it. */
  troubled(tail: PartitionTail): void {
    if (!this.lanes.some((lane) => lane.tail === tail)) return;
    for (const member of this.#members) member.troubled();
  }

  /** Returns how many of the `keys` it looked at; all of them when a frame is full. */
  #flushChangesOf(lane: Lane, keys: number): number {
    const from = lane.seen;
    if (from >= lane.goal.number) return 0;
    const list = new EventList();
    const walked = walkTable(this, lane, from, lane.goal, list, { events: Number.POSITIVE_INFINITY, keys });
    const passed = walked.upto.number - from;
    const conflated = passed - walked.keys;
    if (list.count > 0) this.#emit(lane, list, walked.upto, conflated);
    else {
      this.counters.published += passed;
      this.counters.conflated += conflated;
      lane.seen = walked.upto.number;
    }
    return list.bytes >= FRAME_BYTES ? keys : walked.keys;
  }

  /** One frame from the lane's chain up to `upto`, to every member. */
  #emit(lane: Lane, list: EventList, upto: Place, conflated: number): void {
    this.#admit(list.count);
    const after = lane.chain.offset;
    this.counters.published += upto.number - lane.seen;
    this.counters.delivered += list.count;
    this.counters.conflated += conflated;
    lane.chain = upto;
    lane.seen = upto.number;
    const members = this.#members;
    if (members.length === 0) return;
    const { topic, partition } = lane.tail;
    const header = {
      ...{ channel: this.channel, topic: topic.name, partition, epoch: upto.epoch },
      ...{ after, upto: upto.offset, token: this.#nextToken(), attempt: 1 },
    };
    const frame = this.#parts.encoder.events(this.interest, header, list);
    // Before the frame goes out: a delivery may be the one that ends its session, and then the last member moves to its place.
    for (let at = members.length - 1; at >= 0 && this.#limited > 0; at -= 1) {
      if (members[at]!.limited) members[at]!.sent(list, lane, after);
    }
    this.#sinks[0]!.broadcast(this.#sinks, frame, list.count);
  }

  /** Before anything of a frame counts: members without room leave, with their cursors at the chain as it is. */
  #admit(events: number): void {
    if (this.#limited === 0) return;
    // Backwards: when one leaves, the last one moves to its place.
    for (let at = this.#members.length - 1; at >= 0; at -= 1) {
      const member = this.#members[at]!;
      if (member.limited) member.admit(events);
    }
  }

  #nextToken(): string {
    const now = this.#parts.monotonicMs();
    if (this.interest.tokens === "every-second" && now - this.#tokenAt < TOKEN_EVERY_MS) return "";
    this.#tokenAt = now;
    return this.#parts.token(
      this.lanes.map(({ tail }) => tail),
      this.lanes.map(({ chain }) => chain),
    );
  }
}

/** The place after the list's event at `at`. */
function placeOf({ tail }: Lane, list: EventList, at: number): Place {
  return { number: list.number[at]! + 1, epoch: tail.head.epoch, offset: list.offsetAt(at) };
}
