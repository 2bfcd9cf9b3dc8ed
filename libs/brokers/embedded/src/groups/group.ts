/** A group of competing consumers: what is out, with whom and until when, what is settled, and what waits. */

import type { GroupBatch, Position } from "@distribution/core/brokers";
import { type DistributionError, fieldError } from "@distribution/core/errors";
import type { Runtime, Timer } from "@distribution/core/runtime";
import { parseOffset } from "../log/offset.ts";
import { keyOf, sizeOf } from "../log/packed.ts";
import type { Partition } from "../log/partition.ts";
import type { Stored } from "../log/stored.ts";
import { deliveriesOf } from "./delivery.ts";
import { Dispatch } from "./dispatch.ts";
import { Feed, type FeedHost } from "./feed.ts";
import { type Entry, Lane } from "./lane.ts";
import { Member } from "./member.ts";
import type { Settlement } from "./settlement.ts";

export interface GroupHost {
  readonly runtime: Runtime;
  readonly windowEvents: number;
  readonly windowBytes: number;
  open: FeedHost["open"];
  /** Stores what the feeds have settled; resolves when durable. */
  store(feeds: readonly Feed[]): Promise<void>;
  /** The last member left. */
  onEmpty(group: Group): Promise<void>;
  onFailure(error: DistributionError): void;
}

/** How long a damaged partition rests before it is looked at again, ms. */
const DAMAGE_RETRY_MS = 1000;

export class Group {
  readonly name: string;
  readonly #host: GroupHost;
  readonly #feeds = new Map<string, Feed>();
  readonly #members = new Set<Member>();
  readonly #dispatch = new Dispatch();
  readonly #failures: DistributionError[] = [];
  readonly #reported = new Set<string>();
  readonly #waiting: (() => void)[] = [];
  readonly #waitingForRoom: (() => void)[] = [];
  #events = 0;
  #bytes = 0;
  #timer: Timer | undefined;
  #timerAt = Number.POSITIVE_INFINITY;
  #storing: Promise<void> | undefined;
  #stopped = false;

  constructor(name: string, host: GroupHost) {
    this.name = name;
    this.#host = host;
  }

