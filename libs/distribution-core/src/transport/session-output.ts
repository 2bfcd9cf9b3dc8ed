/**
 * What a session has to say: the frames that wait for the one write of a turn, its share of a turn, and the bound on a client
 * that does not read.
 */
import type { ServerFrame } from "@distribution/proto-types/distribution/v1/frames";
import type { Connection, EncodedFrame } from "./contract.ts";
import { encodedFrame, encodeServerFrame } from "./frames/index.ts";
import type { SessionContext, WrittenCounters } from "./session-context.ts";

export type Answer = NonNullable<ServerFrame["frame"]>;

/** Places of frames that a session keeps from turn to turn. */
const KEPT_PLACES = 4;
const NOTHING = encodedFrame(Buffer.alloc(0));

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
}

export class SessionOutput {
  /** When something was last written, monotonic ms. */
  sentAt: number;
  readonly #options: SessionOutputOptions;
  /** The first `#count` wait; the places behind them are kept, as an array that shrinks is made anew for the next frame. */
  readonly #waiting: EncodedFrame[] = [];
  #count = 0;
  readonly #written: WrittenCounters;
  #waitingEvents = 0;
  #waitingBytes = 0;
  #open = true;
  #blocked = false;
  #spent = false;
  #queued = false;

  constructor(options: SessionOutputOptions) {
    this.#options = options;
    this.#written = options.context.written[options.connection.wire];
    this.sentAt = options.context.runtime.clock.monotonicMs();
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
    const { format } = this.#options.connection;
    this.send(encodedFrame(encodeServerFrame(format, { ref, frame })));
  }

  /** `events`: how many the frame carries, for the metrics. */
  send(frame: EncodedFrame, events = 0): void {
    if (!this.#open) return;
    this.#waiting[this.#count] = frame;
    this.#count += 1;
    this.#waitingEvents += events;
    this.#waitingBytes += frame.payload.length;
    const { maxWaitingBytes, maxTurnBytes, maxTurnEvents } = this.#options.context.limits;
    if (this.#blocked) {
      if (this.#waitingBytes > maxWaitingBytes) this.#options.onOverflow();
      return;
    }
    this.#queue();
    if (this.#waitingBytes < maxTurnBytes && this.#waitingEvents < maxTurnEvents) return;
    // Again with events: a subscription that was about to catch up may have become live since.
    if (!this.#spent || events > 0) this.#options.onSpent();
    this.#spent = true;
  }

  /** Writes what waits, in one go. */
  flush(now = this.#options.context.runtime.clock.monotonicMs()): void {
    this.#queued = false;
    if (this.blocked || this.#count === 0) return;
    this.sentAt = now;
    this.#written.events.value += this.#waitingEvents;
    this.#written.bytes.value += this.#waitingBytes;
    this.#waitingEvents = 0;
    this.#waitingBytes = 0;
    const waiting = this.#waiting;
    if (waiting.length > this.#count) waiting.length = this.#count;
    this.#blocked = !this.#options.connection.write(waiting);
    this.#forget();
    const wasSpent = this.#spent;
    this.#spent = false;
    if (this.#blocked) this.#options.onBlocked();
    if (wasSpent) this.#options.onTurn();
  }

  /** The socket takes more again. False: it did before. */
  drained(): boolean {
    if (!this.#open || !this.#blocked) return false;
    this.#blocked = false;
    if (this.#count > 0) this.#queue();
    return true;
  }

  /** Nothing more is written. */
  close(): void {
    this.#open = false;
    this.#waiting.length = 0;
    this.#count = 0;
  }

  /** Nothing waits, and no frame is held. */
  #forget(): void {
    if (this.#waiting.length > KEPT_PLACES) this.#waiting.length = 0;
    for (let at = 0; at < this.#waiting.length; at += 1) this.#waiting[at] = NOTHING;
    this.#count = 0;
  }

  #queue(): void {
    if (this.#queued) return;
    this.#queued = true;
    this.#options.context.queueFlush(this);
  }
}
