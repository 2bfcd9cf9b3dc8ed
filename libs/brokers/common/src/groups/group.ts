/** A group of competing consumers: what is out, with whom and until when, what is settled, and what waits. */
import type { GroupBatch, Offset, Position, StoredBatch } from "@distribution/core/brokers";
import { atPath, DistributionError, fieldError } from "@distribution/core/errors";
import { pause, type Timer } from "@distribution/core/runtime";
import { keyOf } from "../packed.ts";
import type {
  AssignedPartition,
  EngineGroup,
  GroupsOptions,
  PartitionName,
  PartitionStanding,
  Removal,
} from "./contract.ts";
import { deliveriesOf } from "./delivery.ts";
import { Dispatch } from "./dispatch.ts";
import { Feed, type FeedHost } from "./feed.ts";
import type { Entry } from "./lane.ts";
import { Member } from "./member.ts";
import { Storing } from "./storing.ts";
import { Waiters } from "./waiters.ts";
import { Window } from "./window.ts";

export interface GroupHost
  extends Pick<
    GroupsOptions,
    "runtime" | "windowEvents" | "windowBytes" | "overlappingStores" | "compareOffsets" | "read" | "store" | "onFailure"
  > {
  /** The last member left. */
  onEmpty(group: Group): Promise<void>;
}

/** How long a partition that cannot be read rests before it is looked at again, ms. */
const RETRY_MS = 1000;

/** Where a position of an answer stands. */
interface Located {
  readonly feed: Feed;
  readonly offset: Offset;
  /** Undefined: settled already, or not read yet. */
  readonly entry: Entry | undefined;
}

export class Group implements EngineGroup {
  readonly name: string;
  readonly topics: readonly string[];
  readonly #host: GroupHost;
  readonly #feedHost: FeedHost;
  readonly #feeds = new Map<string, Feed>();
  /** Partitions that were taken away. */
  readonly #removed = new Set<string>();
  readonly #members = new Set<Member>();
  readonly #dispatch = new Dispatch();
  readonly #failures: DistributionError[] = [];
  readonly #reported = new Set<string>();
  readonly #window: Window;
  readonly #storing: Storing;
  /** Members that wait for work. */
  readonly #idle = new Waiters();
  /** Woken when an event of a leaving partition is answered. */
  readonly #answers = new Waiters();
  #orders = 0;
  #timer: Timer | undefined;
  #timerAt = Number.POSITIVE_INFINITY;
  #stopped = false;

