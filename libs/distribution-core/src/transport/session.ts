/** One connected client: reads its frames and answers them. */
import type {
  Ack,
  Authenticate,
  ClientFrame,
  Nack,
  Publish,
  Unsubscribe,
} from "@distribution/proto-types/distribution/v1/frames";
import { DistributionError, fieldError, toDistributionError } from "../errors.ts";
import { packEvents } from "../events/index.ts";
import { highestPriority, type LedgerReason } from "../qos/index.ts";
import type { Identity } from "../security/index.ts";
import type { Connection, EncodedFrame, SessionPeer } from "./contract.ts";
import { decodeClientFrame, frameRef } from "./frames/index.ts";
import { errorAnswer, ledgerAnswer, welcomeAnswer } from "./session-answers.ts";
import type { SessionContext } from "./session-context.ts";
import { SessionOutput } from "./session-output.ts";
import { SessionSubscriptions } from "./session-subscriptions.ts";
import { SessionTurns } from "./session-turns.ts";
import { closeOf } from "./wires/index.ts";

export class Session implements SessionPeer {
  readonly id: string;
  readonly connection: Connection;
  #identity: Identity;
  readonly #context: SessionContext;
  readonly #output: SessionOutput;
  readonly #subscriptions: SessionSubscriptions;
  #open = true;
  /** Monotonic ms. */
  heardAt: number;

  constructor(id: string, connection: Connection, identity: Identity, context: SessionContext) {
    this.id = id;
    this.connection = connection;
    this.#identity = identity;
    this.#context = context;
    this.heardAt = context.runtime.clock.monotonicMs();
    const output: SessionOutput = new SessionOutput({
      ...{ connection, context },
      onSpent: () => {
        for (const { core } of this.#subscriptions) core.fallBehind();
      },
      onBlocked: () => {
        for (const { core } of this.#subscriptions) core.blocked();
      },
      onTurn: () => turns.goOn(),
      onOverflow: () => this.#tooSlow("The client asks and does not read the answers; read them, or ask less."),
      onTooSlow: () => this.#tooSlow("The subscription's profile ends a session that reads too slowly."),
      onFailed: (failure) => this.#fail("", failure),
    });
    this.#output = output;
    const turns = new SessionTurns(context.scheduler, () => output.spent, highestPriority(context.topics));
    this.#subscriptions = new SessionSubscriptions({
      ...{ session: id, connection, context, scheduler: turns, outlet: output },
      identity: () => this.#identity,
      answer: (ref, frame) => output.answer(ref, frame),
    });
    this.#welcome("");
  }

  get subscriptions(): number {
    return this.#subscriptions.size;
  }

