/**
 * Between a world and a service: a lane a topic, in each one publish under way, so that a retry never lets a later event
 * overtake. Bounded; retried with jittered back-off for as long as the service says that it may help.
 */
import type { Runtime } from "@distribution/core/runtime";
import type { WorldEvent } from "../world-event.ts";
import { type Publish, type Refusal, refusalOf } from "./publish.ts";

/** Events that are told of together; counts those that are neither durable nor refused yet. */
export interface Span {
  open: number;
}

export interface LanesOptions {
  readonly publish: Publish;
  readonly runtime: Runtime;
  /** Events not yet settled at which there is no room. */
  readonly maxQueuedEvents: number;
  /** Bounds of one publish: events, and bytes of payload (one event may be larger). */
  readonly maxBatchEvents: number;
  readonly maxBatchBytes: number;
  readonly onRefused: (told: WorldEvent, error: Error) => void;
  /** A span's last event was settled. */
  readonly onSettled: (span: Span) => void;
  /** The service takes nothing more of this publisher: a refusal that is no single event's fault and does not pass. */
  readonly onFailed: (error: Error) => void;
}

export interface LanesStats {
  queued: number;
  published: number;
  /** Of those, known to the service before. */
  duplicates: number;
  retries: number;
  /** Refused for good, and those of them that were bad on purpose. */
  refused: number;
  refusedBad: number;
}

interface Queued {
  readonly told: WorldEvent;
  readonly span: Span;
}

/** First wait before a retry and longest, ms; doubled in between and drawn at random from half to all of it. */
const RETRY_BASE_MS = 50;
const RETRY_MAX_MS = 5000;

export class Lanes {
  readonly stats: LanesStats = { queued: 0, published: 0, duplicates: 0, retries: 0, refused: 0, refusedBad: 0 };
  readonly #options: LanesOptions;
  readonly #queues = new Map<string, Queued[]>();
  #closed = false;
  #waiting: (() => void)[] = [];
  readonly #wakeUps = new Set<() => void>();

  constructor(options: LanesOptions) {
    this.#options = options;
  }

  get isFull(): boolean {
    return this.stats.queued >= this.#options.maxQueuedEvents;
  }

  push(events: readonly WorldEvent[], span: Span): void {
    span.open += events.length;
    this.stats.queued += events.length;
    for (const told of events) {
      const queue = this.#queues.get(told.topic);
      if (queue) {
        queue.push({ told, span });
        continue;
      }
      const fresh = [{ told, span }];
      this.#queues.set(told.topic, fresh);
      // In a microtask, so that all that is pushed in this turn makes one batch.
      queueMicrotask(() => void this.#work(told.topic, fresh));
    }
  }

  /** Resolves with the next change of what is queued, and when the lanes are closed. */
  changed(): Promise<void> {
    return this.#closed ? Promise.resolve() : new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Nothing is tried again; resolves when what is under way has been answered. What was not taken stays queued. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const wakeUp of this.#wakeUps) wakeUp();
    this.#notify();
    while (this.#queues.size > 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** Works a topic's queue off, then forgets it. Never rejects. */
  async #work(topic: string, queue: Queued[]): Promise<void> {
    let most = this.#options.maxBatchEvents;
    for (let attempt = 1; queue.length > 0; ) {
      const batch = this.#batchOf(queue, most);
      const refusal = await this.#offer(topic, batch);
      if (refusal === undefined) {
        this.#settle(queue.splice(0, batch.length));
        attempt = 1;
        most = this.#options.maxBatchEvents;
      } else if (refusal.retry) {
        if (this.#closed) break;
        this.stats.retries += 1;
        await this.#backOff(attempt, refusal);
        attempt += 1;
      } else if (refusal.culprit !== undefined && refusal.culprit < batch.length) {
        this.#refuse(queue.splice(refusal.culprit, 1), refusal.error);
      } else if (refusal.tooMany && batch.length > 1) {
        most = batch.length >> 1;
      } else {
        this.#options.onFailed(refusal.error);
        break;
      }
    }
    this.#queues.delete(topic);
    this.#notify();
  }

  async #offer(topic: string, batch: readonly Queued[]): Promise<Refusal | undefined> {
    try {
      const { duplicates } = await this.#options.publish(
        topic,
        batch.map(({ told }) => told.event),
      );
      this.stats.published += batch.length;
      this.stats.duplicates += duplicates;
      return undefined;
    } catch (failure) {
      return refusalOf(failure);
    }
  }

  #batchOf(queue: readonly Queued[], most: number): readonly Queued[] {
    let bytes = 0;
    let count = 0;
    while (count < queue.length && count < most) {
      bytes += queue[count]!.told.event.data?.length ?? 0;
      if (bytes > this.#options.maxBatchBytes && count > 0) break;
      count += 1;
    }
    return queue.slice(0, count);
  }

  #refuse(refused: readonly Queued[], error: Error): void {
    for (const { told } of refused) {
      this.stats.refused += 1;
      if (told.bad !== undefined) this.stats.refusedBad += 1;
      this.#options.onRefused(told, error);
    }
    this.#settle(refused);
  }

  #settle(settled: readonly Queued[]): void {
    this.stats.queued -= settled.length;
    for (const { span } of settled) {
      span.open -= 1;
      if (span.open === 0) this.#options.onSettled(span);
    }
    this.#notify();
  }

  #backOff(attempt: number, { retryAfterMs }: Refusal): Promise<void> {
    const { runtime } = this.#options;
    const longest = Math.min(RETRY_MAX_MS, RETRY_BASE_MS * 2 ** Math.min(attempt - 1, 30));
    const ms = Math.max(retryAfterMs, longest * (0.5 + runtime.random.next() / 2));
    return new Promise((resolve) => {
      const wakeUp = (): void => {
        timer.cancel();
        this.#wakeUps.delete(wakeUp);
        resolve();
      };
      const timer = runtime.timers.after(ms, wakeUp);
      this.#wakeUps.add(wakeUp);
    });
  }

  #notify(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}
