/** One subscription, across all the sessions that it lives through. */
import type { Ledger, Position } from "@distribution/proto-types/distribution/v1/frames";
import { backoffMs } from "../connection/backoff.ts";
import type { ChannelTarget, Session } from "../connection/session.ts";
import { createEmitter, reportUncaught } from "../emitter.ts";
import { DistributionClientError, toClientError } from "../errors.ts";
import type { ReceivedEvent, Settle } from "../events/received-event.ts";
import type { ClientMessage, ServerMessage, SnapshotFrame } from "../wire/frames.ts";
import { Answers } from "./answers.ts";
import { createBuffer } from "./buffer.ts";
import { type BatchHandler, Consumption, type Outcome } from "./consumption.ts";
import type { Started, SubscriptionEvents, SubscriptionState } from "./contract.ts";
import { type Credit, createCredit } from "./credit.ts";
import { Intake, type Notice } from "./intake.ts";
import { Lanes } from "./lanes.ts";
import { boundsOf, type SubscribeOptions, type SubscriptionChange, subscribeFrame, updateFrame } from "./options.ts";

/** What a subscription needs of its client. */
export interface SubscriptionHost {
  ended(subscription: Subscription<never>): void;
}

const RETRY = { minDelayMs: 200, maxDelayMs: 5_000 };
const CLOSE_WITHIN_MS = 1_000;

export class Subscription<T = unknown> implements AsyncIterable<ReceivedEvent<T>>, AsyncDisposable {
  /** Resolves when the service took the subscription for the first time; rejects when it refused. */
  readonly ready: Promise<Started>;
  /** Resolves when the subscription is closed by its owner; rejects when it failed for good. */
  readonly closed: Promise<void>;
  readonly #ready = Promise.withResolvers<Started>();
  readonly #closed = Promise.withResolvers<void>();
  readonly #emitter = createEmitter<SubscriptionEvents>();
  readonly #host: SubscriptionHost;
  #options: SubscribeOptions<T>;
  readonly #atLeastOnce: boolean;
  readonly #lanes = new Lanes();
  readonly #buffer = createBuffer<ReceivedEvent<T>, Notice>();
  readonly #credit: Credit;
  readonly #answers: Answers;
  readonly #intake: Intake<T>;
  readonly #consumption: Consumption<ReceivedEvent<T>>;
  readonly #target: ChannelTarget;
  #state: SubscriptionState = "starting";
  #ending: { readonly error: DistributionClientError | undefined } | undefined;
  #session: Session | undefined;
  /** As the service names it in this session. */
  #id: number | undefined;
  #started = false;
  #snapshotDue: boolean;
  #paused = false;
  #attempts = 0;
  #retry: ReturnType<typeof setTimeout> | undefined;

