/** One connected client: reads its frames, answers them, and owns its subscriptions. */
import type {
  Ack,
  ClientFrame,
  Nack,
  Publish,
  ServerFrame,
  Subscribe,
  Update,
} from "@distribution/proto-types/distribution/v1/frames";
import type { Position } from "../brokers/contract.ts";
import { DistributionError, fieldError, toDistributionError } from "../errors.ts";
import { packEvents } from "../events/index.ts";
import {
  type GapNotice,
  type LogPlace,
  type Outlet,
  resolveStart,
  type StartRequest,
  Subscription,
  type SubscriptionProfile,
} from "../qos/index.ts";
import type { Timer } from "../runtime/index.ts";
import type { Identity } from "../security/index.ts";
import { type Interest, type InterestClass, identityOf } from "../subscriptions/index.ts";
import type { Connection, EncodedFrame, SessionPeer } from "./contract.ts";
import { decodeClientFrame, encodedFrame, encodeServerFrame, frameRef } from "./frames/index.ts";
import type { SessionContext } from "./session-context.ts";
import { checkProjection, checkRate, type ParsedSubscribe, parseFilterOf, parseSubscribe } from "./subscribe.ts";
import { closeOf } from "./wires/index.ts";

type Answer = NonNullable<ServerFrame["frame"]>;

interface OpenSubscription {
  readonly id: number;
  readonly parsed: ParsedSubscribe;
  /** With the identity's subject before it; undefined: not durable. */
  readonly name: string | undefined;
  interest: Interest;
  readonly core: Subscription;
  paused: boolean;
  readonly from: readonly Position[];
  readonly ledgerTimer: Timer | undefined;
  saving: Timer | undefined;
}

export class Session implements SessionPeer {
  readonly id: string;
  readonly connection: Connection;
  #identity: Identity;
  readonly #context: SessionContext;
  readonly #subscriptions = new Map<number, OpenSubscription>();
  /** Copies of each interest that its subscriptions have, those that are being set up included. */
  readonly #copies = new Map<string, Set<number>>();
  readonly #waiting: EncodedFrame[] = [];
  #waitingEvents = 0;
  #waitingBytes = 0;
  #writable = true;
  #open = true;
  #lastId = 0;
  /** Subscribes that are being set up: they count against the limit already. */
  #starting = 0;
  #queued = false;
  /** Monotonic ms. */
  heardAt: number;
  sentAt: number;

  constructor(id: string, connection: Connection, identity: Identity, context: SessionContext) {
    this.id = id;
    this.connection = connection;
    this.#identity = identity;
    this.#context = context;
    this.heardAt = context.runtime.clock.monotonicMs();
    this.sentAt = this.heardAt;
    this.#welcome("");
  }

  get subscriptions(): number {
    return this.#subscriptions.size;
  }

