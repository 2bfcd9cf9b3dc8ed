/** One subscription, across all the sessions that it lives through. */

import {
  type Ledger,
  type Position,
  type State,
  StreamState,
  type Subscribe,
  type Subscribed,
} from "@distribution/proto-types/distribution/v1/frames";
import type { ChannelTarget, Session } from "../connection/session.ts";
import { createEmitter } from "../emitter.ts";
import { closedError, DistributionClientError } from "../errors.ts";
import type { ReceivedEvent, Settle } from "../events/received-event.ts";
import type { SnapshotFrame } from "../wire/frames.ts";
import { Answers } from "./answers.ts";
import { type AttachedChange, Attachment } from "./attachment.ts";
import { createBuffer } from "./buffer.ts";
import { checkChange, checkSubscribe } from "./check.ts";
import { type BatchHandler, Consumption } from "./consumption.ts";
import type { CloseOptions, Started, SubscriptionEvents, SubscriptionState } from "./contract.ts";
import { type Credit, createCredit } from "./credit.ts";
import { createHandover } from "./handover.ts";
import { Intake, type Notice } from "./intake.ts";
import { Lanes } from "./lanes.ts";
import {
  BUFFER,
  levelOf,
  type SubscribeOptions,
  type SubscriptionChange,
  subscribeFrame,
  updateFrame,
} from "./options.ts";
import { settled } from "./settled.ts";

