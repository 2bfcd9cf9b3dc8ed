/**
 * A subscription: a cursor with a delivery profile.
 *
 * Live, it is a member of its interest class and gets the class's frames as they are. It falls behind when its socket is
 * full, its window or credit is used up, or it was paused; then it has a cursor of its own in every lane and catches up from
 * ring, log or table, until it is where the class is. Replay, resume, late join and back-pressure are this one motion.
 */
import { GapReason } from "@distribution/proto-types/distribution/v1/frames";
import type { Broker, Position, StoredBatch } from "../brokers/contract.ts";
import { DistributionError } from "../errors.ts";
import type { Counter } from "../observability/index.ts";
import type { Runtime } from "../runtime/index.ts";
import {
  type ClassCounters,
  type ClassMember,
  EventList,
  type EventsEncoder,
  FRAME_BYTES,
  type InterestClass,
  type Lane,
  TOKEN_EVERY_MS,
} from "../subscriptions/index.ts";
import type { Place } from "../tail/index.ts";
import type { EncodedFrame } from "../transport/contract.ts";
import type { Outlet } from "./contract.ts";
import { LaneCursor, type LogPlace, type LostRange } from "./lane-cursor.ts";
import { createLedger, type Ledger } from "./ledger.ts";
import { readOne } from "./redelivery.ts";
import type { Scheduler, Work } from "./scheduler.ts";
import { type LaneWalk, takeFrame, walkTable } from "./table-walk.ts";
import type { TokenCodec } from "./token.ts";
import { createWindow, type OutstandingEvent, type Window } from "./window.ts";

export type SlowPolicy = "catch-up" | "drop" | "close";

export interface SubscriptionProfile {
  /** At least once: events out and unacknowledged at a time, and how long until one is sent again. Absent: at most once. */
  readonly window?: { readonly size: number; readonly ackTimeoutMs: number };
  readonly slow: SlowPolicy;
  readonly snapshot: boolean;
}

export interface SubscriptionOptions {
  readonly shared: InterestClass;
  readonly profile: SubscriptionProfile;
  /** One a lane of the class, in its order. */
  readonly start: readonly LogPlace[];
  readonly broker: Broker;
  readonly encoder: EventsEncoder;
  readonly tokens: TokenCodec;
  readonly scheduler: Scheduler;
  readonly runtime: Runtime;
  readonly outlet: Outlet;
  readonly redelivered: Counter;
}

/** While the log is ahead of this process's own tail, and after a failure of the broker. Milliseconds. */
const TAIL_WAIT_MS = 20;
const RETRY_MS = 250;

const reasonOf = ({ from, to }: LostRange): GapReason =>
  from.epoch === to.epoch ? GapReason.RETENTION : GapReason.EPOCH;

type Phase = "idle" | "live" | "behind" | "paused" | "closed";

export class Subscription implements ClassMember, Work {
  memberIndex = -1;
  readonly #options: SubscriptionOptions;
  shared: InterestClass;
  readonly #outlet: Outlet;
  readonly #window: Window | undefined;
  readonly #ledger = createLedger();
  readonly #list = new EventList();
  #phase: Phase = "idle";
  #cursors: LaneCursor[];
  #walks: LaneWalk[] = [];
  #walkSent = 0;
  #snapshotDue: boolean;
  #credit = Number.POSITIVE_INFINITY;
  #turn = 0;
  #tokenAt = Number.NEGATIVE_INFINITY;
  #reading = false;
  /** The class's counters when this member joined. */
  #base: ClassCounters = { published: 0, delivered: 0, conflated: 0 };
  /** What has to go out again, one after the other, when socket and pause allow. */
  readonly #due = new Set<OutstandingEvent>();
  #redelivering = false;