  constructor(name: string, topics: readonly string[], host: GroupHost) {
    this.name = name;
    this.topics = topics;
    this.#host = host;
    this.#window = new Window(host.windowEvents, host.windowBytes);
    this.#storing = new Storing(name, host, this.#feeds);
    this.#feedHost = {
      compareOffsets: host.compareOffsets,
      read: host.read,
      room: () => this.#window.room(),
      take: (feed, batches) => this.#take(feed, batches),
      restart: (feed) => this.#forget(feed),
      failed: (feed, error) => this.#feedFailed(feed, error),
    };
  }

  get empty(): boolean {
    return this.#members.size === 0;
  }

  add(partition: AssignedPartition): void {
    const name = nameOf(partition);
    if (this.#stopped || this.#feeds.has(name)) return;
    const feed = new Feed(partition, this.#orders, this.#feedHost);
    this.#orders += 1;
    this.#removed.delete(name);
    this.#feeds.set(name, feed);
    void feed.run();
  }

  async remove(partitions: readonly PartitionName[], { waitMs = 0, lost = false }: Removal = {}): Promise<void> {
    const feeds = partitions.map((one) => this.#feeds.get(nameOf(one))).filter((feed) => feed !== undefined);
    for (const feed of feeds) this.#leave(feed);
    if (waitMs > 0) await this.#answered(feeds, waitMs);
    for (const feed of feeds) {
      this.#feeds.delete(nameOf(feed));
      this.#removed.add(nameOf(feed));
      for (const entry of feed.unsettled.values()) this.#giveUp(entry);
      this.#drop(feed);
    }
    this.#wake();
    if (!lost) await this.#storing.storeLast(feeds);
  }

  standing(partition: PartitionName): PartitionStanding | undefined {
    return this.#feeds.get(nameOf(partition))?.standing();
  }

  join(ackTimeoutMs: number): Member {
    const member = new Member(this, ackTimeoutMs);
    this.#members.add(member);
    return member;
  }

  async next(member: Member, maxEvents: number): Promise<readonly GroupBatch[]> {
    while (!member.closed) {
      const failure = this.#failures.shift();
      if (failure !== undefined) throw failure;
      const now = this.#now();
      const entries = this.#dispatch.give(member, maxEvents, now);
      if (entries.length > 0) {
        this.#arm(now + member.ackTimeoutMs);
        return deliveriesOf(entries);
      }
      await this.#idle.wait();
    }
    return [];
  }

  async ack(positions: readonly Position[]): Promise<void> {
    const { located, removed } = this.#locate(positions);
    const now = this.#now();
    for (const { feed, offset, entry } of located) {
      if (entry !== undefined) this.#settle(entry, now);
      else if (feed.isAhead(offset)) feed.settleAhead(offset);
    }
    const settled = new Map<Feed, number>();
    for (const { feed } of located) settled.set(feed, feed.changes);
    this.#wake();
    await this.#storing.store();
    if (removed !== undefined) throw this.#givenAway(removed);
    // Taken away meanwhile, and by nobody stored any more.
    for (const [feed, changes] of settled) if (feed.stored < changes) throw this.#givenAway(feed);
  }

  #givenAway(partition: PartitionName): DistributionError {
    const what = `${nameOf(partition)} of the group ${this.name} was given to another member`;
    return new DistributionError("unavailable", `${what}: its events come again, there.`);
  }

  async nack(member: Member, positions: readonly Position[], delayMs: number): Promise<void> {
    const { located } = this.#locate(positions);
    const now = this.#now();
    for (const { entry } of located) {
      // No longer this member's: settled, or out with another one since its time ran out.
      if (entry?.member === member) this.#giveBack(entry, now + delayMs, now);
    }
    this.#arm(now + delayMs);
    this.#wake();
    await this.#storing.store();
  }

  extend(member: Member, positions: readonly Position[], ms: number): void {
    const { located } = this.#locate(positions);
    const dueAt = this.#now() + ms;
    for (const { entry } of located) if (entry?.member === member) entry.dueAt = dueAt;
    this.#arm(dueAt);
  }

  async leave(member: Member): Promise<void> {
    if (member.closed) return;
    member.closed = true;
    this.#members.delete(member);
    const now = this.#now();
    for (const entry of member.out) this.#giveBack(entry, now, now);
    this.#wake();
    if (this.#members.size === 0) await this.#host.onEmpty(this);
  }

  /** Ends the group in this process: members get nothing more, what was settled or given up is stored. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#timer?.cancel();
    for (const member of this.#members) member.closed = true;
    this.#members.clear();
    this.#wake();
    this.#window.close();
    await Promise.all([...this.#feeds.values()].map((feed) => feed.close()));
    await this.#storing.store();
  }

  #now(): number {
    return this.#host.runtime.clock.monotonicMs();
  }

  /** Where the positions are, and one that was in a partition which is no longer here. Throws before anything is changed. */
  #locate(positions: readonly Position[]): { located: Located[]; removed: Position | undefined } {
    if (this.#stopped) {
      throw new DistributionError("unavailable", `The group ${this.name} is closed here; join it again.`);
    }
    const located: Located[] = [];
    let removed: Position | undefined;
    let feed: Feed | undefined;
    let ahead = 0;
    for (let at = 0; at < positions.length; at += 1) {
      const position = positions[at]!;
      if (feed?.topic !== position.topic || feed.partition !== position.partition) feed = this.#feedOf(position, at);
      if (feed === undefined) removed = position;
      else {
        const { epoch, offset } = position;
        if (epoch !== feed.epoch) {
          throw fieldError("position_gone", path(at), `epoch ${epoch} is over, it is ${feed.epoch} now`);
        }
        const entry = feed.unsettled.get(offset);
        if (entry === undefined) ahead += this.#checkAhead(feed, offset, at, ahead);
        located.push({ feed, offset, entry });
      }
    }
    return { located, removed };
  }

  /** Undefined when the partition was taken away. */
  #feedOf(position: Position, at: number): Feed | undefined {
    const name = nameOf(position);
    const feed = this.#feeds.get(name);
    if (feed !== undefined || this.#removed.has(name)) return feed;
    throw fieldError("invalid_request", path(at), `the group ${this.name} does not consume ${name}`);
  }

  /** 1 for an event that was not read yet: given out by the one who had the partition before, or never. 0 for a settled one. */
  #checkAhead(feed: Feed, offset: Offset, at: number, ahead: number): number {
    if (!atPath(`${path(at)}.offset`, () => feed.isAhead(offset))) return 0;
    const end = feed.end?.();
    if (end !== undefined && this.#host.compareOffsets(offset, end) > 0) {
      throw fieldError("invalid_request", path(at), `offset ${offset} was never given, the log ends at ${end}`);
    }
    const { maxEvents } = this.#window;
    if (feed.aheadCount + ahead >= maxEvents) {
      const limit = `more than ${maxEvents} events (windowEvents) are answered before they were given`;
      throw fieldError("invalid_request", path(at), `${limit}; answer what next gave`);
    }
    return 1;
  }

  #settle(entry: Entry, now: number): void {
    const { feed, lane, member } = entry;
    if (!feed.unsettled.has(entry.offset)) return;
    feed.settle(entry);
    this.#window.free(entry);
    if (member === undefined) lane.remove(entry);
    else {
      member.out.delete(entry);
      lane.takeBack(entry);
    }
    this.#dispatch.place(lane, now);
    feed.release(lane);
    if (feed.leaving) this.#answers.wake();
  }

  /** An event that was out waits again, and counts as tried. */
  #giveBack(entry: Entry, dueAt: number, now: number): void {
    this.#giveUp(entry);
    if (entry.feed.leaving) {
      this.#answers.wake();
      return;
    }
    entry.dueAt = dueAt;
    entry.lane.insert(entry);
    this.#dispatch.place(entry.lane, now);
  }

  /** An event is no longer out, if it was, and counts as tried. */
  #giveUp(entry: Entry): void {
    if (entry.member === undefined) return;
    entry.member.out.delete(entry);
    entry.lane.takeBack(entry);
    entry.feed.countAttempt(entry);
  }

  #take(feed: Feed, batches: readonly StoredBatch[]): void {
    const now = this.#now();
    const add = (entry: Entry): void => {
      this.#window.add(entry);
      this.#dispatch.place(entry.lane, now);
    };
    for (const stored of batches) feed.take(stored, add, (place) => keyOf(stored.batch, place), now);
    this.#wake();
  }

  async #feedFailed(feed: Feed, error: DistributionError): Promise<boolean> {
    if (error.code === "unknown_topic") {
      this.#feeds.delete(nameOf(feed));
      this.#drop(feed);
      this.#wake();
      return false;
    }
    if (error.code === "unavailable") this.#host.onFailure(error);
    else if (!this.#reported.has(error.message)) {
      this.#reported.add(error.message);
      this.#failures.push(error);
      this.#wake();
    }
    await pause(this.#host.runtime, RETRY_MS);
    return !this.#stopped;
  }

  /** Stops a partition: what waits is given to nobody any more. */
  #leave(feed: Feed): void {
    feed.leaving = true;
    feed.close().catch((failure: DistributionError) => this.#host.onFailure(failure));
    const now = this.#now();
    for (const { lane } of feed.unsettled.values()) {
      if (lane.waiting.length === 0) continue;
      lane.waiting.length = 0;
      this.#dispatch.place(lane, now);
    }
  }

  /** Resolves when nothing of the partitions is out any more, or the time is over. */
  async #answered(feeds: readonly Feed[], ms: number): Promise<void> {
    let over = false;
    const timer = this.#host.runtime.timers.after(ms, () => {
      over = true;
      this.#answers.wake();
    });
    while (!over && feeds.some(({ out }) => out > 0)) await this.#answers.wait();
    timer.cancel();
  }

  #drop(feed: Feed): void {
    feed.freeze();
    this.#forget(feed);
  }

  /** The group holds nothing of the partition any more. */
  #forget(feed: Feed): void {
    const now = this.#now();
    for (const entry of feed.unsettled.values()) {
      entry.member?.out.delete(entry);
      if (entry.member !== undefined) entry.lane.takeBack(entry);
      this.#window.free(entry);
      entry.lane.waiting.length = 0;
      this.#dispatch.place(entry.lane, now);
      feed.release(entry.lane);
    }
    feed.unsettled.clear();
  }

  #wake(): void {
    this.#idle.wake();
    this.#window.wake();
  }

  #arm(at: number): void {
    if (at >= this.#timerAt || this.#stopped) return;
    this.#timer?.cancel();
    this.#timerAt = at;
    this.#timer = this.#host.runtime.timers.after(Math.max(1, Math.ceil(at - this.#now())), () => this.#tick());
  }

  /** Takes back what was not answered in time, releases what is due, and sets the next alarm. */
  #tick(): void {
    this.#timerAt = Number.POSITIVE_INFINITY;
    const now = this.#now();
    let next = Number.POSITIVE_INFINITY;
    for (const member of this.#members) {
      for (const entry of member.out) {
        if (entry.dueAt <= now) this.#giveBack(entry, now, now);
        else if (entry.dueAt < next) next = entry.dueAt;
      }
    }
    next = Math.min(next, this.#dispatch.release(now));
    this.#wake();
    if (Number.isFinite(next)) this.#arm(next);
    this.#storing.store().catch((failure: DistributionError) => this.#host.onFailure(failure));
  }
}

const nameOf = ({ topic, partition }: PartitionName): string => `${topic}/${partition}`;

const path = (at: number): string => `positions[${at}]`;
