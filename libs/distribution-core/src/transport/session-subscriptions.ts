/** The subscriptions of one session: opened, found, changed and closed by their numbers. */
import type { Subscribe, Update } from "@distribution/proto-types/distribution/v1/frames";
import { DistributionError, fieldError, toDistributionError } from "../errors.ts";
import {
  type Outlet,
  resolveStart,
  type Scheduler,
  type StartRequest,
  Subscription,
  type SubscriptionParts,
} from "../qos/index.ts";
import type { Identity } from "../security/index.ts";
import { type Interest, type InterestClass, identityOf } from "../subscriptions/index.ts";
import type { Connection } from "./contract.ts";
import { durableName, isOwner } from "./durable-name.ts";
import { InterestCopies } from "./interest-copies.ts";
import { OpenSubscription } from "./open-subscription.ts";
import { ledgerAnswer } from "./session-answers.ts";
import type { SessionContext } from "./session-context.ts";
import type { Answer } from "./session-output.ts";
import { checkProjection, checkRate, type ParsedSubscribe, parseFilterOf, parseSubscribe } from "./subscribe.ts";

export interface SessionSubscriptionsOptions {
  readonly session: string;
  readonly connection: Connection;
  readonly context: SessionContext;
  readonly outlet: Outlet;
  /** The session's own turns. */
  readonly scheduler: Scheduler;
  /** Whoever the client is at the moment. */
  readonly identity: () => Identity;
  readonly answer: (ref: string, frame: Answer) => void;
}

export class SessionSubscriptions implements Iterable<OpenSubscription> {
  readonly #options: SessionSubscriptionsOptions;
  readonly #parts: SubscriptionParts;
  readonly #open = new Map<number, OpenSubscription>();
  /** Those that are being set up included. */
  readonly #copies: InterestCopies;
  #lastId = 0;
  /** Subscribes that are being set up: they count against the limit already. */
  #starting = 0;
  #over = false;

  constructor(options: SessionSubscriptionsOptions) {
    const { outlet, scheduler } = options;
    const { broker, encoder, tokens, runtime, redelivered } = options.context;
    this.#options = options;
    this.#parts = { broker, encoder, tokens, scheduler, runtime, redelivered, outlet };
    this.#copies = new InterestCopies(options.context.limits.maxCopies);
  }

  get size(): number {
    return this.#open.size;
  }

  [Symbol.iterator](): Iterator<OpenSubscription> {
    return this.#open.values();
  }

  /** `frame`: the kind of the client frame that names it. Throws `unknown_subscription`. */
  find(id: number, frame: string): OpenSubscription {
    const open = this.#open.get(id);
    if (open) return open;
    throw fieldError(
      "unknown_subscription",
      `${frame}.subscription`,
      `the session has no subscription ${id}; use the number that subscribed gave`,
    );
  }

