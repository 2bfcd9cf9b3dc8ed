/** A client of one distribution service: one connection at a time, any number of subscriptions. */

import type { Draining, State } from "@distribution/proto-types/distribution/v1/frames";
import { type ClientState, Connection } from "./connection/connection.ts";
import { streamUrl } from "./connection/endpoint.ts";
import type { Session } from "./connection/session.ts";
import { createEmitter } from "./emitter.ts";
import { closedError, type DistributionClientError } from "./errors.ts";
import { type EventToPublish, toEvent } from "./events/published-event.ts";
import { type ConnectOptions, settingsOf } from "./options.ts";
import { type Published, Publisher } from "./publisher.ts";
import type { SubscribeOptions } from "./subscription/options.ts";
import { Subscription } from "./subscription/subscription.ts";
import { jsonCodec } from "./wire/json.ts";
import { protoCodec } from "./wire/proto.ts";

export interface ClientEvents {
  state: ClientState;
  /** What the service tells of a topic: live, quiet, stale, halted, closed. */
  topic: State;
  /** The service is going down; the client moves by itself within the time. */
  draining: Draining;
  /** An error of the service that answers no request of this client. */
  error: DistributionClientError;
}

export interface PublishOptions {
  /** Rejects with `timeout` after this, ms. Default: `publishTimeoutMs` of the client. */
  readonly timeoutMs?: number;
}

const NS_PER_MS = 1_000_000;

export class Client implements AsyncDisposable {
  /** Resolves with the first session; rejects when there will be none. */
  readonly ready: Promise<void>;
  readonly #ready = Promise.withResolvers<void>();
  readonly #emitter = createEmitter<ClientEvents>();
  readonly #connection: Connection;
  readonly #publisher: Publisher;
  readonly #subscriptions = new Set<Subscription<never>>();
  #roundTripMs: number | undefined;
  /** It was said, or need not be said any more, that nothing answers. */
  #warned = false;

  constructor(options: ConnectOptions) {
    const settings = settingsOf(options);
    this.#publisher = new Publisher({
      timeoutMs: settings.publishTimeoutMs,
      maxPending: settings.maxPendingPublishes,
      backoff: settings.reconnect,
    });
    this.#connection = new Connection(
      {
        url: streamUrl(options.url),
        codec: settings.format === "json" ? jsonCodec : protoCodec,
        createSocket: settings.createSocket,
        token: options.token,
        backoff: settings.reconnect,
        giveUpAfterMs: settings.reconnect.giveUpAfterMs,
        connectTimeoutMs: settings.connectTimeoutMs,
        requestTimeoutMs: settings.requestTimeoutMs,
      },
      {
        changed: (state) => this.#changed(state),
        opened: (session) => this.#opened(session),
        lost: () => this.#lost(),
        ended: (reason) => this.#ended(reason),
        topicState: (state) => void this.#emitter.emit("topic", state),
        draining: (notice) => void this.#emitter.emit("draining", notice),
        failed: (error) => void this.#emitter.emit("error", error),
        pong: (time) => this.#pong(time),
      },
    );
    this.ready = this.#ready.promise;
    // Who does not look at it hears of a failure at `state`, at each subscription and at each publish.
    this.ready.catch(() => undefined);
    void this.#connection.start();
  }

  get state(): ClientState {
    return this.#connection.state;
  }

  /** Of the last heartbeat of this side, ms. Undefined: there was none yet. */
  get roundTripMs(): number | undefined {
    return this.#roundTripMs;
  }

  /** Returns what removes the listener. */
  on<Name extends keyof ClientEvents>(name: Name, listener: (event: ClientEvents[Name]) => void): () => void {
    return this.#emitter.on(name, listener);
  }

  /**
   * Lives until it is closed, across all sessions of this client. What the service refuses rejects `ready` of the subscription
   * and ends its loop. Throws `closed` on a client that is, and `misuse`.
   */
  subscribe<T = unknown>(options: SubscribeOptions<T>): Subscription<T> {
    this.#requireOpen();
    const subscription = new Subscription(options, { ended: (ended) => void this.#subscriptions.delete(ended) });
    this.#subscriptions.add(subscription as unknown as Subscription<never>);
    if (this.#connection.session) subscription.attach(this.#connection.session);
    return subscription;
  }

  /**
   * Resolves once all events are durable; all or none. Sent again after a lost connection or a passing refusal: by their ids the
   * service takes each of them once. Rejects with the service's refusal, `batch_too_large` over its frame limit, `overloaded`
   * when too many publishes wait, `timeout`, or `closed`.
   */
  async publish(
    topic: string,
    events: EventToPublish | readonly EventToPublish[],
    options: PublishOptions = {},
  ): Promise<Published> {
    this.#requireOpen();
    const list = Array.isArray(events) ? (events as readonly EventToPublish[]) : [events as EventToPublish];
    return this.#publisher.publish(topic, list.map(toEvent), options.timeoutMs);
  }

  /** Closes every subscription, which sends what is acknowledged, then the connection. Publishes without an answer reject. */
  async close(): Promise<void> {
    await Promise.all([...this.#subscriptions].map((subscription) => subscription.close()));
    this.#connection.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #changed(state: ClientState): void {
    const listened = this.#emitter.emit("state", state);
    // A wrong address looks like a quiet topic otherwise. Who had a session knows the address to be right.
    if (listened || this.#warned || state.status !== "waiting") return;
    this.#warned = true;
    console.warn(
      `@distribution/client: ${state.reason.message} It goes on trying; with a listener for the client's "state" you are told instead of the console.`,
    );
  }

  #opened(session: Session): void {
    this.#warned = true;
    this.#ready.resolve();
    for (const subscription of [...this.#subscriptions]) subscription.attach(session);
    this.#publisher.attach(session);
  }

  #lost(): void {
    this.#publisher.detach();
    for (const subscription of [...this.#subscriptions]) subscription.detach();
  }

  #ended(reason: DistributionClientError | undefined): void {
    const error = reason ?? closedError("client");
    this.#ready.reject(error);
    this.#publisher.end(error);
    for (const subscription of [...this.#subscriptions]) subscription.end(reason);
  }

  #pong(time: bigint): void {
    const now = Date.now();
    const sentMs = Number(time / BigInt(NS_PER_MS));
    // The service's own heartbeats carry its clock, which may be anything.
    if (time > 0n && sentMs <= now) this.#roundTripMs = now - sentMs;
  }

  #requireOpen(): void {
    const { state } = this;
    if (state.status === "closed") throw state.reason ?? closedError("client");
  }
}
