/** Keeps a session with the service: connects, authenticates, and comes back after every end that is not final. */
import type { Draining, State, Welcome } from "@distribution/proto-types/distribution/v1/frames";
import { DistributionClientError, errorOfFrame, toClientError } from "../errors.ts";
import type { FrameCodec, Received } from "../wire/frames.ts";
import { type BackoffOptions, backoffMs } from "./backoff.ts";
import type { Ending } from "./close-codes.ts";
import { type CreateSocket, type Link, openLink } from "./link.ts";
import { Session } from "./session.ts";

export type ClientState =
  /** `attempt` counts from 1 since there was a session that lasted. */
  | { readonly status: "connecting"; readonly attempt: number }
  | { readonly status: "open"; readonly session: string; readonly service: string; readonly identity: string }
  /** The next attempt comes in `delayMs`; `reason` ended the last one. */
  | { readonly status: "waiting"; readonly delayMs: number; readonly reason: DistributionClientError }
  /** For good: by `close` when there is no reason. */
  | { readonly status: "closed"; readonly reason?: DistributionClientError };

export interface ConnectionOptions {
  readonly url: string;
  readonly codec: FrameCodec;
  readonly createSocket: CreateSocket;
  readonly token: string | (() => string | Promise<string>) | undefined;
  readonly backoff: BackoffOptions;
  readonly giveUpAfterMs: number;
  readonly connectTimeoutMs: number;
  readonly requestTimeoutMs: number;
}

export interface ConnectionHooks {
  changed(state: ClientState): void;
  opened(session: Session): void;
  /** The session is over; another one may come. */
  lost(): void;
  /** No other one will come. Undefined: by `close`. */
  ended(reason: DistributionClientError | undefined): void;
  /** Told by the service of a topic, or of itself. */
  topicState(state: State): void;
  draining(notice: Draining): void;
  /** An error that answers no request. */
  failed(error: DistributionClientError): void;
  /** Unix nanoseconds that a ping of this side carried. */
  pong(time: bigint): void;
}

const AUTHENTICATE = "authenticate";
/** A session that lasted this long was no flapping: the next delay begins small again. Milliseconds. */
const STABLE_MS = 5_000;