  /** Subscriptions that are behind their class. */
  get lagging(): number {
    let count = 0;
    for (const { core } of this.#subscriptions.values()) if (core.behind) count += 1;
    return count;
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
    if (!this.#open || this.#writable) return;
    this.#writable = true;
    if (this.#waiting.length > 0) this.#queue();
    for (const { core } of this.#subscriptions.values()) core.drained();
  }

  closed(): void {
    if (!this.#open) return;
    this.#open = false;
    for (const id of [...this.#subscriptions.keys()]) this.#remove(id);
    this.#waiting.length = 0;
    this.#context.onClosed(this);
  }

  // ── what the host calls ─────────────────────────────────────────────────────────────────────────────────────────

  /** Writes what waits, in one go. */
  flush(now = this.#context.runtime.clock.monotonicMs()): void {
    this.#queued = false;
    if (!this.#open || !this.#writable || this.#waiting.length === 0) return;
    this.sentAt = now;
    this.#context.written(this.connection.wire, this.#waitingEvents, this.#waitingBytes);
    this.#waitingEvents = 0;
    this.#waitingBytes = 0;
    this.#writable = this.connection.write(this.#waiting);
    this.#waiting.length = 0;
    if (this.#writable) return;
    for (const { core } of this.#subscriptions.values()) core.blocked();
  }

  /** A frame that all sessions of the format share. */
  broadcast(frame: EncodedFrame): void {
    this.#send(frame);
  }

  /**
   * Now and then: named subscriptions that are not acknowledged are kept as far as they were written, and nothing read
   * ahead is held for a socket that does not take it.
   */
  tidy(): void {
    for (const open of this.#subscriptions.values()) {
      this.#saveCursor(open);
      if (!this.#writable) open.core.rest();
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
    switch (frame?.$case) {
      case "subscribe":
        return this.#subscribe(ref, frame.value);
      case "publish":
        return this.#publish(ref, frame.value);
      case "ack":
        return void this.#ack(frame.value);
      case "nack":
        return void this.#nack(frame.value);
      case "credit":
        return void this.#subscription(frame.value.subscription, "credit").core.grant(frame.value.events);
      case "update":
        return void this.#update(ref, frame.value);
      case "unsubscribe":
        this.#subscription(frame.value.subscription, "unsubscribe");
        this.#remove(frame.value.subscription);
        return void this.#answer(ref, { $case: "unsubscribed", value: { subscription: frame.value.subscription } });
      case "requestLedger":
        return void this.#sendLedger(ref, this.#subscription(frame.value.subscription, "requestLedger"));
      case "ping":
        return void this.#answer(ref, { $case: "pong", value: { time: frame.value.time } });
      case "authenticate":
        this.#identity = this.#context.guard.identify({ ...this.connection.credential, token: frame.value.token });
        return void this.#welcome(ref);
      default:
        throw new DistributionError("bad_frame", "The frame is of no kind.");
    }
  }

  async #subscribe(ref: string, frame: Subscribe): Promise<void> {
    const { limits, guard, topics, tokens, cursors, names, registry, broker } = this.#context;
    if (this.#subscriptions.size + this.#starting >= limits.maxSubscriptions) {
      throw fieldError(
        "limit_exceeded",
        "subscribe",
        `the session has ${limits.maxSubscriptions} subscriptions, the most there may be; unsubscribe one, or open another session`,
      );
    }
    const parsed = parseSubscribe(frame, { topics, limits, tokens, connection: this.connection });
    for (const { topic } of parsed.interest.topics)
      guard.authorize(this.#identity, { kind: "subscribe", topic: topic.name });
    const name = this.#claimName(frame.name);
    const interest = this.#ownChannel(parsed.interest);
    this.#starting += 1;
    let shared: InterestClass | undefined;
    try {
      shared = registry.acquire(interest);
      const stored = name === undefined ? undefined : cursors.load(name);
      const request: StartRequest =
        parsed.start ?? (stored ? { kind: "after", positions: stored } : { kind: "latest" });
      const start = await resolveStart(broker, shared, request, "subscribe.from");
      if (!this.#open) throw new DistributionError("state_lost", "The session ended.");
      this.#lastId += 1;
      const id = this.#lastId;
      const core = this.#createSubscription(shared, parsed.profile, start.places);
      const from = core.positions();
      // A name begins here, even if the process dies before the first acknowledgement; without room for it nothing begins.
      if (name !== undefined) cursors.save(name, core.settledPositions());
      const { ledgerIntervalMs } = parsed;
      const ledgerTimer =
        ledgerIntervalMs > 0
          ? this.#context.runtime.timers.every(ledgerIntervalMs, () => this.#sendLedger("", open))
          : undefined;
      const open: OpenSubscription = {
        id,
        parsed,
        name,
        interest,
        core,
        paused: false,
        from,
        ledgerTimer,
        saving: undefined,
      };
      this.#subscriptions.set(id, open);
      const recovered = start.gaps.length === 0;
      this.#answer(ref, {
        $case: "subscribed",
        value: { subscription: id, channel: shared.channel, positions: from, recovered },
      });
      for (const gap of start.gaps) this.#gap(gap);
      core.run();
      this.#changed("subscribed", open);
    } catch (failure) {
      if (shared) registry.release(shared);
      this.#leaveChannel(interest);
      if (name !== undefined) names.delete(name);
      throw failure;
    } finally {
      this.#starting -= 1;
    }
  }

  #createSubscription(shared: InterestClass, profile: SubscriptionProfile, start: readonly LogPlace[]): Subscription {
    const { broker, encoder, tokens, scheduler, runtime, redelivered } = this.#context;
    const parts = { broker, encoder, tokens, scheduler, runtime, redelivered, outlet: this.#outlet() };
    return new Subscription({ ...parts, shared, profile, start });
  }

  /** Two subscriptions of a session never share a channel: their chains of positions may differ. */
  #ownChannel(interest: Interest): Interest {
    const identity = identityOf({ ...interest, copy: 0 });
    let copies = this.#copies.get(identity);
    if (!copies) {
      copies = new Set();
      this.#copies.set(identity, copies);
    }
    let copy = 0;
    while (copies.has(copy)) copy += 1;
    copies.add(copy);
    return { ...interest, copy };
  }

  #leaveChannel(interest: Interest): void {
    const identity = identityOf({ ...interest, copy: 0 });
    const copies = this.#copies.get(identity);
    copies?.delete(interest.copy);
    if (copies?.size === 0) this.#copies.delete(identity);
  }

  #claimName(name: string): string | undefined {
    if (name === "") return undefined;
    if (Buffer.byteLength(name) > MAX_NAME_BYTES) {
      throw fieldError(
        "invalid_request",
        "subscribe.name",
        `is longer than ${MAX_NAME_BYTES} bytes; choose a shorter one`,
      );
    }
    const full = `${this.#identity.subject.replace(/[%/]/g, encodeURIComponent)}/${name}`;
    if (this.#context.names.has(full)) {
      throw fieldError(
        "name_taken",
        "subscribe.name",
        `"${name}" is in use by another live subscription; end that one first or choose another name`,
      );
    }
    this.#context.names.add(full);
    return full;
  }

  #update(ref: string, frame: Update): void {
    const open = this.#subscription(frame.subscription, "update");
    const { limits } = this.#context;
    const { filter, projection, maxRate } = frame;
    if (filter !== undefined || projection !== undefined || maxRate !== undefined) {
      const topics = open.interest.topics.map(({ topic }) => topic);
      const changed: Interest = {
        ...open.interest,
        ...(filter !== undefined && {
          topics: topics.map((topic) => ({ topic, filter: parseFilterOf(filter, topic, "update.filter") })),
        }),
        ...(projection && { projection: checkProjection(projection.paths, topics, limits, "update.projection") }),
        ...(maxRate !== undefined && { maxRate: checkRate(maxRate, limits, "update.maxRate") }),
      };
      this.#replace(open, changed);
    }
    if (frame.paused !== undefined) {
      open.paused = frame.paused;
      if (frame.paused) open.core.pause();
    }
    const { core } = open;
    this.#answer(ref, {
      $case: "updated",
      value: { subscription: open.id, channel: core.shared.channel, positions: core.toldPositions() },
    });
    if (!open.paused) core.run();
  }

  /** The same cursor in another interest class. */
  #replace(open: OpenSubscription, interest: Interest): void {
    const { registry } = this.#context;
    const own = this.#ownChannel(interest);
    const old = open.core.shared;
    open.core.change(registry.acquire(own));
    registry.release(old);
    this.#leaveChannel(open.interest);
    open.interest = own;
  }

  #ack({ subscription, token, positions }: Ack): void {
    const open = this.#subscription(subscription, "ack");
    if (token === "" && positions.length === 0) {
      throw fieldError("invalid_request", "ack", "names nothing; give the token of a frame, or positions");
    }
    if (token !== "") open.core.ack(this.#context.tokens.read(token, "ack.token"), true);
    if (positions.length > 0) open.core.ack(positions, false);
    if (open.name === undefined) return;
    // Not with every ack: a cursor costs a look at every partition.
    open.saving ??= this.#context.runtime.timers.after(CURSOR_DELAY_MS, () => this.#saveCursor(open));
  }

  #nack({ subscription, positions, delayMs }: Nack): void {
    const { maxNackDelayMs } = this.#context.limits;
    if (delayMs > maxNackDelayMs) {
      throw fieldError("invalid_request", "nack.delayMs", `is ${delayMs}; at most ${maxNackDelayMs} ms`);
    }
    this.#subscription(subscription, "nack").core.nack(positions, delayMs);
  }

  async #publish(ref: string, { topic, events }: Publish): Promise<void> {
    if (events.length === 0) throw fieldError("invalid_request", "publish.events", "is empty; send at least one event");
    const { positions, duplicates } = await this.#context.ingest.publish(topic, packEvents(events), this.#identity);
    this.#answer(ref, { $case: "published", value: { positions: [...positions], duplicates } });
  }

  #changed(change: "subscribed" | "unsubscribed", { id, interest }: OpenSubscription): void {
    const topics = interest.topics.map(({ topic }) => topic.name);
    this.#context.changed(change, { session: this.id, subscription: id, topics });
  }

  #subscription(id: number, frame: string): OpenSubscription {
    const open = this.#subscriptions.get(id);
    if (open) return open;
    throw fieldError(
      "unknown_subscription",
      `${frame}.subscription`,
      `the session has no subscription ${id}; use the number that subscribed gave`,
    );
  }