  constructor(options: SubscriptionOptions) {
    this.#options = options;
    this.shared = options.shared;
    this.#outlet = options.outlet;
    this.#snapshotDue = options.profile.snapshot;
    this.#cursors = options.start.map(
      (place, index) => new LaneCursor(this.shared.lanes[index]!, options.broker, place),
    );
    const { window } = options.profile;
    this.#window =
      window &&
      createWindow({
        ...window,
        runtime: options.runtime,
        compareOffsets: options.broker.compareOffsets,
        redeliver: (event) => {
          this.#due.add(event);
          options.scheduler.add(this);
        },
      });
  }

  get limited(): boolean {
    return this.#window !== undefined || this.#credit !== Number.POSITIVE_INFINITY;
  }

  get behind(): boolean {
    return this.#phase === "behind";
  }

  /** Begins, or goes on after a pause. */
  run(): void {
    if (this.#phase !== "idle" && this.#phase !== "paused") return;
    this.#phase = "behind";
    if (this.#due.size > 0) this.#options.scheduler.add(this);
    if (!this.#snapshotDue && this.#joinIfCaughtUp()) return;
    this.#options.scheduler.add(this);
  }

  pause(): void {
    if (this.#phase === "closed") return;
    this.#leaveClass();
    this.#phase = "paused";
  }

  /** Goes on in another class of the same topics, with the same cursor, window, credit and ledger. `run` follows. */
  change(shared: InterestClass): void {
    this.#leaveClass();
    for (const cursor of this.#cursors) cursor.rest();
    const { broker } = this.#options;
    this.#cursors = this.#cursors.map(({ place }, index) => new LaneCursor(shared.lanes[index]!, broker, place));
    this.#walks = [];
    this.#walkSent = 0;
    this.shared = shared;
    this.#phase = "paused";
  }

  close(): void {
    this.#leaveClass();
    this.#phase = "closed";
    this.#window?.close();
    for (const cursor of this.#cursors) cursor.rest();
  }

  /** Where it is: everything up to here was handed to the wire, or is in the ledger. */
  positions(): Position[] {
    return this.places().map((place, index) => this.#positionOf(this.shared.lanes[index]!, place));
  }

  /** The positions of the last frames, which the next ones follow. */
  toldPositions(): Position[] {
    if (this.#phase === "live") return this.positions();
    return this.#cursors.map(({ lane, place, told }) => this.#positionOf(lane, { ...place, offset: told }));
  }

  /** Where a later subscription goes on without losing anything: before the oldest event that is not acknowledged. */
  settledPositions(): Position[] {
    return this.places().map((place, index) => {
      const lane = this.shared.lanes[index]!;
      const oldest = this.#window?.oldest(lane);
      return this.#positionOf(lane, oldest ? { number: undefined, epoch: oldest.epoch, offset: oldest.before } : place);
    });
  }

  get ledger(): Ledger {
    if (this.#phase === "live") this.#fold();
    return this.#ledger;
  }

  /** Allows this many more events; from the first call on, nothing comes without credit. */
  grant(events: number): void {
    const wasLive = this.#phase === "live";
    if (wasLive && !this.limited) this.#fallBehind();
    this.#credit = (this.#credit === Number.POSITIVE_INFINITY ? 0 : this.#credit) + events;
    this.#wake();
  }

  /** Returns how many of the positions were out. */
  ack(positions: readonly Position[], cumulative: boolean): number {
    let settled = 0;
    for (const { topic, partition, epoch, offset } of positions) {
      const lane = this.#laneOf(topic, partition);
      if (!lane || !this.#window) continue;
      if (cumulative) settled += this.#window.ackUpto(lane, epoch, offset);
      else if (this.#window.ack(lane, epoch, offset)) settled += 1;
    }
    if (settled > 0) this.#wake();
    return settled;
  }

  nack(positions: readonly Position[], delayMs: number): number {
    let known = 0;
    for (const { topic, partition, epoch, offset } of positions) {
      const lane = this.#laneOf(topic, partition);
      if (lane && this.#window?.nack(lane, epoch, offset, delayMs)) known += 1;
    }
    return known;
  }

  /** The session's socket is full. */
  blocked(): void {
    if (this.#phase !== "live") return;
    this.#fallBehind();
    if (this.#options.profile.slow === "close") this.#outlet.tooSlow();
  }

  /** The session's socket has been full for a while: nothing is kept for it but a place in each lane. */
  rest(): void {
    if (this.#reading) return;
    for (const cursor of this.#cursors) cursor.rest();
    if (this.#snapshotDue) return;
    this.#walks = [];
    this.#walkSent = 0;
  }

  /** The session's socket takes more. */
  drained(): void {
    if (this.#due.size > 0) this.#options.scheduler.add(this);
    if (this.#phase !== "behind") return;
    if (this.#options.profile.slow === "drop") this.#skipToClass();
    this.#wake();
  }

  // ── as a member of its class ────────────────────────────────────────────────────────────────────────────────────

  admit(events: number): boolean {
    if (events <= this.#room) return true;
    this.#fallBehind();
    return false;
  }

  deliver(frame: EncodedFrame, lane: Lane, list: EventList, after: string): void {
    this.#outlet.send(frame, list.count);
    if (this.limited) this.#spend(lane, list, after);
  }

  lost(lane: Lane, from: Place, to: Place): void {
    this.#gap(lane, from, to, reasonOf({ from, to }));
  }

  // ── catching up ─────────────────────────────────────────────────────────────────────────────────────────────────

  /** One frame, or one move towards it. */
  step(): boolean {
    if (this.#phase === "closed" || this.#phase === "paused" || !this.#outlet.writable) return false;
    this.#redeliverNext();
    if (this.#phase !== "behind" || this.#reading) return false;
    if (this.#walks.length > 0 || this.#snapshotDue) return this.#stepWalk();
    if (this.shared.interest.mode === "latest") return this.#stepLatest();
    return this.#stepEvery();
  }

  #stepEvery(): boolean {
    if (this.#joinIfCaughtUp()) return false;
    if (this.#room <= 0) return false;
    const cursor = this.#nextCursor();
    if (!cursor) return false;
    const list = this.#list;
    const { passed, needsLog } = cursor.collect(this.shared, list, this.#room, FRAME_BYTES);
    this.#ledger.add({ published: passed, delivered: list.count });
    const unseen = cursor.takeUnseen();
    if (unseen > 0) this.#ledger.add({ published: unseen, delivered: 0, dropped: unseen });
    if (list.count > 0) this.#sendOwn(cursor, list);
    list.clear();
    if (needsLog) this.#readLog(cursor);
    return !needsLog;
  }

  /** The next lane that is not where its class is, in turns. */
  #nextCursor(): LaneCursor | undefined {
    for (let tries = 0; tries < this.#cursors.length; tries += 1) {
      this.#turn = (this.#turn + 1) % this.#cursors.length;
      const cursor = this.#cursors[this.#turn]!;
      if (!cursor.caughtUp) return cursor;
    }
    return undefined;
  }

  #readLog(cursor: LaneCursor): void {
    this.#reading = true;
    const goOn = (): void => {
      this.#reading = false;
      this.#wake();
    };
    cursor.readLog().then(
      ({ lost, wait }) => {
        if (lost && this.#phase !== "closed" && this.#cursors.includes(cursor))
          this.#gap(cursor.lane, lost.from, lost.to, reasonOf(lost));
        if (wait) this.#options.runtime.timers.after(TAIL_WAIT_MS, goOn);
        else goOn();
      },
      (failure: unknown) => {
        this.#outlet.failed(failure);
        this.#options.runtime.timers.after(RETRY_MS, goOn);
      },
    );
  }

  /** Mode latest: what changed since the cursor, of all lanes; then it is where the class is, or walks again. */
  #stepLatest(): boolean {
    if (this.#joinIfCaughtUp()) return false;
    if (this.#room <= 0) return false;
    for (const cursor of this.#cursors) {
      if (cursor.caughtUp) continue;
      this.#walks.push(walkTable(this.shared, cursor.lane, cursor.place, this.#options.broker.compareOffsets));
    }
    return this.#walks.length > 0 ? this.#stepWalk() : false;
  }

  /** Sends one frame of the walk that is under way; begins the snapshot when it is due. */
  #stepWalk(): boolean {
    if (this.#snapshotDue && this.#walks.length === 0) {
      // What a throttled class has not looked at yet would be missing between the snapshot and its next frame.
      for (const lane of this.shared.lanes) this.shared.flush(lane);
      this.#walks = this.shared.lanes.map((lane) =>
        walkTable(this.shared, lane, undefined, this.#options.broker.compareOffsets),
      );
    }
    const room = this.#snapshotDue ? Number.POSITIVE_INFINITY : this.#room;
    if (room <= 0) return false;
    const walk = this.#walks[0]!;
    const part = this.#list;
    this.#walkSent = takeFrame(walk.entries, this.#walkSent, part, room);
    const done = this.#walkSent === walk.entries.count;
    if (this.#snapshotDue) this.#sendSnapshot(walk, part, done && this.#walks.length === 1);
    else this.#sendChanges(walk, part, done);
    part.clear();
    if (done) {
      this.#walks.shift();
      this.#walkSent = 0;
      if (this.#snapshotDue && this.#walks.length === 0) this.#snapshotDue = false;
    }
    return true;
  }

  #sendSnapshot(walk: LaneWalk, part: EventList, complete: boolean): void {
    const cursor = this.#cursors[walk.lane.index]!;
    cursor.moveTo(walk.upto);
    const token = complete ? this.#token() : "";
    const positions = complete ? this.positions() : [];
    const header = { channel: this.shared.channel, positions, complete, token };
    const { name } = walk.lane.tail.topic;
    this.#outlet.send(this.#options.encoder.snapshot(this.shared.interest, name, header, part), part.count);
  }

  #sendChanges(walk: LaneWalk, part: EventList, done: boolean): void {
    const cursor = this.#cursors[walk.lane.index]!;
    const from = cursor.place.number;
    const last = part.count - 1;
    cursor.place = done
      ? walk.upto
      : { number: part.number[last]! + 1, epoch: walk.upto.epoch, offset: part.offsetAt(last) };
    const to = cursor.place.number ?? 0;
    const published = from === undefined ? part.count : to - from;
    this.#ledger.add({ published, delivered: part.count, conflated: done ? walk.conflated : 0 });
    if (part.count > 0) this.#sendOwn(cursor, part);
  }

  /** A frame of this subscription alone, up to its cursor. */
  #sendOwn(cursor: LaneCursor, list: EventList): void {
    const { lane, place } = cursor;
    const header = {
      channel: this.shared.channel,
      topic: lane.tail.topic.name,
      partition: lane.tail.partition,
      epoch: place.epoch,
    };
    const frame = this.#options.encoder.events(
      this.shared.interest,
      { ...header, after: cursor.told, upto: place.offset, token: this.#nextToken(cursor), attempt: 1 },
      list,
    );
    const after = cursor.told;
    cursor.told = place.offset;
    this.#outlet.send(frame, list.count);
    if (this.limited) this.#spend(lane, list, after);
  }

  /** Live again once every lane is where the class is; the frames of the class then follow the ones sent so far. */
  #joinIfCaughtUp(): boolean {
    if (this.#phase !== "behind" || this.#reading || this.#walks.length > 0 || !this.#outlet.writable) return false;
    const caughtUp = (): boolean => this.#cursors.every((cursor) => cursor.caughtUp);
    if (!caughtUp()) return false;
    // Ahead of an idle class, as after a resume: the class comes along first.
    if (this.#cursors.some(({ place, lane }) => (place.number ?? 0) > lane.chain.number)) this.shared.advance();
    if (!caughtUp()) return false;
    for (const cursor of this.#cursors) {
      const { chain } = cursor.lane;
      cursor.place = chain;
      if (cursor.told !== chain.offset) this.#sendOwn(cursor, this.#list);
      cursor.rest();
    }
    this.#phase = "live";
    this.#base = { ...this.shared.counters };
    this.shared.join(this);
    return true;
  }

  #fallBehind(): void {
    this.#leaveClass();
    this.#phase = "behind";
    this.#options.scheduler.add(this);
  }

  #leaveClass(): void {
    if (this.#phase !== "live") return;
    this.#fold();
    this.shared.leave(this);
    for (const cursor of this.#cursors) cursor.moveTo({ ...cursor.lane.chain });
    this.#phase = "behind";
  }

  /** Takes the share of the class's counters since the last time into the ledger. */
  #fold(): void {
    const { published, delivered, conflated } = this.shared.counters;
    this.#ledger.add({
      published: published - this.#base.published,
      delivered: delivered - this.#base.delivered,
      conflated: conflated - this.#base.conflated,
    });
    this.#base = { published, delivered, conflated };
  }

  /** Policy drop: what came while the socket was full is skipped, and said. */
  #skipToClass(): void {
    this.#walks = [];
    this.#walkSent = 0;
    for (const cursor of this.#cursors) {
      if (cursor.caughtUp) continue;
      const from = cursor.place;
      const to = cursor.lane.chain;
      const skipped = from.number === undefined ? 0 : to.number - from.number;
      this.#ledger.add({ published: skipped, delivered: 0, dropped: skipped });
      this.#gap(cursor.lane, from, to, GapReason.SLOW);
      cursor.moveTo(to);
    }
  }

  // ── at least once ───────────────────────────────────────────────────────────────────────────────────────────────

  get #room(): number {
    return Math.min(this.#window?.room ?? Number.POSITIVE_INFINITY, this.#credit);
  }

  #spend(lane: Lane, list: EventList, after: string): void {
    this.#credit -= list.count;
    if (!this.#window) return;
    for (let at = 0; at < list.count; at += 1) {
      const number = list.number[at]!;
      const stored = list.stored[at]!;
      const index = list.index[at]!;
      const before =
        index > 0 ? stored.offsetAt(index - 1) : list.previous[at] || (lane.tail.placeBefore(number)?.offset ?? after);
      this.#window.sent({ lane, number, epoch: stored.epoch, offset: stored.offsetAt(index), before });
    }
  }

  /** One at a time: a window that runs out as a whole must not become as many reads of the log. */
  #redeliverNext(): void {
    if (this.#redelivering) return;
    const [event] = this.#due;
    if (!event) return;
    this.#due.delete(event);
    // Acknowledged while it waited.
    const goOn = (): void => {
      this.#redelivering = false;
      if (this.#due.size > 0) this.#options.scheduler.add(this);
    };
    if (event.settled) {
      goOn();
      return;
    }
    this.#redelivering = true;
    readOne(this.#options.broker, event).then(
      (found) => {
        if (this.#phase === "closed" || event.settled) return goOn();
        if (!found) this.#giveUp(event);
        else if (this.#outlet.writable && this.#phase !== "paused") this.#sendAgain(event, found);
        else this.#due.add(event);
        goOn();
      },
      (failure: unknown) => {
        // It is due again after the next timeout.
        this.#outlet.failed(failure);
        goOn();
      },
    );
  }

  #sendAgain(event: OutstandingEvent, { stored, index }: { stored: StoredBatch; index: number }): void {
    const { topic, partition } = event.lane.tail;
    const list = new EventList();
    list.add(stored, index, event.number);
    this.#options.redelivered.value += 1;
    const header = {
      channel: this.shared.channel,
      topic: topic.name,
      partition,
      epoch: event.epoch,
      after: "",
      upto: "",
      token: "",
      attempt: event.attempt,
    };
    this.#outlet.send(this.#options.encoder.events(this.shared.interest, header, list), 1);
  }

  /** The log no longer has the event: it leaves the window, and the client is told that it will not come again. */
  #giveUp({ lane, epoch, offset, attempt }: OutstandingEvent): void {
    this.#window?.ack(lane, epoch, offset);
    const { topic, partition } = lane.tail;
    const place = `${topic.name}, partition ${partition}, epoch ${epoch}, offset ${offset}`;
    const text = `The event at ${place} was not acknowledged and cannot be delivered again (attempt ${attempt}): the log no longer has it.`;
    this.#outlet.failed(new DistributionError("position_gone", text));
    this.#wake();
  }

  // ── small things ────────────────────────────────────────────────────────────────────────────────────────────────

  #wake(): void {
    if (this.#phase === "behind") this.#options.scheduler.add(this);
  }

  /** One a lane of its class. */
  places(): readonly LogPlace[] {
    return this.#phase === "live"
      ? this.shared.lanes.map((lane) => lane.chain)
      : this.#cursors.map((cursor) => cursor.place);
  }

  #positionOf({ tail }: Lane, { epoch, offset }: LogPlace): Position {
    return { topic: tail.topic.name, partition: tail.partition, epoch, offset };
  }

  #token(): string {
    return this.#options.tokens.issue(this.positions());
  }

  /** As often as its class does; and where it reaches the class, whose own next one may be long in coming. */
  #nextToken({ lane, place }: LaneCursor): string {
    const now = this.#options.runtime.clock.monotonicMs();
    const due = this.shared.interest.tokens === "every-frame" || now - this.#tokenAt >= TOKEN_EVERY_MS;
    if (!due && place.offset !== lane.chain.offset) return "";
    this.#tokenAt = now;
    return this.#token();
  }

  #laneOf(topic: string, partition: number): Lane | undefined {
    return this.shared.lanes.find((lane) => lane.tail.topic.name === topic && lane.tail.partition === partition);
  }

  #gap(lane: Lane, from: LogPlace, to: LogPlace, reason: GapReason): void {
    this.#outlet.gap({
      channel: this.shared.channel,
      from: this.#positionOf(lane, from),
      to: this.#positionOf(lane, to),
      reason,
    });
  }
}