export class Connection {
  readonly #options: ConnectionOptions;
  readonly #hooks: ConnectionHooks;
  #state: ClientState = { status: "connecting", attempt: 1 };
  #link: Link | undefined;
  #session: Session | undefined;
  #attempts = 0;
  #openedAt = 0;
  /** Since when there is no session. */
  #lostAt = performance.now();
  /** The service asked to be gone by then. */
  #leaveAt: number | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: ConnectionOptions, hooks: ConnectionHooks) {
    this.#options = options;
    this.#hooks = hooks;
  }

  get state(): ClientState {
    return this.#state;
  }

  get session(): Session | undefined {
    return this.#session;
  }

  async start(): Promise<void> {
    const { token } = this.#options;
    this.#attempts += 1;
    this.#become({ status: "connecting", attempt: this.#attempts });
    let credential: string | undefined;
    try {
      credential = typeof token === "function" ? await token() : token;
    } catch (failure) {
      this.#over({ final: false, error: toClientError(failure, "unauthenticated", "The token could not be had.") });
      return;
    }
    if (this.#state.status !== "connecting") return;
    this.#connect(credential);
  }

  close(): void {
    this.#end(undefined);
  }

  #connect(credential: string | undefined): void {
    const { url, codec, createSocket, connectTimeoutMs } = this.#options;
    let link: Link;
    try {
      link = openLink({
        url,
        codec,
        createSocket,
        onReceived: (received) => this.#received(received, credential),
        onEnded: (ending) => this.#over(ending),
      });
    } catch (failure) {
      this.#end(toClientError(failure, "misuse", `No WebSocket to ${url} can be made.`));
      return;
    }
    this.#link = link;
    this.#after(connectTimeoutMs, () =>
      link.fail(new DistributionClientError("unavailable", `${url} did not answer within ${connectTimeoutMs} ms.`)),
    );
  }

  #received(received: Received, credential: string | undefined): void {
    const { ref, message } = received;
    if (this.#session) {
      if (!this.#session.receive(received)) this.#unclaimed(received);
    } else if (message?.$case === "welcome") {
      this.#link?.welcomed(message.value);
      if (credential === undefined || ref === AUTHENTICATE) this.#established(message.value);
      else this.#link?.send(AUTHENTICATE, { $case: "authenticate", value: { token: credential } });
    } else if (message?.$case === "error") {
      const error = errorOfFrame(message.value);
      this.#link?.close();
      this.#over({ final: !error.retryable, error });
    }
  }

  #established(welcome: Welcome): void {
    const link = this.#link;
    if (!link) return;
    clearTimeout(this.#timer);
    const { requestTimeoutMs } = this.#options;
    const session = new Session({ welcome, requestTimeoutMs, send: (ref, message) => link.send(ref, message) });
    this.#session = session;
    this.#openedAt = performance.now();
    this.#leaveAt = undefined;
    const { service, identity } = welcome;
    this.#become({ status: "open", session: welcome.session, service, identity });
    this.#hooks.opened(session);
  }

  #unclaimed({ message }: Received): void {
    switch (message?.$case) {
      case "draining":
        this.#drain(message.value);
        break;
      case "state":
        this.#hooks.topicState(message.value);
        break;
      case "pong":
        this.#hooks.pong(message.value.time);
        break;
      case "error":
        this.#hooks.failed(errorOfFrame(message.value));
        break;
      default:
        // An answer that came after its request was given up.
        break;
    }
  }

  /** Everybody of a service that goes down comes back at a random time of their own; until then the session is used on. */
  #drain(notice: Draining): void {
    const delayMs = Math.random() * notice.reconnectWithinMs;
    this.#leaveAt = performance.now() + delayMs;
    this.#hooks.draining(notice);
    this.#after(delayMs, () => {
      this.#link?.close();
      this.#over({ final: false, error: new DistributionClientError("draining", "The service is going down.") });
    });
  }

  #over({ final, error }: Ending): void {
    clearTimeout(this.#timer);
    if (this.#state.status === "closed") return;
    this.#link = undefined;
    const now = performance.now();
    if (this.#session) {
      this.#lostAt = now;
      if (now - this.#openedAt >= STABLE_MS) this.#attempts = 0;
      this.#leaveSession();
    }
    if (final) {
      this.#end(error);
      return;
    }
    const delayMs = this.#delayMs(error, now);
    if (now + delayMs - this.#lostAt > this.#options.giveUpAfterMs) {
      const { url, giveUpAfterMs } = this.#options;
      const message = `${url} gave no session within ${giveUpAfterMs} ms; is the service running there? ${error.message}`;
      this.#end(new DistributionClientError("unreachable", message, { cause: error }));
      return;
    }
    this.#become({ status: "waiting", delayMs, reason: error });
    this.#after(delayMs, () => void this.start());
  }

  #delayMs(error: DistributionClientError, now: number): number {
    const wish = Math.max(error.retryAfterMs ?? 0, (this.#leaveAt ?? now) - now);
    this.#leaveAt = undefined;
    return wish + backoffMs(Math.max(0, this.#attempts - 1), this.#options.backoff, Math.random());
  }

  #end(reason: DistributionClientError | undefined): void {
    if (this.#state.status === "closed") return;
    clearTimeout(this.#timer);
    this.#link?.close();
    this.#link = undefined;
    this.#leaveSession();
    this.#become({ status: "closed", ...(reason && { reason }) });
    this.#hooks.ended(reason);
  }

  #leaveSession(): void {
    const session = this.#session;
    if (!session) return;
    this.#session = undefined;
    session.end();
    this.#hooks.lost();
  }

  #become(state: ClientState): void {
    this.#state = state;
    this.#hooks.changed(state);
  }

  #after(ms: number, call: () => void): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(call, ms);
  }
}