  /** Made by `client.subscribe`. Throws `misuse`. */
  constructor(options: SubscribeOptions<T>, host: SubscriptionHost) {
    this.#options = options;
    this.#host = host;
    this.#atLeastOnce = options.profile?.level === "at-least-once";
    this.#snapshotDue = options.profile?.snapshot ?? false;
    const bounds = boundsOf(options.buffer);
    this.#credit = createCredit({
      maxEvents: bounds.events,
      maxBytes: bounds.bytes,
      held: () => this.#buffer,
      grant: (events) => this.#send((subscription) => ({ $case: "credit", value: { subscription, events } })),
    });
    this.#answers = new Answers({
      lanes: this.#lanes,
      atLeastOnce: this.#atLeastOnce,
      auto: options.ack !== "manual",
      nackDelayMs: options.nackDelayMs ?? 1_000,
      send: (message) => this.#send(message),
    });
    const settle: Settle = { ack: (event) => this.ack([event]), nack: (event, delayMs) => this.nack([event], delayMs) };
    this.#intake = new Intake({
      lanes: this.#lanes,
      buffer: this.#buffer,
      credit: this.#credit,
      decode: options.decode,
      settle,
      acknowledged: (position) => this.#answers.repeat(position),
    });
    this.#consumption = new Consumption({
      take: (adjoining) => this.#take(adjoining),
      done: (events, outcome) => this.#done(events, outcome),
      ending: () => this.#ending,
    });
    this.#target = {
      events: (frame) => this.#received(() => this.#intake.events(frame)),
      snapshot: (frame) => this.#received(() => this.#snapshot(frame)),
      gap: (frame) => this.#received(() => this.#intake.gap(frame)),
      ledger: (ledger) => void this.#emitter.emit("ledger", ledger),
    };
    this.ready = this.#ready.promise;
    this.closed = this.#closed.promise;
    // Who does not look at them hears of a failure at the loop, or by the `state`.
    this.ready.catch(() => undefined);
    this.closed.catch(() => undefined);
  }

  get state(): SubscriptionState {
    return this.#state;
  }

  /** Events that came and that the consumer is not done with. */
  get buffered(): number {
    return this.#buffer.events;
  }

  /** Returns what removes the listener. */
  on<Name extends keyof SubscriptionEvents>(
    name: Name,
    listener: (event: SubscriptionEvents[Name]) => void,
  ): () => void {
    return this.#emitter.on(name, listener);
  }

  // ── consuming ───────────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Events in the order of their partitions; ends with `close`, throws when the subscription fails for good. Asking for the next
   * event says that the last one is handled. An event that a loop leaves with `break` or `throw` is given back, unless it was
   * acknowledged. Throws `misuse` when another loop or a handler has the events.
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<ReceivedEvent<T>> {
    return this.#consumption.iterate();
  }

  /**
   * The handler gets what is there, up to 1,000 events in order, and the next ones when its promise resolves. When it rejects,
   * `error` is told, and at least once the events come again. Throws `misuse` when a loop or another handler has the events.
   */
  onEvents(handler: BatchHandler<ReceivedEvent<T>>): void {
    this.#consumption.handle(handler);
  }

  /** At least once: these are handled. Those that are not out have no effect. */
  ack(events: ReceivedEvent<unknown> | readonly ReceivedEvent<unknown>[]): void {
    if (!this.#ending) for (const { position } of listOf(events)) this.#answers.ack(position);
  }

  /** At least once: to be delivered again after `delayMs`. Those that are not in the consumer's hands have no effect. */
  nack(events: ReceivedEvent<unknown> | readonly ReceivedEvent<unknown>[], delayMs = 0): void {
    if (this.#ending) return;
    const positions = listOf(events).flatMap(({ position }) => position ?? []);
    this.#answers.nack(positions, delayMs);
  }

  /**
   * Where another subscription goes on (`from: { after }`) with nothing lost: after the last events that are acknowledged (at
   * least once) or handed to the consumer and done with (otherwise), one a partition.
   */
  positions(): readonly Position[] {
    return this.#lanes.settled();
  }

  // ── steering ────────────────────────────────────────────────────────────────────────────────────────────────────

  /** The service stops delivery and keeps the place. What is buffered still comes. Holds across reconnects. */
  async pause(): Promise<void> {
    this.#paused = true;
    if (this.#id !== undefined) await this.#update({ paused: true });
  }

  async resume(): Promise<void> {
    this.#paused = false;
    if (this.#id !== undefined) await this.#update({ paused: false });
  }

  /** Rejects with the field that is wrong; then everything stays as it was. Before the subscription is ready it changes its start. */
  async update(change: SubscriptionChange): Promise<void> {
    if (this.#ending) throw closedError();
    if (this.#id !== undefined) await this.#update(change);
    const { maxRate, ...rest } = change;
    const profile = { ...this.#options.profile, ...(maxRate !== undefined && { maxRate }) };
    this.#options = { ...this.#options, ...rest, profile };
  }

  /**
   * Since the start in this session: published = delivered + the sum of the counts. Rejects with `unavailable` while there is no
   * session.
   */
  async ledger(): Promise<Ledger> {
    const answer = await this.#ask((subscription) => ({ $case: "requestLedger", value: { subscription } }));
    if (answer.$case === "ledger") return answer.value;
    throw new DistributionClientError("undecodable", `The answer to requestLedger was ${answer.$case}.`);
  }

  /** Sends what is acknowledged and ends the subscription; what waits in the buffer is dropped. Idempotent. */
  async close(): Promise<void> {
    if (this.#ending) return;
    this.#answers.flush();
    const told = this.#ask((subscription) => ({ $case: "unsubscribe", value: { subscription } }));
    const session = this.#session;
    this.#end(undefined);
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(late.resolve, CLOSE_WITHIN_MS);
    await Promise.race([told.catch(() => undefined), late.promise]);
    clearTimeout(timer);
    session?.unroute(this.#target);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  // ── what the client calls ───────────────────────────────────────────────────────────────────────────────────────

  /** A session is there. */
  attach(session: Session): void {
    this.#session = session;
    this.#subscribe(session);
  }

  /** The session is gone. */
  detach(): void {
    clearTimeout(this.#retry);
    this.#session = undefined;
    this.#id = undefined;
    this.#answers.clear();
    if (!this.#ending) this.#become("starting");
  }

  /** For good. Undefined: by the owner. */
  end(error: DistributionClientError | undefined): void {
    this.#end(error);
  }

  // ── sessions ────────────────────────────────────────────────────────────────────────────────────────────────────

  #subscribe(session: Session): void {
    // While the snapshot is not complete, its table is read anew: positions would skip it.
    const resumes = this.#started && !this.#snapshotDue;
    const from = resumes ? { after: this.#lanes.resume(this.#atLeastOnce) } : this.#options.from;
    const value = subscribeFrame(this.#options, from, this.#snapshotDue);
    const handler = {
      answered: (answer: ServerMessage) => this.#subscribed(session, answer),
      failed: (error: DistributionClientError) => this.#refused(session, error),
    };
    try {
      session.request({ $case: "subscribe", value }, handler);
    } catch (failure) {
      this.#end(toClientError(failure, "misuse", "The subscription can't be encoded."));
    }
  }

  #subscribed(session: Session, answer: ServerMessage): void {
    if (answer.$case !== "subscribed") return;
    const { subscription, positions, recovered } = answer.value;
    if (this.#ending) {
      session.send({ $case: "unsubscribe", value: { subscription } });
      return;
    }
    const started = { positions, recovered, resumed: this.#started };
    this.#id = subscription;
    this.#started = true;
    this.#attempts = 0;
    session.route(this.#target, answer.value);
    this.#lanes.start(positions);
    this.#intake.begin();
    if (this.#paused) this.#send((id) => ({ $case: "update", value: updateFrame(id, { paused: true }) }));
    this.#credit.begin();
    this.#become(this.#paused ? "paused" : "live");
    this.#ready.resolve(started);
    this.#emitter.emit("started", started);
  }

  #refused(session: Session, error: DistributionClientError): void {
    // A lost session: the next one takes it up again.
    if (session.over || this.#ending) return;
    // After a broken connection the service may hold the name for the old session until that one is silent for too long.
    const held = error.code === "name_taken" && this.#started;
    if (!error.retryable && !held) {
      this.#end(error);
      return;
    }
    const delayMs = (error.retryAfterMs ?? 0) + backoffMs(this.#attempts, RETRY, Math.random());
    this.#attempts += 1;
    this.#retry = setTimeout(() => this.#subscribe(session), delayMs);
  }

  #end(error: DistributionClientError | undefined): void {
    if (this.#ending) return;
    this.#ending = { error };
    clearTimeout(this.#retry);
    this.#id = undefined;
    this.#session?.unroute(this.#target);
    if (error === undefined) this.#buffer.clear();
    this.#become("closed");
    this.#ready.reject(error ?? closedError());
    if (error) this.#closed.reject(error);
    else this.#closed.resolve();
    this.#host.ended(this as unknown as Subscription<never>);
    this.#consumption.wake();
  }

  #become(state: SubscriptionState): void {
    if (this.#state === state) return;
    this.#state = state;
    this.#emitter.emit("state", state);
  }

  // ── frames ──────────────────────────────────────────────────────────────────────────────────────────────────────

  #received(take: () => void): void {
    take();
    this.#credit.replenish();
    this.#consumption.wake();
  }

  #snapshot(frame: SnapshotFrame): void {
    if (this.#intake.snapshot(frame)) this.#snapshotDue = false;
  }

  #send(message: (subscription: number) => ClientMessage): void {
    if (this.#id !== undefined) this.#session?.send(message(this.#id));
  }

  #ask(message: (subscription: number) => ClientMessage): Promise<ServerMessage> {
    const { promise, resolve, reject } = Promise.withResolvers<ServerMessage>();
    if (this.#ending) reject(closedError());
    else if (this.#id === undefined || !this.#session) {
      reject(new DistributionClientError("unavailable", "The subscription has no session at the moment; try again."));
    } else this.#session.request(message(this.#id), { answered: resolve, failed: reject });
    return promise;
  }

  #update(change: SubscriptionChange & { readonly paused?: boolean }): Promise<void> {
    const session = this.#session;
    const subscription = this.#id;
    if (!session || subscription === undefined || Object.keys(change).length === 0) return Promise.resolve();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    session.request(
      { $case: "update", value: updateFrame(subscription, change) },
      {
        answered: (answer) => {
          if (answer.$case === "updated" && !this.#ending) {
            session.route(this.#target, answer.value);
            this.#lanes.move(answer.value.positions);
            // Another interest has a subscription of its own in the service, without the credit of the last one.
            if (change.paused === undefined) this.#credit.begin();
            this.#become(this.#paused ? "paused" : "live");
          }
          resolve();
        },
        // Without a session the next one begins with what is wanted.
        failed: (error) => (session.over && change.paused !== undefined ? resolve() : reject(error)),
      },
    );
    return promise;
  }

  // ── the consumer ────────────────────────────────────────────────────────────────────────────────────────────────

  #take(adjoining: boolean): ReceivedEvent<T> | undefined {
    for (;;) {
      if (adjoining && this.#buffer.noticeNext) return undefined;
      const item = this.#buffer.shift();
      if (item === undefined) return undefined;
      if (item.notice) this.#tell(item.notice);
      else if (item.event && this.#isWanted(item.event)) return item.event;
    }
  }

  /** A redelivery may have been answered while it waited. */
  #isWanted(event: ReceivedEvent<T>): boolean {
    const { position } = event;
    if (position === undefined || this.#lanes.lane(position)?.take(position) !== false) return true;
    this.#buffer.release(1, event.size);
    return false;
  }

  #tell(notice: Notice): void {
    if (notice.kind === "gap") this.#emitter.emit("gap", notice.value);
    else this.#emitter.emit("snapshot", notice.value);
  }

  #done(events: readonly ReceivedEvent<T>[], outcome: Outcome): void {
    // After `close` the buffer is gone, and nobody hears an answer.
    if (this.#ending && !this.#ending.error) return;
    let bytes = 0;
    for (const event of events) bytes += event.size;
    this.#buffer.release(events.length, bytes);
    this.#answers.done(events, outcome);
    if (outcome.kind === "failed") this.#handlerFailed(outcome.failure);
    this.#credit.replenish();
  }

  #handlerFailed(failure: unknown): void {
    const error = toClientError(failure, "misuse", `The handler of events failed: ${String(failure)}`);
    if (!this.#emitter.emit("error", error)) reportUncaught(failure);
  }
}

const listOf = <E>(events: E | readonly E[]): readonly E[] =>
  Array.isArray(events) ? (events as readonly E[]) : [events as E];

const closedError = (): DistributionClientError =>
  new DistributionClientError("closed", "The subscription was closed.");
