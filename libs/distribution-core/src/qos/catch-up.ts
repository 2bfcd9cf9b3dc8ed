/**
 * The way of one subscription that is not where its class is: a cursor of its own in every lane, which reads on from ring,
 * log or table, a bounded step at a time, until each is where the class is. It holds no more than it sends in a step.
 */
import { GapReason } from "@distribution/proto-types/distribution/v1/frames";
import type { Position } from "../brokers/contract.ts";
import { EventList, FRAME_BYTES, type InterestClass, type Lane, walkTable } from "../subscriptions/index.ts";
import type { SubscriptionParts } from "./contract.ts";
import { LaneCursor, type LogPlace } from "./lane-cursor.ts";
import type { Ledger } from "./ledger.ts";
import { gapNotice, lossReason, positionOf } from "./notices.ts";
import { highestPriority, nextInLine } from "./overtaking.ts";
import { OwnFrames } from "./own-frames.ts";
import { SnapshotWalk } from "./snapshot-walk.ts";

export interface CatchUpOptions {
  readonly parts: SubscriptionParts;
  readonly shared: InterestClass;
  /** One a lane of the class, in its order. */
  readonly start: readonly LogPlace[];
  /** First the table. */
  readonly snapshot: boolean;
  readonly ledger: Ledger;
  /** Events that may be sent now. */
  readonly room: () => number;
  /** Events of the snapshot that may be sent now: nobody acknowledges them, so they take no place in a window. */
  readonly credit: () => number;
  /** These went out, after the offset `after`. */
  readonly sent: (list: EventList, lane: Lane, after: string) => void;
  readonly sentSnapshot: (events: number) => void;
  /** There may be more to do than at the last step. */
  readonly wake: () => void;
}

/** While the log is ahead of this process's own tail, and after a failure of the broker. Milliseconds. */
const TAIL_WAIT_MS = 20;
const RETRY_MS = 250;

export class CatchUp {
  readonly #options: CatchUpOptions;
  /** One a lane, as far as it knows them: `#cursors`. */
  readonly #known: LaneCursor[];
  /** The same, who was served longest ago first. */
  readonly #line: LaneCursor[];
  /** Of all its topics. */
  readonly #highest: number;
  readonly #frames: OwnFrames;
  readonly #list = new EventList();
  #snapshotDue: boolean;
  #snapshot: SnapshotWalk | undefined;
  #turn = 0;
  #reading = false;
  #over = false;
  #fromLog = false;

  constructor(options: CatchUpOptions) {
    const { shared, parts, start, snapshot } = options;
    this.#options = options;
    this.#snapshotDue = snapshot;
    this.#known = start.map((place, index) => new LaneCursor(shared.lanes[index]!, parts.broker, place));
    this.#line = [...this.#known];
    this.#frames = new OwnFrames(parts, shared, this.#known);
    this.#highest = highestPriority(shared.interest.topics.map(({ topic }) => topic));
  }

  /** One a lane. Partitions that were added since it last looked it has from their start on. */
  get #cursors(): readonly LaneCursor[] {
    const { shared, parts } = this.#options;
    while (this.#known.length < shared.lanes.length) {
      const lane = shared.lanes[this.#known.length]!;
      const cursor = new LaneCursor(lane, parts.broker, lane.tail.start);
      this.#known.push(cursor);
      this.#line.push(cursor);
    }
    return this.#known;
  }

  /** The table was asked for and has not come as a whole yet. */
  get snapshotDue(): boolean {
    return this.#snapshotDue;
  }

  /** It was so far behind that the log had to be read. */
  get fromLog(): boolean {
    return this.#fromLog;
  }

  /** Every lane is where the class is, or further. */
  get caughtUp(): boolean {
    return !this.#snapshotDue && this.#cursors.every((cursor) => cursor.caughtUp);
  }