  #remove(id: number): void {
    const open = this.#subscriptions.get(id);
    if (!open) return;
    this.#saveCursor(open);
    this.#subscriptions.delete(id);
    open.ledgerTimer?.cancel();
    open.core.close();
    this.#context.registry.release(open.core.shared);
    this.#leaveChannel(open.interest);
    this.#context.undelivered(open.core.ledger.read());
    if (open.name !== undefined) this.#context.names.delete(open.name);
    this.#changed("unsubscribed", open);
  }

  #saveCursor(open: OpenSubscription): void {
    open.saving?.cancel();
    open.saving = undefined;
    if (open.name === undefined) return;
    try {
      this.#context.cursors.save(open.name, open.core.settledPositions());
    } catch (failure) {
      this.#fail("", failure);
    }
  }

  // ── answers ─────────────────────────────────────────────────────────────────────────────────────────────────────

  #welcome(ref: string): void {
    const { service, limits, frameLimits } = this.#context;
    this.#answer(ref, {
      $case: "welcome",
      value: {
        session: this.id,
        service,
        heartbeatMs: limits.heartbeatMs,
        identity: this.#identity.subject,
        limits: {
          maxFrameBytes: frameLimits.maxBytes,
          maxEventBytes: limits.maxEventBytes,
          maxSubscriptions: limits.maxSubscriptions,
          maxWindow: limits.maxWindow,
        },
      },
    });
  }

  #sendLedger(ref: string, { id, core, from }: OpenSubscription): void {
    const { published, delivered, counts } = core.ledger.read();
    const { filtered, conflated, expired, dropped, denied, deadLettered } = counts;
    this.#answer(ref, {
      $case: "ledger",
      value: {
        subscription: id,
        from: [...from],
        to: core.positions(),
        published: BigInt(published),
        delivered: BigInt(delivered),
        counts: {
          filtered: BigInt(filtered),
          conflated: BigInt(conflated),
          expired: BigInt(expired),
          dropped: BigInt(dropped),
          denied: BigInt(denied),
          deadLettered: BigInt(deadLettered),
        },
      },
    });
  }

  #gap({ channel, from, to, reason }: GapNotice): void {
    this.#answer("", { $case: "gap", value: { channel, topic: to.topic, partition: to.partition, from, to, reason } });
  }

  #fail(ref: string, failure: unknown): void {
    if (!this.#open) return;
    const error = toDistributionError(failure);
    const { code, message, errors, definition, retryAfterMs } = error;
    if (code === "internal") this.#context.logger.error({ err: failure, session: this.id }, "A frame failed.");
    const value = { code, message, errors: [...errors], retryable: definition.retry, retryAfterMs: retryAfterMs ?? 0 };
    this.#answer(ref, { $case: "error", value });
    if (code === "bad_frame") this.end(error);
  }

  #answer(ref: string, frame: Answer): void {
    this.#send(encodedFrame(encodeServerFrame(this.connection.format, { ref, frame })));
  }

  #send(frame: EncodedFrame): void {
    if (!this.#open) return;
    this.#waiting.push(frame);
    this.#waitingBytes += frame.payload.length;
    if (this.#writable) this.#queue();
    else if (this.#waitingBytes > this.#context.limits.maxWaitingBytes) {
      this.end(
        new DistributionError("too_slow", "The client asks and does not read the answers; read them, or ask less."),
      );
    }
  }

  #queue(): void {
    if (this.#queued) return;
    this.#queued = true;
    this.#context.queueFlush(this);
  }

  #outlet(): Outlet {
    const session = this;
    return {
      get writable() {
        return session.#open && session.#writable;
      },
      send(frame, events) {
        session.#waitingEvents += events;
        session.#send(frame);
      },
      gap: (notice) => session.#gap(notice),
      tooSlow: () =>
        session.end(
          new DistributionError("too_slow", "The subscription's profile ends a session that reads too slowly."),
        ),
      failed: (failure) => session.#fail("", failure),
    };
  }
}

/** How long after an ack the cursor of a durable subscription is looked at. Milliseconds. */
const CURSOR_DELAY_MS = 500;

/** Longest name of a durable subscription, bytes. */
const MAX_NAME_BYTES = 128;
