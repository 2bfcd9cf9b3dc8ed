/** Where a subscription is in the service: in one session after another, under an id of its own in each. */
import type { Position, Subscribe, Subscribed } from "@distribution/proto-types/distribution/v1/frames";
import { backoffMs } from "../connection/backoff.ts";
import type { ChannelTarget, Session } from "../connection/session.ts";
import { closedError, DistributionClientError, toClientError } from "../errors.ts";
import type { ClientMessage, ServerMessage } from "../wire/frames.ts";
import { type SubscriptionChange, updateFrame } from "./options.ts";

/** What `update` may change in the service. */
export type AttachedChange = SubscriptionChange & { readonly paused?: boolean };

export interface AttachmentOptions {
  /** Gets the frames of the subscription's channel. */
  readonly target: ChannelTarget;
  /** What is wanted by now. */
  request(): Subscribe;
  /** In this session. `resumed`: it was in one before. */
  began(answer: Subscribed, resumed: boolean): void;
  /** The service did it, and goes on after these. */
  changed(change: AttachedChange, positions: readonly Position[]): void;
  /** The service will not have it. */
  refused(error: DistributionClientError): void;
}

const RETRY = { minDelayMs: 200, maxDelayMs: 5_000 };

export class Attachment {
  readonly #options: AttachmentOptions;
  #session: Session | undefined;
  /** As the service names it in this session. */
  #id: number | undefined;
  #started = false;
  #left = false;
  #attempts = 0;
  #retry: ReturnType<typeof setTimeout> | undefined;

  constructor(options: AttachmentOptions) {
    this.#options = options;
  }

  /** The service has it, in this session. */
  get attached(): boolean {
    return this.#id !== undefined;
  }

  /** The service had it, in this session or an earlier one. */
  get started(): boolean {
    return this.#started;
  }

  attach(session: Session): void {
    this.#session = session;
    this.#subscribe(session);
  }

  /** The session is gone. */
  detach(): void {
    clearTimeout(this.#retry);
    this.#session = undefined;
    this.#id = undefined;
  }

  /** For good: frames come no more. Idempotent. */
  leave(): void {
    this.#left = true;
    clearTimeout(this.#retry);
    this.#id = undefined;
    this.#session?.unroute(this.#options.target);
  }

  /** Does nothing while the service does not have it. */
  send(message: (subscription: number) => ClientMessage): void {
    if (this.#id !== undefined) this.#session?.send(message(this.#id));
  }

  /** Rejects with `unavailable` while the service does not have it. */
  ask(message: (subscription: number) => ClientMessage): Promise<ServerMessage> {
    const { promise, resolve, reject } = Promise.withResolvers<ServerMessage>();
    if (this.#left) reject(closedError("subscription"));
    else if (this.#id === undefined || !this.#session) {
      reject(new DistributionClientError("unavailable", "The subscription has no session at the moment; try again."));
    } else this.#session.request(message(this.#id), { answered: resolve, failed: reject });
    return promise;
  }

  /** Resolves at once while the service does not have it: the next session begins with what is wanted. */
  update(change: AttachedChange): Promise<void> {
    const session = this.#session;
    const subscription = this.#id;
    if (!session || subscription === undefined || Object.keys(change).length === 0) return Promise.resolve();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    session.request(
      { $case: "update", value: updateFrame(subscription, change) },
      {
        answered: (answer) => {
          if (answer.$case === "updated" && !this.#left) {
            session.route(this.#options.target, answer.value);
            this.#options.changed(change, answer.value.positions);
          }
          resolve();
        },
        failed: (error) => (session.over && change.paused !== undefined ? resolve() : reject(error)),
      },
    );
    return promise;
  }

  #subscribe(session: Session): void {
    const value = this.#options.request();
    const handler = {
      answered: (answer: ServerMessage) => this.#subscribed(session, answer),
      failed: (error: DistributionClientError) => this.#failed(session, error),
    };
    try {
      session.request({ $case: "subscribe", value }, handler);
    } catch (failure) {
      this.#options.refused(toClientError(failure, "misuse", "The subscription can't be encoded."));
    }
  }

  #subscribed(session: Session, answer: ServerMessage): void {
    if (answer.$case !== "subscribed") return;
    const { subscription } = answer.value;
    if (this.#left) {
      session.send({ $case: "unsubscribe", value: { subscription } });
      return;
    }
    const resumed = this.#started;
    this.#id = subscription;
    this.#started = true;
    this.#attempts = 0;
    session.route(this.#options.target, answer.value);
    this.#options.began(answer.value, resumed);
  }

  #failed(session: Session, error: DistributionClientError): void {
    // A lost session: the next one takes it up again.
    if (session.over || this.#left) return;
    // After a broken connection the service may hold the name for the old session until that one is silent for too long.
    const held = error.code === "name_taken" && this.#started;
    if (!error.retryable && !held) {
      this.#options.refused(error);
      return;
    }
    const delayMs = (error.retryAfterMs ?? 0) + backoffMs(this.#attempts, RETRY, Math.random());
    this.#attempts += 1;
    this.#retry = setTimeout(() => this.#subscribe(session), delayMs);
  }
}