  /** The highest of the topics on which something waits; when nothing does, of all that it has. */
  get priority(): number {
    if (this.#highest === 0 || this.caughtUp) return this.#highest;
    return highestPriority(this.#cursors.filter(({ caughtUp }) => !caughtUp).map(({ lane }) => lane.tail.topic));
  }

  /** One a lane. */
  get places(): readonly LogPlace[] {
    return this.#cursors.map(({ place }) => place);
  }

  /** The positions of the last frames, which the next ones follow. */
  toldPositions(): Position[] {
    return this.#cursors.map(({ lane, place, told }) => positionOf(lane, { ...place, offset: told }));
  }

  /** True: every lane is where the class is, and the client knows; the frames of the class follow those sent so far. */
  finish(): boolean {
    const { shared } = this.#options;
    if (this.#reading || !this.caughtUp) return false;
    // Ahead of an idle class, as after a resume: the class comes along first.
    if (this.#isAhead) shared.advance();
    if (!this.caughtUp || this.#isAhead) return false;
    for (const cursor of this.#cursors) {
      const { chain } = cursor.lane;
      cursor.place = chain;
      if (cursor.told !== chain.offset) this.#send(cursor, this.#list);
    }
    this.close();
    return true;
  }

  /** One frame, or one move towards it. True: there is more to do now. */
  step(): boolean {
    if (this.#reading) return false;
    if (this.#snapshotDue) return this.#stepSnapshot();
    if (this.#options.room() <= 0) return false;
    const cursor = this.#nextCursor();
    // Ahead of its class, which is on its way.
    if (!cursor) return true;
    return this.#options.shared.interest.mode === "latest" ? this.#stepLatest(cursor) : this.#stepEvery(cursor);
  }

  /** Goes on where the class is, for a client that wants what it could not take skipped, and says so. */
  skip(): void {
    if (this.#snapshotDue) return;
    const { parts, shared, ledger } = this.#options;
    for (const cursor of this.#cursors) {
      if (cursor.caughtUp) continue;
      const { place, lane } = cursor;
      const to = lane.chain;
      const skipped = place.number === undefined ? 0 : to.number - place.number;
      ledger.add({ published: skipped, delivered: 0, dropped: skipped });
      parts.outlet.gap(gapNotice(shared, lane, place, to, GapReason.SLOW));
      cursor.moveTo(to);
    }
  }

  /** Lets go of what was read ahead. */
  rest(): void {
    if (!this.#reading) for (const cursor of this.#cursors) cursor.rest();
  }

  close(): void {
    this.#over = true;
    for (const cursor of this.#cursors) cursor.rest();
  }

  // ── the snapshot ────────────────────────────────────────────────────────────────────────────────────────────────

  #stepSnapshot(): boolean {
    const credit = this.#options.credit();
    if (credit <= 0) return false;
    this.#snapshot ??= new SnapshotWalk(this.#options.shared);
    const list = this.#list;
    const { lane, complete } = this.#snapshot.next(list, credit);
    if (complete) {
      for (const [index, end] of this.#snapshot.ends.entries()) {
        const cursor = this.#cursors[index]!;
        // A history that ended meanwhile took its table along: from where the subscription was, all of it is missing.
        if (cursor.lane.tail.head.epoch === end.epoch) cursor.moveTo(end);
      }
      this.#snapshot = undefined;
      this.#snapshotDue = false;
    }
    if (list.count > 0 || complete) this.#frames.sendSnapshot(lane, list, complete);
    this.#options.sentSnapshot(list.count);
    list.clear();
    return true;
  }

  // ── mode latest ─────────────────────────────────────────────────────────────────────────────────────────────────

  /** What changed since the cursor, as far as one step goes. */
  #stepLatest(cursor: LaneCursor): boolean {
    const { lane, place } = cursor;
    const { shared, parts, ledger, room } = this.#options;
    // Of another history, whose numbers nobody knows: the log says what became of it, or the tail has to come here first.
    if (place.number === undefined && place.epoch !== lane.chain.epoch) {
      this.#readLog(cursor);
      return false;
    }
    const from = place.number ?? this.#numberOf(cursor);
    const loss = lane.tail.lossAfter(from);
    // The table has nothing more up to the loss; of another history it has nothing at all.
    if (loss && (loss.from.number === from || loss.from.epoch !== loss.to.epoch)) {
      parts.outlet.gap(gapNotice(shared, lane, place, loss.to, lossReason({ from: place, to: loss.to })));
      cursor.moveTo(loss.to);
      return true;
    }
    const list = this.#list;
    const { upto, keys } = walkTable(shared, lane, from, loss?.from ?? lane.chain, list, { events: room() });
    cursor.place = upto;
    const passed = upto.number - from;
    ledger.add({ published: passed, delivered: list.count, conflated: passed - keys });
    if (list.count > 0) this.#send(cursor, list);
    list.clear();
    return true;
  }

  /** Of a place that another process numbered: where the first key begins that changed after it. */
  #numberOf({ lane, place }: LaneCursor): number {
    const { compareOffsets } = this.#options.parts.broker;
    const next = lane.tail.table?.firstAfter(
      ({ stored, index }) => compareOffsets(stored.offsetAt(index), place.offset) > 0,
    );
    return Math.min(next?.number ?? lane.chain.number, lane.chain.number);
  }

  // ── mode every ──────────────────────────────────────────────────────────────────────────────────────────────────

  #stepEvery(cursor: LaneCursor): boolean {
    const { shared, ledger, room } = this.#options;
    const list = this.#list;
    const { passed, needsLog } = cursor.collect(shared, list, room(), FRAME_BYTES);
    ledger.add({ published: passed, delivered: list.count });
    const unseen = cursor.takeUnseen();
    if (unseen > 0) ledger.add({ published: unseen, delivered: 0, dropped: unseen });
    if (list.count > 0) this.#send(cursor, list);
    list.clear();
    if (needsLog) this.#readLog(cursor);
    return !needsLog;
  }

  #readLog(cursor: LaneCursor): void {
    const { parts, shared, wake } = this.#options;
    this.#reading = true;
    this.#fromLog = true;
    const goOn = (): void => {
      this.#reading = false;
      // Mode latest wants to know of the log no more than what became of a place.
      if (this.#over || shared.interest.mode === "latest") cursor.rest();
      if (!this.#over) wake();
    };
    cursor.readLog().then(
      ({ lost, wait }) => {
        if (lost && !this.#over) parts.outlet.gap(gapNotice(shared, cursor.lane, lost.from, lost.to, lossReason(lost)));
        if (wait) parts.runtime.timers.after(TAIL_WAIT_MS, goOn);
        else goOn();
      },
      (failure: unknown) => {
        parts.outlet.failed(failure);
        parts.runtime.timers.after(RETRY_MS, goOn);
      },
    );
  }

  // ── small things ────────────────────────────────────────────────────────────────────────────────────────────────

  /** The next lane that is not where its class is: in turns, those of higher priority first. */
  #nextCursor(): LaneCursor | undefined {
    const line = this.#line;
    this.#turn += 1;
    const next = nextInLine(line, waitingPriority, this.#turn, this.#highest);
    if (!next) return undefined;
    line.splice(line.indexOf(next), 1);
    line.push(next);
    return next;
  }

  get #isAhead(): boolean {
    return this.#cursors.some(({ place, lane }) => (place.number ?? 0) > lane.chain.number);
  }

  #send(cursor: LaneCursor, list: EventList): void {
    const after = cursor.told;
    this.#frames.sendEvents(cursor, list);
    this.#options.sent(list, cursor.lane, after);
  }
}

const waitingPriority = ({ caughtUp, lane }: LaneCursor): number | undefined =>
  caughtUp ? undefined : (lane.tail.topic.priority ?? 0);
