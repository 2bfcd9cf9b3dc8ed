/**
 * A subscription: a cursor with a delivery profile.
 *
 * Live, it is a member of its interest class and gets the class's frames as they are. It falls behind when its socket is
 * full, its window or credit is used up, or it was paused; then it catches up by itself, from ring, log or table, until it is
 * where the class is. Replay, resume, late join and back-pressure are this one motion.
 */
import type { Position } from "../brokers/contract.ts";
import type { ClassCounters, ClassMember, EventList, FrameSink, InterestClass, Lane } from "../subscriptions/index.ts";
import type { Place } from "../tail/index.ts";
import { AtLeastOnce, type Redelivered } from "./at-least-once.ts";
import { CatchUp } from "./catch-up.ts";
import type { Outlet, SlowPolicy, SubscriptionParts, SubscriptionProfile } from "./contract.ts";
import type { LogPlace } from "./lane-cursor.ts";
import { Ledger } from "./ledger.ts";
import { gapNotice, lossReason, positionOf } from "./notices.ts";
import { highestPriority } from "./overtaking.ts";
import { StreamKnowledge } from "./stream-knowledge.ts";

export interface SubscriptionOptions {
  readonly parts: SubscriptionParts;
  readonly shared: InterestClass;
  readonly profile: SubscriptionProfile;
  /** One a lane of the class, in its order. Lanes beyond it were added since: it has them from their start on. */
  readonly start: readonly LogPlace[];
}

type Phase = "idle" | "live" | "behind" | "paused" | "closed";

export class Subscription implements ClassMember, Redelivered {
  memberIndex = -1;
  shared: InterestClass;
  readonly #parts: SubscriptionParts;
  readonly #outlet: Outlet;
  readonly #slow: SlowPolicy;
  readonly #start: readonly LogPlace[];
  readonly #acks: AtLeastOnce | undefined;
  readonly #ledger = new Ledger();
  #phase: Phase = "idle";
  /** Undefined while it is live. */
  #catchUp: CatchUp | undefined;
  /** Behind not for its client's sake, but for the others'. */
  #yielded = false;
  #credit = Number.POSITIVE_INFINITY;
  /** The class's counters when this member joined. */
  #base: ClassCounters | undefined;
  readonly #stream: StreamKnowledge;

  constructor({ parts, shared, profile, start }: SubscriptionOptions) {
    this.#parts = parts;
    this.#outlet = parts.outlet;
    this.shared = shared;
    this.#slow = profile.slow;
    this.#start = start;
    this.#acks = profile.window && new AtLeastOnce({ ...profile.window, parts, subscription: this });
    this.#catchUp = this.#catchUpFrom(start, profile.snapshot);
    this.#stream = new StreamKnowledge(this.#catchUp.caughtUp);
  }

  get sink(): FrameSink {
    return this.#outlet;
  }

  get limited(): boolean {
    return this.#acks !== undefined || this.#credit !== Number.POSITIVE_INFINITY;
  }

  get behind(): boolean {
    return this.#phase === "behind";
  }

  /** Of the topics on which something waits for it; when it is where its class is, of all that it has. */
  get priority(): number {
    return this.#catchUp?.priority ?? highestPriority(this.shared.interest.topics.map(({ topic }) => topic));
  }

  get closed(): boolean {
    return this.#phase === "closed";
  }

  get takesEvents(): boolean {
    return this.#outlet.writable && this.#phase !== "paused";
  }

  /** What comes next is history, or the table: a state tells when that is over. */
  get startsBehind(): boolean {
    return this.#stream.waits;
  }