  /** Subscriptions that are behind their class. */
  get lagging(): number {
    let count = 0;
    for (const { core } of this.#subscriptions) if (core.behind) count += 1;
    return count;
  }

  /** Ledger entries of the live subscriptions. */
  undelivered(reason: LedgerReason): number {
    let count = 0;
    for (const { core } of this.#subscriptions) count += core.ledger.read().counts[reason];
    return count;
  }

  /** When something was last written, monotonic ms. */
  get sentAt(): number {
    return this.#output.sentAt;
  }

  // ── what the wire calls ─────────────────────────────────────────────────────────────────────────────────────────

  receive(message: Uint8Array | string): void {
    if (!this.#open) return;
    this.heard();
    let ref = "";
    try {
      const frame = decodeClientFrame(this.connection.format, message, this.#context.frameLimits);
      ref = frame.ref;
      const answer = this.#handle(frame);
      if (answer instanceof Promise) answer.catch((failure: unknown) => this.#fail(ref, failure));
    } catch (failure) {
      this.#fail(ref || frameRef(this.connection.format, message), failure);
    }
  }

  heard(): void {
    this.heardAt = this.#context.runtime.clock.monotonicMs();
  }

  drained(): void {
    if (!this.#output.drained()) return;
    for (const { core } of this.#subscriptions) core.drained();
  }

  closed(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#output.close();
    this.#subscriptions.close();
    this.#context.onClosed(this);
  }

  // ── what the host calls ─────────────────────────────────────────────────────────────────────────────────────────

  /** Writes what waits, in one go. */
  flush(): void {
    this.#output.flush();
  }

  /** A frame that all sessions of the format share. */
  broadcast(frame: EncodedFrame): void {
    this.#output.send(frame);
  }

  /**
   * Now and then: named subscriptions that are not acknowledged are kept as far as they were written, and nothing read
   * ahead is held for a socket that does not take it.
   */
  tidy(): void {
    for (const open of this.#subscriptions) {
      open.saveCursor();
      if (this.#output.blocked) open.core.rest();
    }
  }

  /** Over at once, however long the connection takes to close: nothing more is read, answered or kept for it. */
  end(error: DistributionError): void {
    if (!this.#open) return;
    this.flush();
    const { code, reason } = closeOf(error);
    this.#context.ended(error.code);
    this.connection.close(code, reason);
    this.closed();
  }

  // ── client frames ───────────────────────────────────────────────────────────────────────────────────────────────

  #handle({ ref, frame }: ClientFrame): Promise<void> | undefined {
    const subscriptions = this.#subscriptions;
    switch (frame?.$case) {
      case "subscribe":
        return subscriptions.open(ref, frame.value);
      case "publish":
        return this.#publish(ref, frame.value);
      case "ack":
        return void this.#ack(frame.value);
      case "nack":
        return void this.#nack(frame.value);
      case "credit":
        return void subscriptions.find(frame.value.subscription, "credit").core.grant(frame.value.events);
      case "update":
        return void subscriptions.update(ref, frame.value);
      case "unsubscribe":
        return this.#unsubscribe(ref, frame.value);
      case "requestLedger":
        return void this.#output.answer(
          ref,
          ledgerAnswer(subscriptions.find(frame.value.subscription, "requestLedger")),
        );
      case "ping":
        return void this.#output.answer(ref, { $case: "pong", value: { time: frame.value.time } });
      case "authenticate":
        return void this.#authenticate(ref, frame.value);
      default:
        throw new DistributionError("bad_frame", "The frame is of no kind.");
    }
  }

  #authenticate(ref: string, { token }: Authenticate): void {
    const { guard } = this.#context;
    const identity = guard.identify({ ...this.connection.credential, token });
    guard.authorize(identity, { kind: "connect" });
    this.#identity = identity;
    this.#welcome(ref);
    this.#subscriptions.permitAgain();
  }

  /** A name that is to be forgotten is, for good, when the answer comes. */
  async #unsubscribe(ref: string, { subscription, forget = false }: Unsubscribe): Promise<void> {
    const { cursors } = this.#context;
    const open = this.#subscriptions.find(subscription, "unsubscribe");
    if (forget) {
      if (open.name === undefined) throw noName(subscription);
      cursors.forget(open.name);
    }
    this.#subscriptions.remove(open, !forget);
    if (forget) await cursors.flush();
    this.#output.answer(ref, { $case: "unsubscribed", value: { subscription } });
  }

  #ack({ subscription, token, positions }: Ack): void {
    const open = this.#subscriptions.find(subscription, "ack");
    if (token === "" && positions.length === 0) {
      throw fieldError("invalid_request", "ack", "names nothing; give the token of a frame, or positions");
    }
    if (token !== "") open.core.ack(this.#context.tokens.read(token, "ack.token"), true);
    if (positions.length > 0) open.core.ack(positions, false);
    open.saveCursorSoon();
  }

  #nack({ subscription, positions, delayMs }: Nack): void {
    const { maxNackDelayMs } = this.#context.limits;
    if (delayMs > maxNackDelayMs) {
      throw fieldError("invalid_request", "nack.delayMs", `is ${delayMs}; at most ${maxNackDelayMs} ms`);
    }
    this.#subscriptions.find(subscription, "nack").core.nack(positions, delayMs);
  }

  async #publish(ref: string, { topic, events }: Publish): Promise<void> {
    if (events.length === 0) throw fieldError("invalid_request", "publish.events", "is empty; send at least one event");
    const { positions, duplicates } = await this.#context.ingest.publish(topic, packEvents(events), this.#identity);
    this.#output.answer(ref, { $case: "published", value: { positions: [...positions], duplicates } });
  }

  // ── answers ─────────────────────────────────────────────────────────────────────────────────────────────────────

  #welcome(ref: string): void {
    this.#output.answer(ref, welcomeAnswer(this.id, this.#identity, this.#context));
  }

  #fail(ref: string, failure: unknown): void {
    if (!this.#open) return;
    const error = toDistributionError(failure);
    if (error.code === "internal") this.#context.logger.error({ err: failure, session: this.id }, "A frame failed.");
    this.#output.answer(ref, errorAnswer(error));
    if (error.code === "bad_frame") this.end(error);
  }

  #tooSlow(message: string): void {
    this.end(new DistributionError("too_slow", message));
  }
}

const noName = (subscription: number): DistributionError =>
  fieldError(
    "invalid_request",
    "unsubscribe.forget",
    `subscription ${subscription} has no name that could be forgotten; leave it out`,
  );
