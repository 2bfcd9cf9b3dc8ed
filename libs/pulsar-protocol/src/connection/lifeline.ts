/**
 * Keeps a producer, consumer or reader attached to its topic: finds the broker, attaches, waits until that is over, and
 * does it again, until it is closed or cannot be.
 */
import type { ClientEvent, Part } from "../contract.ts";
import { PulsarError, type PulsarErrorCode } from "../errors.ts";
import type { ClientSettings } from "../options.ts";
import { createBackoff, wait } from "./backoff.ts";
import type { Connection } from "./connection.ts";
import type { Pool } from "./pool.ts";

export interface LifelineOptions {
  readonly part: Part;
  readonly topic: string;
  readonly settings: ClientSettings;
  readonly pool: Pool;
  name(): string;
  find(): Promise<Connection>;
  /** Attaches; calls `detach` when that is over. When it rejects, nothing is attached. */
  attach(connection: Connection, detach: () => void): Promise<void>;
  /** Called once when it will not be attached any more, but not for `close`. */
  failed(error: PulsarError): void;
}

export interface Lifeline {
  /** Resolves when attached for the first time; rejects when that cannot be, or not within the time for operations. */
  readonly first: Promise<void>;
  /** The connection that it is attached by. */
  readonly connection: Connection | undefined;
  /** Why it is not attached. */
  readonly lastError: PulsarError | undefined;
  /** Resolves when attached; rejects with `timeout` or why that will not be. */
  attached(deadline: number): Promise<Connection>;
  /** Never attaches again. Idempotent. */
  close(): void;
}

/** Reasons that end what had been attached before. Others may pass: rights come back, a busy name becomes free. */
const FINAL: ReadonlySet<PulsarErrorCode> = new Set([
  "closed",
  "invalid_argument",
  "partitioned_topic",
  "producer_fenced",
  "subscription_not_found",
  "topic_not_found",
  "topic_terminated",
]);
/** Reasons that end the first attempt although the same call may succeed later: the caller is to know. */
const BUSY: ReadonlySet<PulsarErrorCode> = new Set(["consumer_busy", "producer_busy", "quota_exceeded"]);

export function createLifeline(options: LifelineOptions): Lifeline {
  const { settings, pool, part, topic } = options;
  const ended = new AbortController();
  const backoff = createBackoff(settings.backoff);
  const first = Promise.withResolvers<void>();
  let connection: Connection | undefined;
  let lastError: PulsarError | undefined;
  let everAttached = false;
  let waiters: { resolve(connection: Connection): void; reject(error: PulsarError): void }[] = [];

  const emit = (type: "attached" | "detached"): void => settings.emit({ type, part, topic, name: options.name() });
  const settle = (act: (waiter: (typeof waiters)[number]) => void): void => {
    const all = waiters;
    waiters = [];
    all.forEach(act);
  };

  function end(error: PulsarError): void {
    if (ended.signal.aborted) return;
    lastError = error;
    ended.abort();
    clearTimeout(deadline);
    first.reject(error);
    settle(({ reject }) => reject(error));
  }

  function give(error: PulsarError): void {
    if (ended.signal.aborted) return;
    end(error);
    options.failed(error);
  }

  async function attachOnce(): Promise<void> {
    const found = await options.find();
    if (ended.signal.aborted) return;
    const over = Promise.withResolvers<void>();
    let gone = false;
    await options.attach(found, () => {
      gone = true;
      connection = undefined;
      over.resolve();
    });
    if (ended.signal.aborted || gone) return;
    connection = found;
    lastError = undefined;
    everAttached = true;
    clearTimeout(deadline);
    const since = Date.now();
    emit("attached");
    first.resolve();
    settle(({ resolve }) => resolve(found));
    await over.promise;
    emit("detached");
    // One that is let go again and again is not to ask again at once for ever.
    if (Date.now() - since >= backoff.bound) backoff.reset();
  }

  async function run(): Promise<void> {
    while (!ended.signal.aborted) {
      let pause = true;
      try {
        await attachOnce();
      } catch (cause) {
        const error =
          cause instanceof PulsarError ? cause : new PulsarError("protocol", "Attaching failed.", { cause });
        lastError = error;
        if (everAttached ? FINAL.has(error.code) : !error.retriable || BUSY.has(error.code)) return give(error);
        const event: ClientEvent = { type: "attach_failed", part, topic, name: options.name(), error };
        if (!ended.signal.aborted) settings.emit(event);
        // What was refused is told at once until it is time to connect again.
        pause = error.code === "authentication" || error.code === "tls" || !pool.waitedFor(error);
        if (!error.retriable) await wait(settings.backoff.maxMs / 2, ended.signal);
      }
      if (pause) await wait(backoff.next(), ended.signal);
    }
  }

  const deadline = setTimeout(() => {
    const why = lastError === undefined ? "nothing answered" : lastError.message;
    const message = `The ${part} could not be attached to ${topic} within ${settings.operationTimeoutMs} ms: ${why}`;
    give(new PulsarError("unavailable", message, { cause: lastError }));
  }, settings.operationTimeoutMs);
  // Whoever closes before the first attachment may not look at it.
  first.promise.catch(() => undefined);
  void run();

  return {
    first: first.promise,
    get connection() {
      return connection;
    },
    get lastError() {
      return lastError;
    },
    attached(until) {
      if (connection?.open) return Promise.resolve(connection);
      if (ended.signal.aborted)
        return Promise.reject(lastError ?? new PulsarError("closed", `The ${part} was closed.`));
      const { promise, resolve, reject } = Promise.withResolvers<Connection>();
      const timer = setTimeout(
        () => {
          waiters = waiters.filter((waiter) => waiter !== mine);
          const why = lastError === undefined ? "" : `: ${lastError.message}`;
          reject(new PulsarError("timeout", `The ${part} on ${topic} is not attached${why}.`, { cause: lastError }));
        },
        Math.max(0, until - Date.now()),
      );
      const mine = {
        resolve(found: Connection) {
          clearTimeout(timer);
          resolve(found);
        },
        reject(error: PulsarError) {
          clearTimeout(timer);
          reject(error);
        },
      };
      waiters.push(mine);
      return promise;
    },
    close() {
      end(new PulsarError("closed", `The ${part} on ${topic} was closed.`));
    },
  };
}