  /** Begins, or goes on after a pause. */
  run(): void {
    if (this.#phase !== "idle" && this.#phase !== "paused") return;
    this.#phase = "behind";
    this.#acks?.goOn();
    if (!this.#join()) this.#parts.scheduler.add(this);
  }

  pause(): void {
    if (this.#phase === "closed") return;
    this.#leaveClass();
    this.#phase = "paused";
    this.#stream.leaveLive();
  }

  /** Goes on in another class of the same topics, with the same cursor, window, credit and ledger. `run` follows. */
  change(shared: InterestClass): void {
    const before = this.#leaveClass();
    before.close();
    this.shared = shared;
    this.#catchUp = this.#catchUpFrom(before.places, before.snapshotDue);
    this.#phase = "paused";
  }

  close(): void {
    this.#leaveClass().close();
    this.#phase = "closed";
    this.#acks?.close();
  }

  startPositions(): Position[] {
    return this.shared.lanes.map((lane, index) => positionOf(lane, this.#start[index] ?? lane.tail.start));
  }

  /** Where it is: everything up to here was handed to the wire, or is in the ledger. */
  positions(): Position[] {
    return this.#places().map((place, index) => positionOf(this.shared.lanes[index]!, place));
  }

  /** The positions of the last frames, which the next ones follow. */
  toldPositions(): Position[] {
    return this.#catchUp?.toldPositions() ?? this.positions();
  }

  /** Where a later subscription goes on without losing anything: before the oldest event that is not acknowledged. */
  settledPositions(): Position[] {
    return this.#places().map((place, index) => {
      const lane = this.shared.lanes[index]!;
      return positionOf(lane, this.#acks?.settled(lane) ?? place);
    });
  }

  get ledger(): Ledger {
    this.#fold();
    return this.#ledger;
  }

  /** Allows this many more events; from the first call on, nothing comes without credit. */
  grant(events: number): void {
    if (this.#phase === "live" && !this.limited) this.#fallBehind();
    this.#credit = (this.#credit === Number.POSITIVE_INFINITY ? 0 : this.#credit) + events;
    this.wake();
  }

  /** Returns how many of the positions were out. */
  ack(positions: readonly Position[], cumulative: boolean): number {
    const settled = this.#acks?.ack(positions, cumulative) ?? 0;
    if (settled > 0) this.wake();
    return settled;
  }

  nack(positions: readonly Position[], delayMs: number): number {
    return this.#acks?.nack(positions, delayMs) ?? 0;
  }

  /** There may be more to do than at its last turn. */
  wake(): void {
    if (this.#phase === "behind") this.#parts.scheduler.add(this);
  }

  /** The session has had its share of this turn: from here on the subscription catches up, whatever its profile says of slow clients. */
  fallBehind(): void {
    if (this.#phase !== "live") return;
    this.#fallBehind();
    this.#yielded = true;
  }

  /** The session's socket is full. */
  blocked(): void {
    if (this.#phase === "live") this.#fallBehind();
    else if (this.#phase !== "behind" || !this.#yielded) return;
    this.#stream.leaveLive();
    if (this.#slow === "close") this.#outlet.tooSlow();
  }

  /** The session's socket has been full for a while: nothing is kept for it but a place in each lane. */
  rest(): void {
    this.#catchUp?.rest();
  }

  /** The session's socket takes more. */
  drained(): void {
    this.#acks?.goOn();
    if (this.#phase !== "behind") return;
    if (this.#slow === "drop") this.#catchUp?.skip();
    this.wake();
  }

  // ── as a member of its class ────────────────────────────────────────────────────────────────────────────────────

  admit(events: number): boolean {
    if (events <= this.#room) return true;
    this.#fallBehind();
    return false;
  }

  sent(list: EventList, lane: Lane, after: string): void {
    this.#credit -= list.count;
    this.#acks?.sent(lane, list, after);
  }

  lost(lane: Lane, from: Place, to: Place): void {
    this.#outlet.gap(gapNotice(this.shared, lane, from, to, lossReason({ from, to })));
  }

  /** Told in a turn of its own: there may be many that have to be told. */
  troubled(): void {
    this.#parts.scheduler.add(this);
  }

  // ── its turns ───────────────────────────────────────────────────────────────────────────────────────────────────

  step(): boolean {
    if (this.#phase === "closed" || !this.takesEvents) return false;
    this.#acks?.redeliverNext();
    if (this.#phase === "live") this.#stream.tell(this.#outlet, this.shared);
    if (this.#phase !== "behind" || this.#join()) return false;
    return this.#catchUp!.step();
  }

  /** Live again once every lane is where the class is; the frames of the class then follow the ones sent so far. */
  #join(): boolean {
    const catchUp = this.#catchUp;
    if (this.#phase !== "behind" || !this.#outlet.writable || !catchUp?.finish()) return false;
    this.#catchUp = undefined;
    this.#phase = "live";
    this.#yielded = false;
    this.#base = { ...this.shared.counters };
    this.shared.join(this);
    if (catchUp.fromLog) this.#stream.leaveLive();
    this.#stream.tell(this.#outlet, this.shared);
    return true;
  }

  #fallBehind(): void {
    this.#leaveClass();
    this.#parts.scheduler.add(this);
  }

  /** It is behind from here on, if it was live. */
  #leaveClass(): CatchUp {
    if (this.#catchUp) return this.#catchUp;
    this.#fold();
    this.#base = undefined;
    // Before it leaves: the chain of a class without members is not where its frames have come.
    const places = this.#places();
    this.shared.leave(this);
    this.#phase = "behind";
    this.#catchUp = this.#catchUpFrom(places, false);
    return this.#catchUp;
  }

  #catchUpFrom(start: readonly LogPlace[], snapshot: boolean): CatchUp {
    return new CatchUp({
      ...{ parts: this.#parts, shared: this.shared, ledger: this.#ledger, start, snapshot },
      room: () => this.#room,
      credit: () => this.#credit,
      sent: (list, lane, after) => this.sent(list, lane, after),
      sentSnapshot: (events) => {
        this.#credit -= events;
      },
      wake: () => this.wake(),
    });
  }

  // ── what it counts and says ─────────────────────────────────────────────────────────────────────────────────────

  get #room(): number {
    return Math.min(this.#acks?.room ?? Number.POSITIVE_INFINITY, this.#credit);
  }

  /** One a lane of its class. */
  #places(): readonly LogPlace[] {
    return this.#catchUp?.places ?? this.shared.lanes.map(({ chain }) => chain);
  }

  /** Takes the share of the class's counters since the last time into the ledger. */
  #fold(): void {
    const base = this.#base;
    if (!base) return;
    const { published, delivered, conflated } = this.shared.counters;
    this.#ledger.add({
      published: published - base.published,
      delivered: delivered - base.delivered,
      conflated: conflated - base.conflated,
    });
    this.#base = { published, delivered, conflated };
  }
}