  async open(ref: string, frame: Subscribe): Promise<void> {
    const { context, connection } = this.#options;
    const { limits, topics, tokens, names, registry } = context;
    if (this.#open.size + this.#starting >= limits.maxSubscriptions) {
      throw fieldError(
        "limit_exceeded",
        "subscribe",
        `the session has ${limits.maxSubscriptions} subscriptions, the most there may be; unsubscribe one, or open another session`,
      );
    }
    const parsed = parseSubscribe(frame, { topics, limits, tokens, connection });
    const name = durableName(this.#options.identity(), frame.name);
    this.#permit({ name, interest: parsed.interest });
    if (name !== undefined && names.has(name)) throw nameTaken(frame.name);
    const interest = this.#copies.claim(parsed.interest, "subscribe");
    if (name !== undefined) names.add(name);
    this.#starting += 1;
    let shared: InterestClass | undefined;
    try {
      shared = registry.acquire(interest);
      await this.#begin(ref, { name, interest, parsed, shared });
    } catch (failure) {
      if (shared) registry.release(shared);
      this.#copies.release(interest);
      if (name !== undefined) names.delete(name);
      throw failure;
    } finally {
      this.#starting -= 1;
    }
  }

  /** Filter, projection, rate, pause: what is set changes, the cursor stays. */
  update(ref: string, frame: Update): void {
    const open = this.find(frame.subscription, "update");
    const { filter, projection, maxRate, paused } = frame;
    if (filter !== undefined || projection !== undefined || maxRate !== undefined) {
      this.#replace(open, this.#changed(open.interest, frame));
    }
    if (paused !== undefined) {
      open.paused = paused;
      if (paused) open.core.pause();
    }
    const { core } = open;
    this.#options.answer(ref, {
      $case: "updated",
      value: { subscription: open.id, channel: core.shared.channel, positions: core.toldPositions() },
    });
    if (!open.paused) core.run();
  }

  /** After the client became somebody else: what it may not have any more ends, with an error that says so. */
  permitAgain(): void {
    const { outlet, answer } = this.#options;
    for (const open of [...this]) {
      try {
        this.#permit(open);
      } catch (failure) {
        this.remove(open);
        const { code, message } = toDistributionError(failure);
        const text = `the subscription ends, as the identity has changed: ${message}`;
        outlet.failed(fieldError(code, `subscriptions[${open.id}]`, text));
        answer("", { $case: "unsubscribed", value: { subscription: open.id } });
      }
    }
  }

  /** Durable names keep their cursor, unless `keepCursor` is false. */
  remove(open: OpenSubscription, keepCursor = true): void {
    const { registry, undelivered, names } = this.#options.context;
    this.#open.delete(open.id);
    open.close(keepCursor);
    registry.release(open.core.shared);
    this.#copies.release(open.interest);
    undelivered(open.core.ledger.read());
    if (open.name !== undefined) names.delete(open.name);
    this.#tell("unsubscribed", open);
  }

  /** The session is over. */
  close(): void {
    this.#over = true;
    for (const open of [...this]) this.remove(open);
  }

  async #begin(
    ref: string,
    {
      name,
      interest,
      parsed,
      shared,
    }: Pick<OpenSubscription, "name" | "interest"> & {
      readonly parsed: ParsedSubscribe;
      readonly shared: InterestClass;
    },
  ): Promise<void> {
    const { context, outlet, answer } = this.#options;
    const stored = name === undefined ? undefined : context.cursors.load(name);
    const lost = name !== undefined && !parsed.start && context.cursors.lost(name);
    const request: StartRequest =
      parsed.start ?? (stored ? { kind: "after", positions: stored, complete: true } : { kind: "latest" });
    const start = await resolveStart(context.broker, context.tail, shared, request, "subscribe.from");
    if (this.#over) throw new DistributionError("state_lost", "The session ended.");
    // It may be another one's by now.
    this.#permit({ name, interest });
    this.#lastId += 1;
    const core = new Subscription({ parts: this.#parts, shared, profile: parsed.profile, start: start.places });
    const open = new OpenSubscription({
      id: this.#lastId,
      ...{ name, interest, core, context, ledgerIntervalMs: parsed.ledgerIntervalMs },
      onLedger: (due) => answer("", ledgerAnswer(due)),
      onFailed: outlet.failed,
    });
    const { id, from } = open;
    this.#open.set(id, open);
    const recovered = !lost && start.gaps.length === 0;
    answer(ref, {
      $case: "subscribed",
      value: { subscription: id, channel: shared.channel, positions: [...from], recovered, behind: core.startsBehind },
    });
    for (const gap of start.gaps) outlet.gap(gap);
    core.run();
    this.#tell("subscribed", open);
  }

  /** Throws `forbidden`. A name is its owner's, whatever the other may have. */
  #permit({ name, interest }: Pick<OpenSubscription, "name" | "interest">): void {
    const { context, identity } = this.#options;
    const who = identity();
    for (const { topic } of interest.topics) context.guard.authorize(who, { kind: "subscribe", topic: topic.name });
    if (name === undefined || isOwner(who, name)) return;
    throw new DistributionError("forbidden", "The durable name belongs to whom the client was before; subscribe anew.");
  }

  #changed(interest: Interest, { filter, projection, maxRate }: Update): Interest {
    const { limits } = this.#options.context;
    const topics = interest.topics.map(({ topic }) => topic);
    return {
      ...interest,
      ...(filter !== undefined && {
        topics: topics.map((topic) => ({ topic, filter: parseFilterOf(filter, topic, "update.filter") })),
      }),
      ...(projection && { projection: checkProjection(projection.paths, topics, limits, "update.projection") }),
      ...(maxRate !== undefined && { maxRate: checkRate(maxRate, limits, "update.maxRate") }),
    };
  }

  /** The same cursor in another interest class. */
  #replace(open: OpenSubscription, interest: Interest): void {
    if (identityOf(interest) === identityOf(open.interest)) return;
    const { registry } = this.#options.context;
    const own = this.#copies.claim(interest, "update");
    const old = open.core.shared;
    open.core.change(registry.acquire(own));
    registry.release(old);
    this.#copies.release(open.interest);
    open.interest = own;
  }

  #tell(change: "subscribed" | "unsubscribed", { id, interest }: OpenSubscription): void {
    const { session, context } = this.#options;
    const topics = interest.topics.map(({ topic }) => topic.name);
    context.changed(change, { session, subscription: id, topics });
  }
}

const nameTaken = (name: string): DistributionError =>
  fieldError(
    "name_taken",
    "subscribe.name",
    `"${name}" is in use by another live subscription; end that one first or choose another name`,
  );
