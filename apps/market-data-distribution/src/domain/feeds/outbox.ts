/**
 * Between a feed and the service's ingest: batches by topic, one publish in flight a topic (so that a retry never
 * lets a later event overtake), bounded, retried with jittered back-off for as long as an error says that it may help.
 */
import { type DistributionError, toDistributionError } from "@distribution/core/errors";
import type { Runtime } from "@distribution/core/runtime";
import type { Event } from "@distribution/proto-types/distribution/v1/event";
import type { Outgoing } from "./envelope.ts";

/** Resolves when all events are durable; rejects when none is, or when that is not known. The same ids may come again. */
export type Publish = (topic: string, events: readonly Event[]) => Promise<unknown>;

export interface OutboxOptions {
  readonly publish: Publish;
  readonly runtime: Runtime;
  /** Told of each event that was refused for good. */
  readonly onRefused: (topic: string, event: Event, error: DistributionError) => void;
  /** Events not yet durable at which `isFull` turns true. Default 10,000. */
  readonly maxQueuedEvents?: number;
  /** Bounds of one publish: events (default 500) and bytes of payload (default 512 KiB; one event may be larger). */
  readonly maxBatchEvents?: number;
  readonly maxBatchBytes?: number;
  /** First wait before a retry and longest, milliseconds, doubled in between and drawn at random from half to all of it. */
  readonly retryBaseMs?: number;
  readonly retryMaxMs?: number;
}

export interface OutboxStats {
  readonly queued: number;
  readonly published: number;
  readonly retries: number;
  /** Refused for good by an error that says not to retry. */
  readonly refused: number;
  /** Given up because the outbox was closed while the service did not take them. */
  readonly abandoned: number;
}

export interface Outbox {
  /** Takes events in whatever the bound: the caller waits for `room` before it makes more. */
  push(outgoing: readonly Outgoing[]): void;
  readonly isFull: boolean;
  /** Resolves when it is not full, or was closed. */
  room(): Promise<void>;
  /** Resolves when nothing is queued. */
  drained(): Promise<void>;
  /** Offers what is queued once more, without retries, and gives up the rest of a topic at its first failure. Idempotent. */
  close(): Promise<void>;
  readonly stats: OutboxStats;
}

const DEFAULTS = {
  maxQueuedEvents: 10_000,
  maxBatchEvents: 500,
  maxBatchBytes: 512 * 1024,
  retryBaseMs: 50,
  retryMaxMs: 5000,
} as const;

type Settings = OutboxOptions & { readonly [name in keyof typeof DEFAULTS]: number };

export function createOutbox(options: OutboxOptions): Outbox {
  return new TopicOutbox({ ...DEFAULTS, ...options });
}

class TopicOutbox implements Outbox {
  readonly #settings: Settings;
  readonly #queues = new Map<string, Event[]>();
  readonly #counts = { queued: 0, published: 0, retries: 0, refused: 0, abandoned: 0 };
  #waiting: { readonly done: () => boolean; readonly resolve: () => void }[] = [];
  #closed = false;
  #wakeUps = new Set<() => void>();

  constructor(settings: Settings) {
    this.#settings = settings;
  }

  get stats(): OutboxStats {
    return { ...this.#counts };
  }

  get isFull(): boolean {
    return this.#counts.queued >= this.#settings.maxQueuedEvents;
  }

  push(outgoing: readonly Outgoing[]): void {
    for (const { topic, event } of outgoing) {
      this.#counts.queued += 1;
      const queue = this.#queues.get(topic);
      if (queue) {
        queue.push(event);
      } else {
        const fresh = [event];
        this.#queues.set(topic, fresh);
        // Started in a microtask, so that all that is pushed in this turn makes one batch.
        queueMicrotask(() => void this.#work(topic, fresh));
      }
    }
  }

  room(): Promise<void> {
    return this.#when(() => !this.isFull || this.#closed);
  }

  drained(): Promise<void> {
    return this.#when(() => this.#counts.queued === 0);
  }

  close(): Promise<void> {
    this.#closed = true;
    for (const wakeUp of this.#wakeUps) wakeUp();
    this.#notify();
    return this.drained();
  }

  /** Works a topic's queue off, then forgets it. Never rejects. */
  async #work(topic: string, queue: Event[]): Promise<void> {
    while (queue.length > 0) {
      const batch = this.#take(queue);
      const given = await this.#deliver(topic, batch);
      this.#counts.queued -= batch.length;
      if (!given && this.#closed) {
        this.#counts.abandoned += batch.length + queue.length;
        this.#counts.queued -= queue.length;
        queue.length = 0;
      }
      this.#notify();
    }
    this.#queues.delete(topic);
  }

  #take(queue: Event[]): Event[] {
    const { maxBatchEvents, maxBatchBytes } = this.#settings;
    let bytes = 0;
    let count = 0;
    while (count < queue.length && count < maxBatchEvents) {
      bytes += queue[count]?.data?.length ?? 0;
      if (bytes > maxBatchBytes && count > 0) break;
      count += 1;
    }
    return queue.splice(0, count);
  }

  /** True when the batch is settled: durable or refused. False: the outbox was closed before. */
  async #deliver(topic: string, batch: readonly Event[]): Promise<boolean> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        await this.#settings.publish(topic, batch);
        this.#counts.published += batch.length;
        return true;
      } catch (failure) {
        const error = toDistributionError(failure);
        if (!error.definition.retry) return this.#refused(topic, batch, error);
        if (this.#closed) return false;
        this.#counts.retries += 1;
        await this.#backOff(attempt, error);
      }
    }
  }

  /** A batch is all or nothing: offered one by one, only the events that are at fault are lost, and each is told. */
  async #refused(topic: string, batch: readonly Event[], error: DistributionError): Promise<boolean> {
    const [first, ...others] = batch;
    if (first === undefined) return true;
    if (others.length === 0) {
      this.#counts.refused += 1;
      this.#settings.onRefused(topic, first, error);
      return true;
    }
    for (const event of batch) {
      if (!(await this.#deliver(topic, [event]))) return false;
    }
    return true;
  }

  #backOff(attempt: number, { retryAfterMs }: DistributionError): Promise<void> {
    const { retryBaseMs, retryMaxMs, runtime } = this.#settings;
    const longest = Math.min(retryMaxMs, retryBaseMs * 2 ** Math.min(attempt - 1, 30));
    const ms = Math.max(retryAfterMs ?? 0, longest * (0.5 + runtime.random.next() / 2));
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

  #when(done: () => boolean): Promise<void> {
    if (done()) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push({ done, resolve }));
  }

  #notify(): void {
    const ready = this.#waiting.filter(({ done }) => done());
    if (ready.length === 0) return;
    this.#waiting = this.#waiting.filter((waiter) => !ready.includes(waiter));
    for (const { resolve } of ready) resolve();
  }
}
