/** Ingest: from an authorized publisher's batch to durable events, all or nothing. */
import { TransitMap } from "@distribution/collections";
import type { Appended, Broker } from "../brokers/contract.ts";
import { AppendUnsettled, type Stored } from "../brokers/unsettled.ts";
import { DistributionError, fieldError, toDistributionError } from "../errors.ts";
import type { PackedBatch } from "../events/index.ts";
import type { Logger, Metrics } from "../observability/index.ts";
import type { Router } from "../routing/contract.ts";
import type { Runtime } from "../runtime/index.ts";
import type { Guard, Identity } from "../security/contract.ts";
import type { TopicDefinition } from "../topics.ts";
import type { Pipeline } from "../transforms/contract.ts";
import { Admission } from "./admission.ts";
import { type IngestBounds, ingestBoundsOf } from "./bounds.ts";
import type { Blocker } from "./claims.ts";
import type { IngestService, PublishResult, SequenceStep } from "./contract.ts";
import { DuplicateWindow } from "./duplicate-window.ts";
import { EventIdentity } from "./event-identity.ts";
import { Examiner } from "./examiner.ts";
import { Gathering } from "./gathering.ts";
import { Intakes } from "./intake.ts";
import { Mending } from "./mending.ts";
import { Publication, PublishOutcome } from "./publication.ts";
import { Refinery } from "./refinery.ts";
import { restoreWindow } from "./restore.ts";
import type { TransitionRule } from "./rule.ts";
import { SequenceCheck } from "./sequence-check.ts";
import { SequenceTracker } from "./sequence-tracker.ts";
import type { TakenPublish } from "./taken-publish.ts";
import { Transitions } from "./transitions.ts";
import { Whereabouts } from "./whereabouts.ts";

export interface IngestOptions {
  readonly broker: Broker;
  readonly topics: readonly TopicDefinition[];
  readonly router: Router;
  /** By the topic that publishers name: what its events go through before they are routed. */
  readonly pipelines?: ReadonlyMap<string, Pipeline>;
  readonly runtime: Runtime;
  readonly metrics: Metrics;
  readonly guard: Guard;
  /** Who may publish on internal topics: this very object, as anybody could have its subject. Absent: nobody. */
  readonly ownIdentity?: Identity;
  readonly logger?: Logger;
  /** Each has a default; see ingestBoundsSchema. */
  readonly bounds?: Partial<IngestBounds>;
  /** Told of gaps and steps back in a source's sequence, after the events are durable. It should not throw. */
  readonly onSequence?: (step: SequenceStep) => void;
}

/**
 * Deduplication is by (source, id) among the newest events of the service within `windowEvents`, `windowMs` and
 * `windowBytes`. The log is the record: `restore` finds the window again in it, so a repeat is known across a restart.
 * Each replica knows what it took in and what it found in the log at its start; a publisher that repeats on another
 * replica goes unnoticed there, unless its events went through it before. What a crash left in some of its topics only, on a
 * broker without `transactions`, comes to the others when it is repeated.
 *
 * Throws `invalid_request` naming each bound that is out of its range.
 */
export function createIngest(options: IngestOptions): IngestService {
  return new IngestStage(options);
}

class IngestStage implements IngestService {
  readonly #options: IngestOptions;
  readonly #bounds: IngestBounds;
  readonly #admission: Admission;
  readonly #window: DuplicateWindow;
  readonly #whereabouts = new Whereabouts();
  readonly #identity: EventIdentity;
  readonly #tracker: SequenceTracker;
  readonly #sequences: SequenceCheck;
  readonly #intakes: Intakes;
  readonly #gathering: Gathering;
  readonly #refinery: Refinery;
  readonly #mending: Mending;
  readonly #transitions: Transitions;
  readonly #examiner: Examiner;
  /** By subject: resolves when the last of its publishes that has to wait has been handed to the broker. */
  readonly #turns = new TransitMap<string, Promise<void>>();
  #state: "starting" | "open" | "draining" = "starting";

