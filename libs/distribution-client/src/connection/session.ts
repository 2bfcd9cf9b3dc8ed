/** One session: requests with their answers, and the way of frames to the subscriptions that they are for. */
import { TransitMap } from "@distribution/collections";
import type { Gap, Ledger, Limits, State, Welcome } from "@distribution/proto-types/distribution/v1/frames";
import { DistributionClientError, errorOfFrame } from "../errors.ts";
import type { ClientMessage, EventsFrame, Received, ServerMessage, SnapshotFrame } from "../wire/frames.ts";

export interface AnswerHandler {
  /** In the turn in which the frame came: what follows it finds everything in place. */
  answered(message: ServerMessage): void;
  /** Refused, timed out, or the session ended (then `session.over` is true). */
  failed(error: DistributionClientError): void;
}

/** Where the frames of a channel go. */
export interface ChannelTarget {
  events(frame: EventsFrame): void;
  snapshot(frame: SnapshotFrame): void;
  gap(frame: Gap): void;
  state(frame: State): void;
  ledger(frame: Ledger): void;
}

export interface SessionOptions {
  readonly welcome: Welcome;
  /** A request that is not answered by then fails with `timeout`, ms. */
  readonly requestTimeoutMs: number;
  send(ref: string, message: ClientMessage): void;
}

interface Pending extends AnswerHandler {
  readonly timer: ReturnType<typeof setTimeout>;
}

const NO_LIMITS: Limits = { maxFrameBytes: 0, maxEventBytes: 0, maxSubscriptions: 0, maxWindow: 0 };

export class Session {
  readonly id: string;
  readonly limits: Limits;
  readonly heartbeatMs: number;
  readonly #options: SessionOptions;
  readonly #pending = new TransitMap<string, Pending>();
  readonly #channels = new Map<number, ChannelTarget>();
  readonly #subscriptions = new Map<number, ChannelTarget>();
  #lastRef = 0;
  #over = false;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.id = options.welcome.session;
    this.limits = options.welcome.limits ?? NO_LIMITS;
    this.heartbeatMs = options.welcome.heartbeatMs;
  }

  get over(): boolean {
    return this.#over;
  }

  /** Without an answer. After the end: nothing happens. */
  send(message: ClientMessage): void {
    if (!this.#over) this.#options.send("", message);
  }

  /** Throws `batch_too_large` on a frame that the service would end the session for. */
  request(message: ClientMessage, handler: AnswerHandler): void {
    if (this.#over) {
      handler.failed(lostError());
      return;
    }
    this.#lastRef += 1;
    const ref = this.#lastRef.toString(36);
    this.#options.send(ref, message);
    const { requestTimeoutMs } = this.#options;
    const timer = setTimeout(() => {
      this.#pending.delete(ref);
      handler.failed(
        new DistributionClientError("timeout", `No answer to ${message.$case} came within ${requestTimeoutMs} ms.`),
      );
    }, requestTimeoutMs);
    this.#pending.set(ref, {
      answered: (answer) => handler.answered(answer),
      failed: (error) => handler.failed(error),
      timer,
    });
  }

  route(target: ChannelTarget, { subscription, channel }: { subscription: number; channel: number }): void {
    this.unroute(target);
    this.#subscriptions.set(subscription, target);
    this.#channels.set(channel, target);
  }

  unroute(target: ChannelTarget): void {
    for (const map of [this.#channels, this.#subscriptions]) {
      for (const [number, each] of map) if (each === target) map.delete(number);
    }
  }

  /** False: the frame is for nobody here. */
  receive({ ref, message }: Received): boolean {
    if (message === undefined) return true;
    const pending = ref === "" ? undefined : this.#take(ref);
    if (pending) {
      if (message.$case === "error") pending.failed(errorOfFrame(message.value));
      else pending.answered(message);
      return true;
    }
    switch (message.$case) {
      // A subscription that was just closed may still get frames: they are nobody's business any more.
      case "events":
        this.#channels.get(message.value.channel)?.events(message.value);
        return true;
      case "snapshot":
        this.#channels.get(message.value.channel)?.snapshot(message.value);
        return true;
      case "gap":
        this.#channels.get(message.value.channel)?.gap(message.value);
        return true;
      case "state":
        this.#channels.get(message.value.channel)?.state(message.value);
        // Without a channel it is for all that have the topic.
        return message.value.channel > 0;
      case "ledger":
        this.#subscriptions.get(message.value.subscription)?.ledger(message.value);
        return true;
      default:
        return false;
    }
  }

  /** The connection is gone: everything that waits fails with `unavailable`. */
  end(): void {
    this.#over = true;
    for (const ref of [...this.#pending.keys()]) this.#take(ref)?.failed(lostError());
    this.#channels.clear();
    this.#subscriptions.clear();
  }

  #take(ref: string): Pending | undefined {
    const pending = this.#pending.get(ref);
    if (pending === undefined) return undefined;
    this.#pending.delete(ref);
    clearTimeout(pending.timer);
    return pending;
  }
}

const lostError = (): DistributionClientError =>
  new DistributionClientError("unavailable", "The connection was lost before the answer came.");
