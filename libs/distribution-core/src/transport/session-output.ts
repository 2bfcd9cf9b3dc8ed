/**
 * What a session has to say: the frames that wait for the one write of a turn, its share of a turn, and the bound on a client
 * that does not read.
 */
import type { ServerFrame } from "@distribution/proto-types/distribution/v1/frames";
import type { GapNotice, Outlet, StateNotice } from "../qos/index.ts";
import type { Connection, EncodedFrame } from "./contract.ts";
import { encodedFrame, encodeServerFrame } from "./frames/index.ts";
import { gapAnswer, stateAnswer } from "./session-answers.ts";
import type { SessionContext, WrittenCounters } from "./session-context.ts";
import type { SessionLimits } from "./session-limits.ts";

export type Answer = NonNullable<ServerFrame["frame"]>;

export interface SessionOutputOptions {
  readonly connection: Connection;
  readonly context: SessionContext;
  /** The session has had its share of this turn of the event loop: until the next one nothing but answers is taken. */
  readonly onSpent: () => void;
  /** The socket is full. */
  readonly onBlocked: () => void;
  /** What waited was written: a new turn, with a new share. */
  readonly onTurn: () => void;
  /** More waits for a full socket than may. */
  readonly onOverflow: () => void;
  /** A subscription's profile asks to end a session that reads too slowly. */
  readonly onTooSlow: () => void;
  /** A subscription can't go on. */
  readonly onFailed: (failure: unknown) => void;
}

/** Written to for every delivery to every session: what that needs lies in the object itself, not behind others, and comes first. */
export class SessionOutput implements Outlet {
  /** When something was last written, monotonic ms, whole. */
  sentAt: number;
  /** What waits: the frame's own list of one, a list of the session's own from the second on. */
  #waiting: readonly EncodedFrame[] | undefined;
  #waitingEvents = 0;
  #waitingBytes = 0;
  #open = true;
  #blocked = false;
  #spent = false;
  #queued = false;
  readonly #connection: Connection;
  readonly #written: WrittenCounters;
  readonly #context: SessionContext;
  readonly #limits: SessionLimits;
  readonly #options: SessionOutputOptions;

  constructor(options: SessionOutputOptions) {
    const { context, connection } = options;
    this.sentAt = Math.trunc(context.runtime.clock.monotonicMs());
    this.#connection = connection;
    this.#written = context.written[connection.wire];
    this.#context = context;
    this.#limits = context.limits;
    this.#options = options;
  }

  /** False: the socket is full, the share of this turn used up, or the session over. */
  get writable(): boolean {
    return this.#open && !this.#blocked && !this.#spent;
  }

  /** The socket is full, or the session over. */
  get blocked(): boolean {
    return !this.#open || this.#blocked;
  }

  /** The share of this turn is used up. */
  get spent(): boolean {
    return this.#spent;
  }

  answer(ref: string, frame: Answer): void {
    this.send(encodedFrame(encodeServerFrame(this.#connection.format, { ref, frame })));
  }

  gap(notice: GapNotice): void {
    this.#context.gap(notice.reason);
    this.answer("", gapAnswer(notice));
  }

  state(notice: StateNotice): void {
    this.answer("", stateAnswer(notice));
  }

  tooSlow(): void {
    this.#options.onTooSlow();
  }

  failed(failure: unknown): void {
    this.#options.onFailed(failure);
  }

  broadcast(outputs: readonly SessionOutput[], frame: EncodedFrame, events: number): void {
    this.#context.outbox.broadcast(outputs, frame, events);
  }

  /** `events`: how many the frame carries, for the metrics. */
  send(frame: EncodedFrame, events = 0): void {
    this.#context.outbox.settle();
    if (!this.#open) return;
    const waiting = this.#waiting;
    if (waiting === undefined) this.#waiting = frame.alone;
    else if (waiting.length === 1) this.#waiting = [...waiting, frame];
    else (waiting as EncodedFrame[]).push(frame);
    this.#waitingEvents += events;
    this.#waitingBytes += frame.payload.length;
    if (this.#blocked) {
      if (this.#waitingBytes > this.#limits.maxWaitingBytes) this.#options.onOverflow();
      return;
    }
    this.#queue();
    const { maxTurnBytes, maxTurnEvents } = this.#limits;
    if (this.#waitingBytes < maxTurnBytes && this.#waitingEvents < maxTurnEvents) return;
    // Again with events: a subscription that was about to catch up may have become live since.
    if (!this.#spent || events > 0) this.#options.onSpent();
    this.#spent = true;
  }

  /** At the end of a turn that gave nothing else to the session: the frame as it is, unless something waits for the socket. */
  write(frame: EncodedFrame, events: number, now: number): void {
    if (!this.#open) return;
    if (this.#blocked || this.#waiting !== undefined) this.send(frame, events);
    else this.#write(frame.alone, events, frame.payload.length, now);
  }

  /** Writes what waits, in one go. */
  flush(now = Math.trunc(this.#context.runtime.clock.monotonicMs())): void {
    this.#context.outbox.settle();
    this.#queued = false;
    const waiting = this.#waiting;
    if (!this.#open || this.#blocked || waiting === undefined) return;
    const [events, bytes, wasSpent] = [this.#waitingEvents, this.#waitingBytes, this.#spent];
    this.#waitingEvents = 0;
    this.#waitingBytes = 0;
    this.#waiting = undefined;
    this.#spent = false;
    this.#write(waiting, events, bytes, now);
    if (wasSpent) this.#options.onTurn();
  }

  /** The socket takes more again. False: it did before. */
  drained(): boolean {
    if (!this.#open || !this.#blocked) return false;
    this.#blocked = false;
    if (this.#waiting !== undefined) this.#queue();
    return true;
  }

  /** Nothing more is written. */
  close(): void {
    this.#open = false;
    this.#waiting = undefined;
  }

  #write(frames: readonly EncodedFrame[], events: number, bytes: number, now: number): void {
    this.sentAt = now;
    this.#written.events.value += events;
    this.#written.bytes.value += bytes;
    this.#blocked = !this.#connection.write(frames);
    if (this.#blocked) this.#options.onBlocked();
  }

  #queue(): void {
    if (this.#queued) return;
    this.#queued = true;
    this.#context.outbox.queue(this);
  }
}