  get topics(): readonly string[] {
    return [...new Set([...this.#feeds.values()].map(({ partition }) => partition.topic))];
  }

  get empty(): boolean {
    return this.#members.size === 0;
  }

  addPartition(partition: Partition, settlement: Settlement): void {
    const name = feedName(partition.topic, partition.index);
    if (this.#feeds.has(name)) return;
    const feed = new Feed(partition, settlement);
    this.#feeds.set(name, feed);
    void feed.run({
      open: this.#host.open,
      room: () => this.#room(),
      take: (from, batches) => this.#take(from, batches),
      failed: (from, error) => this.#feedFailed(from, error),
    });
  }

  /** What is settled of the partition now; undefined when the group does not consume it. */
  settlementOf(partition: Partition): Settlement | undefined {
    return this.#feeds.get(feedName(partition.topic, partition.index))?.settlement;
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
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    return [];
  }

  async ack(positions: readonly Position[]): Promise<void> {
    const places = positions.map((position, at) => this.#locate(position, at));
    for (const { feed, offset } of places) this.#settle(feed, offset);
    for (const { feed } of places) feed.settle();
    this.#wake();
    await this.#persist();
  }

  async nack(member: Member, positions: readonly Position[], delayMs: number): Promise<void> {
    const places = positions.map((position, at) => this.#locate(position, at));
    const now = this.#now();
    for (const { feed, offset } of places) {
      const entry = feed.unsettled.get(offset);
      // No longer this member's: settled, or out with another one since its time ran out.
      if (entry?.member === member) this.#giveBack(entry, now + delayMs, now);
    }
    this.#arm(now + delayMs);
    this.#wake();
    await this.#persist();
  }

  extend(member: Member, positions: readonly Position[], ms: number): void {
    const places = positions.map((position, at) => this.#locate(position, at));
    const dueAt = this.#now() + ms;
    for (const { feed, offset } of places) {
      const entry = feed.unsettled.get(offset);
      if (entry?.member === member) entry.dueAt = dueAt;
    }
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
    for (const resolve of this.#waitingForRoom.splice(0)) resolve();
    for (const feed of this.#feeds.values()) await feed.close();
    await this.#persist();
  }

  #now(): number {
    return this.#host.runtime.clock.monotonicMs();
  }

  #locate(position: Position, at: number): { feed: Feed; offset: number } {
    const feed = this.#feeds.get(feedName(position.topic, position.partition));
    const path = `positions[${at}]`;
    if (feed === undefined) {
      throw fieldError(
        "invalid_request",
        path,
        `the group ${this.name} does not consume ${position.topic}/${position.partition}`,
      );
    }
    const offset = parseOffset(position.offset, `${path}.offset`);
    if (position.epoch !== feed.partition.epoch) {
      throw fieldError("position_gone", path, `epoch ${position.epoch} is over, it is ${feed.partition.epoch} now`);
    }
    const { end } = feed.partition.state;
    if (offset > end)
      throw fieldError("invalid_request", path, `offset ${offset} was never given, the log ends at ${end}`);
    return { feed, offset };
  }

  #settle(feed: Feed, offset: number): void {
    if (!feed.settlement.has(offset)) {
      feed.settlement.add(offset);
      feed.changes += 1;
    }
    const entry = feed.unsettled.get(offset);
    if (entry === undefined) return;
    feed.unsettled.delete(offset);
    this.#events -= 1;
    this.#bytes -= sizeOf(entry.stored.batch, entry.place, entry.place + 1);
    if (entry.member === undefined) entry.lane.remove(entry);
    else {
      entry.member.out.delete(entry);
      entry.lane.takeBack(entry);
    }
    this.#dispatch.place(entry.lane, this.#now());
  }

  /** An event that was out waits again, and counts as tried. */
  #giveBack(entry: Entry, dueAt: number, now: number): void {
    entry.member?.out.delete(entry);
    entry.lane.takeBack(entry);
    entry.dueAt = dueAt;
    entry.lane.insert(entry);
    entry.feed.settlement.attempts.set(entry.offset, entry.attempts);
    entry.feed.changes += 1;
    this.#dispatch.place(entry.lane, now);
  }

  #take(feed: Feed, batches: readonly Stored[]): void {
    const now = this.#now();
    for (const stored of batches) {
      for (let place = 0; place < stored.batch.count; place += 1) {
        const offset = stored.numberAt(place);
        if (!feed.settlement.has(offset)) this.#add(feed, stored, place, offset, now);
      }
    }
    feed.settle();
    this.#wake();
  }

  #add(feed: Feed, stored: Stored, place: number, offset: number, now: number): void {
    const key = keyOf(stored.batch, place);
    const lane = this.#dispatch.lane(`${feed.partition.id}/${key}`, (name) => new Lane(name), key !== "");
    const attempts = feed.settlement.attempts.get(offset) ?? 0;
    const entry: Entry = { feed, lane, stored, place, offset, attempts, member: undefined, dueAt: now };
    feed.unsettled.set(offset, entry);
    lane.insert(entry);
    this.#events += 1;
    this.#bytes += sizeOf(stored.batch, place, place + 1);
    this.#dispatch.place(lane, now);
  }

  async #room(): Promise<boolean> {
    while (!this.#stopped && (this.#events >= this.#host.windowEvents || this.#bytes >= this.#host.windowBytes)) {
      await new Promise<void>((resolve) => this.#waitingForRoom.push(resolve));
    }
    return !this.#stopped;
  }

  async #feedFailed(feed: Feed, error: DistributionError): Promise<boolean> {
    if (error.code === "unknown_topic") {
      this.#drop(feed);
      return false;
    }
    if (error.code === "position_gone") return !this.#stopped;
    if (!this.#reported.has(error.message)) {
      this.#reported.add(error.message);
      this.#failures.push(error);
      this.#wake();
    }
    await new Promise<void>((resolve) => this.#host.runtime.timers.after(DAMAGE_RETRY_MS, resolve));
    return !this.#stopped;
  }

  /** Its topic was deleted. */
  #drop(feed: Feed): void {
    this.#feeds.delete(feedName(feed.partition.topic, feed.partition.index));
    for (const offset of [...feed.unsettled.keys()]) this.#settle(feed, offset);
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
    if (this.#events >= this.#host.windowEvents || this.#bytes >= this.#host.windowBytes) return;
    for (const resolve of this.#waitingForRoom.splice(0)) resolve();
  }

  /** Stores what is not stored yet, or is still on its way; joins a call of the same turn. */
  #persist(): Promise<void> {
    this.#storing ??= Promise.resolve().then(() => {
      this.#storing = undefined;
      const feeds = [...this.#feeds.values()].filter(({ changes, stored }) => changes > stored);
      return feeds.length === 0 ? undefined : this.#host.store(feeds);
    });
    return this.#storing;
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
    this.#persist().catch((failure: DistributionError) => this.#host.onFailure(failure));
  }
}

const feedName = (topic: string, partition: number): string => `${topic}/${partition}`;