/** What a subscription needs of its client. */
export interface SubscriptionHost {
  ended(subscription: Subscription<never>): void;
}

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
  readonly #attachment: Attachment;
  #state: SubscriptionState = "starting";
  /** As the service told last. */
  #stream: "catching-up" | "live" | "stale" = "live";
  #ending: { readonly error: DistributionClientError | undefined } | undefined;
  #snapshotDue: boolean;
  #paused = false;

  /** Made by `client.subscribe`. Throws `misuse`. */
  constructor(options: SubscribeOptions<T>, host: SubscriptionHost) {
    checkSubscribe(options);
    this.#options = options;
    this.#host = host;
    this.#atLeastOnce = levelOf(options) === "at-least-once";
    this.#snapshotDue = options.profile?.snapshot ?? false;
    const { events: maxEvents = BUFFER.events, bytes: maxBytes = BUFFER.bytes } = options.buffer ?? {};
    this.#credit = createCredit({
      maxEvents,
      maxBytes,
      held: () => this.#buffer,
      grant: (events) =>
        this.#attachment.send((subscription) => ({ $case: "credit", value: { subscription, events } })),
    });
    this.#answers = new Answers({
      lanes: this.#lanes,
      atLeastOnce: this.#atLeastOnce,
      auto: options.ack !== "manual",
      nackDelayMs: options.nackDelayMs ?? 1_000,
      send: (message) => this.#attachment.send(message),
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
    const handover = createHandover({
      ...{
        buffer: this.#buffer,
        lanes: this.#lanes,
        answers: this.#answers,
        credit: this.#credit,
        emitter: this.#emitter,
      },
      ending: () => this.#ending,
    });
    this.#consumption = new Consumption(handover);
    this.#attachment = new Attachment({
      target: this.#target(),
      request: () => this.#request(),
      began: (answer, resumed) => this.#began(answer, resumed),
      changed: (change, positions) => this.#changed(change, positions),
      refused: (error) => this.#end(error),
    });
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
    if (!this.#ending) for (const { position } of [events].flat()) this.#answers.ack(position);
  }

  /** At least once: to be delivered again after `delayMs`. Those that are not in the consumer's hands have no effect. */
  nack(events: ReceivedEvent<unknown> | readonly ReceivedEvent<unknown>[], delayMs = 0): void {
    if (this.#ending) return;
    const positions = [events].flat().flatMap(({ position }) => position ?? []);
    this.#answers.nack(positions, delayMs);
  }

  /**
   * Where another subscription goes on (`from: { after, complete: true }`) with nothing lost: after the last events that are
   * acknowledged (at least once) or handed to the consumer and done with (otherwise), one for each partition that there is.
   */
  positions(): readonly Position[] {
    return this.#lanes.settled();
  }

  // ── steering ────────────────────────────────────────────────────────────────────────────────────────────────────

  /** The service stops delivery and keeps the place. What is buffered still comes. Holds across reconnects. */
  async pause(): Promise<void> {
    this.#paused = true;
    await this.#attachment.update({ paused: true });
  }

  async resume(): Promise<void> {
    this.#paused = false;
    await this.#attachment.update({ paused: false });
  }

  /** Rejects with the field that is wrong; then everything stays as it was. Before the subscription is ready it changes its start. */
  async update(change: SubscriptionChange): Promise<void> {
    if (this.#ending) throw closedError("subscription");
    checkChange(change);
    if (this.#attachment.attached) await this.#attachment.update(change);
    const { maxRate, ...rest } = change;
    const profile = { ...this.#options.profile, ...(maxRate !== undefined && { maxRate }) };
    this.#options = { ...this.#options, ...rest, profile };
  }

  /**
   * Since the start in this session: published = delivered + the sum of the counts. Rejects with `unavailable` while there is no
   * session.
   */
  async ledger(): Promise<Ledger> {
    const answer = await this.#attachment.ask((subscription) => ({ $case: "requestLedger", value: { subscription } }));
    if (answer.$case === "ledger") return answer.value;
    throw new DistributionClientError("undecodable", `The answer to requestLedger was ${answer.$case}.`);
  }

  /**
   * Sends what is acknowledged and ends the subscription; what waits in the buffer is dropped. Idempotent. With `forget` it rejects
   * and stays open while the service does not do it: `unavailable` without a session, `timeout`, or `invalid_request` without a name.
   */
  async close({ forget = false }: CloseOptions = {}): Promise<void> {
    if (this.#ending) return;
    this.#answers.flush();
    const more = forget && { forget };
    const told = this.#attachment.ask((subscription) => ({ $case: "unsubscribe", value: { subscription, ...more } }));
    if (forget) await told;
    this.#end(undefined);
    await settled(told, CLOSE_WITHIN_MS);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  // ── what the client calls ───────────────────────────────────────────────────────────────────────────────────────

  /** A session is there. */
  attach(session: Session): void {
    this.#attachment.attach(session);
  }

  /** The session is gone. */
  detach(): void {
    this.#attachment.detach();
    this.#answers.clear();
    if (!this.#ending) this.#become("starting");
  }

  /** For good. Undefined: by the owner. */
  end(error: DistributionClientError | undefined): void {
    this.#end(error);
  }

  // ── sessions ────────────────────────────────────────────────────────────────────────────────────────────────────

  #request(): Subscribe {
    // While the snapshot is not complete, its table is read anew: positions would skip it.
    const resumes = this.#attachment.started && !this.#snapshotDue;
    const from = resumes ? { after: this.#lanes.resume(this.#atLeastOnce), complete: true } : this.#options.from;
    return subscribeFrame(this.#options, from, this.#snapshotDue);
  }

  #began({ positions, recovered, behind }: Subscribed, resumed: boolean): void {
    this.#lanes.start(positions);
    this.#intake.begin();
    if (this.#paused) this.#attachment.send((id) => ({ $case: "update", value: updateFrame(id, { paused: true }) }));
    this.#credit.begin();
    this.#stream = behind ? "catching-up" : "live";
    this.#become(this.#paused ? "paused" : this.#stream);
    const started = { positions, recovered, resumed };
    this.#ready.resolve(started);
    this.#emitter.emit("started", started);
  }

  #changed(change: AttachedChange, positions: readonly Position[]): void {
    this.#lanes.move(positions);
    // Another interest has a subscription of its own in the service, without the credit of the last one.
    if (change.paused === undefined) this.#credit.begin();
    this.#become(this.#paused ? "paused" : this.#stream);
  }

  #end(error: DistributionClientError | undefined): void {
    if (this.#ending) return;
    this.#ending = { error };
    this.#attachment.leave();
    if (error === undefined) this.#buffer.clear();
    this.#become("closed");
    this.#ready.reject(error ?? closedError("subscription"));
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

  #target(): ChannelTarget {
    return {
      events: (frame) => this.#received(() => this.#intake.events(frame)),
      snapshot: (frame) => this.#received(() => this.#snapshot(frame)),
      gap: (frame) => this.#received(() => this.#intake.gap(frame)),
      state: (frame) => this.#streamBecame(frame),
      ledger: (ledger) => void this.#emitter.emit("ledger", ledger),
    };
  }

  #streamBecame({ state, topic, reason }: State): void {
    if (state !== StreamState.LIVE && state !== StreamState.STALE) return;
    this.#stream = state === StreamState.LIVE ? "live" : "stale";
    if (!this.#paused) this.#become(this.#stream);
    if (this.#stream === "stale") this.#emitter.emit("stale", { topic, reason });
  }

  #received(take: () => void): void {
    take();
    this.#credit.replenish();
    this.#consumption.wake();
  }

  #snapshot(frame: SnapshotFrame): void {
    if (this.#intake.snapshot(frame)) this.#snapshotDue = false;
  }
}