  constructor(options: IngestOptions) {
    const { broker, topics, router, runtime, metrics, pipelines = new Map(), onSequence, logger } = options;
    const bounds = ingestBoundsOf(options.bounds ?? {});
    this.#options = options;
    this.#bounds = bounds;
    this.#admission = new Admission(bounds);
    this.#window = new DuplicateWindow({
      events: bounds.windowEvents,
      pendingEvents: bounds.inFlightEvents,
      ageMs: bounds.windowMs,
      bytes: bounds.windowBytes,
    });
    this.#identity = new EventIdentity(runtime.random);
    this.#tracker = new SequenceTracker(bounds.sequenceKeys);
    this.#sequences = new SequenceCheck({ tracker: this.#tracker, onSequence, logger });
    this.#intakes = new Intakes(topics, router, metrics);
    this.#gathering = new Gathering(broker.capabilities.maxBatchBytes);
    this.#refinery = new Refinery(pipelines);
    this.#mending = new Mending({
      window: this.#window,
      whereabouts: this.#whereabouts,
      gathering: this.#gathering,
    });
    this.#transitions = new Transitions(runtime, bounds);
    this.#examiner = new Examiner({
      intakes: this.#intakes,
      window: this.#window,
      identity: this.#identity,
      gathering: this.#gathering,
      refinery: this.#refinery,
      mending: this.#mending,
      transitions: this.#transitions,
    });
  }

  govern<State, Payload>(rule: TransitionRule<State, Payload>): void {
    this.#transitions.add(rule, this.#intakes.of(rule.topic).topic);
  }

  async publish(topic: string, batch: PackedBatch, identity: Identity): Promise<PublishResult> {
    try {
      this.#assertOpen();
      this.#admission.enter(batch);
      try {
        this.#options.guard.authorize(identity, { kind: "publish", topic });
        const intake = this.#intakes.of(topic);
        this.#assertPublic(intake.topic, identity);
        return await this.#take(new Publication(intake, batch, identity.subject));
      } finally {
        this.#admission.leave(batch);
      }
    } catch (failure) {
      const error = toDistributionError(failure);
      this.#options.metrics.counter("distribution_ingest_refused_total", { code: error.code }).value += 1;
      throw error;
    }
  }

  async restore() {
    const { broker, topics, runtime, logger } = this.#options;
    const restored = await restoreWindow({
      broker,
      topics,
      clock: runtime.clock,
      bounds: this.#bounds,
      window: this.#window,
      whereabouts: this.#whereabouts,
      identity: this.#identity,
      tracker: this.#tracker,
      logger,
      // A pipeline's results say nothing of what was published: such events are known by source and id alone.
      bodiesAreKnown: !this.#refinery.isUsed,
    });
    if (this.#state === "starting") this.#state = "open";
    return restored;
  }

  async drain(): Promise<void> {
    this.#state = "draining";
    await this.#admission.idle();
  }

  inFlight() {
    const { batches, events, bytes } = this.#admission;
    return { batches, events, bytes };
  }

  #assertOpen(): void {
    if (this.#state === "open") return;
    if (this.#state === "draining") {
      throw new DistributionError(
        "draining",
        "The service is going down and takes no more events. Use another replica.",
      );
    }
    const { retryAfterMs } = this.#bounds;
    throw new DistributionError("unavailable", "The service is starting. Send the batch again.", { retryAfterMs });
  }

  #assertPublic({ internal, name }: TopicDefinition, identity: Identity): void {
    if (!internal || identity === this.#options.ownIdentity) return;
    throw fieldError("forbidden", "topic", `Only the service itself publishes on ${name}. Choose another topic.`);
  }

  /** Hands the publication to the broker: in this turn of the event loop, unless it has to wait for another one. */
  async #take(publication: Publication): Promise<PublishResult> {
    try {
      const before = this.#turns.get(publication.subject);
      if (before !== undefined) await this.#takeInTurn(publication, before);
      else {
        const blocker = this.#handOver(publication);
        if (blocker !== undefined) await this.#takeInTurn(publication, blocker.settled(0));
      }
      return await this.#settle(publication, publication.taken!);
    } finally {
      if (!publication.doubtful) this.#transitions.release(publication);
    }
  }

  /**
   * Waits for publishes under way that hold some of its events: their outcome decides whether these are repeats. What
   * the same subject publishes meanwhile waits behind it, so that the log keeps the order; nobody else waits. How long it waited so
   * counts: of many that hang on one that is stuck, none waits for as long as all before it together.
   */
  async #takeInTurn(publication: Publication, before: Promise<void>): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#turns.set(publication.subject, promise);
    const { clock } = this.#options.runtime;
    const since = clock.monotonicMs();
    try {
      await before;
      for (;;) {
        const blocker = this.#handOver(publication);
        if (blocker === undefined) return;
        await blocker.settled(clock.monotonicMs() - since);
      }
    } finally {
      if (this.#turns.get(publication.subject) === promise) this.#turns.delete(publication.subject);
      resolve();
    }
  }

  /** Examines, writes and appends. Answers what has to settle first, if there is something. */
  #handOver(publication: Publication): Blocker | undefined {
    const { broker, runtime } = this.#options;
    this.#window.expire(runtime.clock.monotonicMs());
    const blocker = this.#examiner.examine(publication);
    if (blocker !== undefined) return blocker;
    const gathering = this.#gathering;
    const taken = publication.taken!;
    try {
      if (taken.size === 0) return undefined;
      const writes = gathering.write(runtime.clock.wallNs(), publication, taken);
      publication.appending = broker.append(writes);
    } catch (failure) {
      this.#window.release(taken);
      throw failure;
    } finally {
      gathering.clear();
    }
    return undefined;
  }

  async #settle(publication: Publication, taken: TakenPublish): Promise<PublishResult> {
    const { counters } = publication.intake;
    const duplicates = publication.repetitions.size;
    if (publication.appending === undefined) this.#window.release(taken);
    else {
      await this.#becomeDurable(publication, publication.appending, taken);
      const fresh = publication.batch.count - duplicates;
      counters.events.value += fresh;
      counters.bytes.value += publication.freshBytes;
      publication.countDecisions();
      this.#sequences.check(publication);
    }
    counters.duplicates.value += duplicates;
    return new PublishOutcome(publication, taken);
  }

  async #becomeDurable(
    publication: Publication,
    appending: Promise<readonly Appended[]>,
    taken: TakenPublish,
  ): Promise<void> {
    let appended: readonly Appended[];
    try {
      appended = await appending;
    } catch (failure) {
      if (failure instanceof AppendUnsettled) throw this.#doubt(publication, taken, failure);
      this.#window.release(taken);
      throw failure;
    }
    for (const [index, placement] of taken.placements.entries()) {
      placement.appended = appended[index]!;
    }
    if (taken.loans.length > 0) this.#mended(publication, taken);
    this.#window.commit(taken, this.#options.runtime.clock.monotonicMs());
    this.#transitions.committed(publication);
  }

  /** Made durable what was missing of events that the log had in part. */
  #mended(publication: Publication, taken: TakenPublish): void {
    const events = taken.loans.reduce((sum, { ordinals }) => sum + ordinals.size, 0);
    const all = () => true;
    this.#mending.settle(publication, taken, all, all);
    const message = "Events that a crash had left in some of their topics are in the others now.";
    this.#options.logger?.info({ topic: publication.intake.topic.name, events }, message);
  }

  /** Refused, but not over: what it holds stays held until the broker knows what became of it. */
  #doubt(publication: Publication, taken: TakenPublish, failure: AppendUnsettled): DistributionError {
    publication.doubtful = true;
    this.#admission.remember(publication.batch);
    taken.doubt();
    this.#transitions.doubt(publication);
    void failure.settled.then((stored) => {
      this.#admission.forget(publication.batch);
      try {
        this.#learn(publication, taken, stored);
      } catch (err) {
        // Nobody is there to be told: what it holds is given back, and the service goes on.
        this.#transitions.release(publication);
        this.#options.logger?.error({ err }, "What became of a refused publish could not be followed to its end.");
      }
    });
    const { code, message, errors, retryAfterMs } = failure;
    const remedy = "Events of the batch may be in the log: send it again with the same ids, and they are answered for.";
    const details = { errors, cause: failure, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
    return new DistributionError(code, `${message.replace(/\.$/, "")}. ${remedy}`, details);
  }

  /** It is known what became of a refused publish. */
  #learn(publication: Publication, taken: TakenPublish, stored: readonly (Stored | undefined)[]): void {
    const isStored = taken.place(stored);
    const isThere = (write: number, index: number): boolean => stored[write]?.has(index) === true;
    this.#mending.settle(publication, taken, isThere, isStored);
    if (taken.size === 0) this.#window.release(taken);
    else this.#window.commit(taken, this.#options.runtime.clock.monotonicMs());
    // Also when only what a pipeline made beside the events is in the log: it has keys as well.
    this.#transitions.committed(publication);
    if (stored.every((one) => one === undefined)) return;
    const { events, bytes } = publication.storedOf(isStored);
    const { counters } = publication.intake;
    counters.events.value += events;
    counters.bytes.value += bytes;
    publication.countDecisions(isStored);
    this.#sequences.check(publication, isStored);
    const refused = taken.placements.filter((_, write) => stored[write] === undefined);
    if (refused.length === 0) return;
    const places = refused.map(({ topic, partition }) => `${topic}/${partition}`);
    const message = "A refused publish is in the log in part: the other partitions refuse theirs for good.";
    this.#options.logger?.error({ places, events }, message);
  }
}
