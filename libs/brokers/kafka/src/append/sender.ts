/** Sends what lanes have: one request a leader at a time, and what comes meanwhile goes with the next. */
import { TransitSet } from "@distribution/collections";
import { type DistributionError, fieldError } from "@distribution/core/errors";
import type { Runtime } from "@distribution/core/runtime";
import { initProducerIdV4 } from "@platformatic/kafka";
import { asUnavailable, type Cluster, type KnownTopic, unknownTopic } from "../connection/cluster.ts";
import { CODE, isMoved, isRefused, nameOf, reasonOf, unavailable } from "../connection/failures.ts";
import { pauseMs } from "../connection/gate.ts";
import type { Density } from "../density.ts";
import type { Settings } from "../options.ts";
import { findBatch } from "./find.ts";
import type { Batch, Lane } from "./lane.ts";
import { type PartitionProduced, produce } from "./produce.ts";

/** Bytes of one request, over all its partitions; one batch may be larger. */
const MAX_REQUEST_BYTES = 16 * 1024 * 1024;
/** The topic is gone when it was not found so many times, so long apart. */
const LOOKS = 2;
const LOOK_MS = 300;

/**
 * A batch that was sent so long ago is not sent again, ms, but looked for: Kafka may have forgotten its producer, and take it twice
 * (producer.id.expiration.ms, a day).
 */
const RESEND_MS = 12 * 3_600_000;

/** Nobody knows who leads: asked for with the next try. */
const NOBODY = -1;

export class Sender {
  readonly #cluster: Cluster;
  readonly #density: Density;
  readonly #settings: Settings;
  readonly #runtime: Runtime;
  /** By leader: lanes that have something to send. */
  readonly #ready = new Map<number, TransitSet<Lane>>();
  readonly #sending = new TransitSet<number>();
  #producer: Promise<bigint> | undefined;
  #trouble: string | undefined;
  #closed = false;

  constructor(cluster: Cluster, density: Density) {
    this.#cluster = cluster;
    this.#density = density;
    this.#settings = cluster.settings;
    this.#runtime = cluster.settings.runtime;
  }

  /** Why the last failed send failed, for those whose time is over; undefined when the last one went well. */
  get trouble(): string | undefined {
    return this.#trouble;
  }

  /** Gets what the first append needs, so that it does not have to wait for it. */
  prepare(): void {
    this.#producerId().catch(() => undefined);
  }

  close(): void {
    this.#closed = true;
  }

  /** The lane has something to send. */
  wake(lane: Lane): void {
    if (lane.state !== "idle" || this.#closed) return;
    const topic = this.#cluster.known(lane.topic);
    const leader = (topic === undefined ? undefined : this.#cluster.leaderOf(topic, lane.partition)) ?? NOBODY;
    lane.state = "ready";
    let lanes = this.#ready.get(leader);
    if (lanes === undefined) {
      lanes = new TransitSet();
      this.#ready.set(leader, lanes);
    }
    lanes.add(lane);
    if (this.#sending.has(leader)) return;
    this.#sending.add(leader);
    void this.#run(leader);
  }

  async #run(leader: number): Promise<void> {
    // What is appended in this turn goes together.
    await undefined;
    for (;;) {
      const lanes = this.#ready.get(leader);
      if (lanes === undefined || lanes.size === 0 || this.#closed) break;
      if (leader === NOBODY) {
        this.#ready.delete(leader);
        for (const lane of lanes) this.#again(lane, "its partition has no leader just now", true);
      } else await this.#send(leader, lanes);
    }
    this.#sending.delete(leader);
  }

  async #send(leader: number, lanes: TransitSet<Lane>): Promise<void> {
    const taken = new Map<Lane, Batch>();
    try {
      const connection = await this.#cluster.connect(leader);
      const id = await this.#producerId();
      this.#fill(lanes, taken, id);
      if (taken.size === 0) return;
      const request = [...taken].map(([{ topic, partition }, { bytes }]) => ({ topic, partition, batch: bytes }));
      const answers = await produce(connection, this.#settings.requestTimeoutMs, request);
      this.#trouble = undefined;
      this.#settle(taken, answers);
    } catch (failure) {
      const why = reasonOf(failure);
      if (taken.size === 0) for (const lane of lanes) taken.set(lane, lane.batch!);
      for (const lane of taken.keys()) {
        lanes.delete(lane);
        this.#again(lane, why, true);
      }
    }
  }

  /** Takes batches from the lanes that are ready, as many as fit a request. */
  #fill(lanes: TransitSet<Lane>, taken: Map<Lane, Batch>, id: bigint): void {
    const now = this.#runtime.clock.wallNs() / 1_000_000n;
    const since = this.#runtime.clock.monotonicMs();
    let bytes = 0;
    for (const lane of lanes) {
      if (lane.nameless) lane.name(id);
      const batch = lane.form(this.#settings.compression, now);
      if (batch !== undefined && taken.size > 0 && bytes + batch.bytes.length > MAX_REQUEST_BYTES) break;
      lanes.delete(lane);
      if (batch === undefined) lane.state = "idle";
      else if (batch.doubts > 0 && since - batch.sentAt > RESEND_MS) this.#find(lane, false);
      else {
        lane.state = "sending";
        lane.sent(since);
        bytes += batch.bytes.length;
        taken.set(lane, batch);
      }
    }
  }

  #settle(taken: ReadonlyMap<Lane, Batch>, answers: readonly PartitionProduced[]): void {
    const byPlace = new Map(answers.map((answer) => [`${answer.topic}/${answer.partition}`, answer]));
    for (const lane of taken.keys()) {
      const answer = byPlace.get(`${lane.topic}/${lane.partition}`);
      // Success is a result for every partition, and nothing less.
      if (answer === undefined) this.#again(lane, "Kafka's answer leaves the partition out", false);
      else if (answer.errorCode === CODE.NONE || answer.errorCode === CODE.DUPLICATE_SEQUENCE)
        this.#placed(lane, answer);
      else this.#failed(lane, answer);
    }
  }

  #placed(lane: Lane, { baseOffset }: PartitionProduced): void {
    if (baseOffset < 0n) {
      this.#find(lane, true);
      return;
    }
    const topic = this.#cluster.known(lane.topic);
    if (topic !== undefined && baseOffset > lane.last) {
      this.#finish(lane, topic, baseOffset);
      return;
    }
    // Offsets only go back in another topic of the same name.
    lane.state = "waiting";
    this.#cluster.topic(lane.topic, 0).then(
      (anew) => this.#finish(lane, anew, baseOffset),
      // It is not known whose position that is: asked for again, the broker names the same.
      (failure: unknown) => this.#again(lane, reasonOf(failure), true),
    );
  }

  #finish(lane: Lane, topic: KnownTopic, base: bigint): void {
    const { records, events } = lane.batch!;
    lane.missed = 0;
    this.#density.note(topic.id, lane.partition, records, events);
    lane.placed(topic, base);
    this.#idle(lane);
  }

  /** Kafka looks at sizes and records before it knows a batch again: what it says of one try says nothing of those before. */
  #failed(lane: Lane, { errorCode: code, message }: PartitionProduced): void {
    const place = `${lane.topic}/${lane.partition}`;
    const why = `${nameOf(code)}${message === null ? "" : `: ${message}`}`;
    if (code === CODE.MESSAGE_TOO_LARGE || code === CODE.RECORD_LIST_TOO_LARGE) {
      lane.untaken();
      if (lane.batch!.doubts > 0) this.#again(lane, why, false);
      else if (lane.split()) this.#idle(lane);
      else {
        const limit = `${place} takes less in one record batch (max.message.bytes of the topic)`;
        this.#reject(lane, fieldError("batch_too_large", "batch", `${limit}; split it or call ensureTopic`));
      }
    } else if (code === CODE.OUT_OF_ORDER_SEQUENCE || code === CODE.UNKNOWN_PRODUCER_ID) {
      this.#settings.logger?.warn(
        { topic: lane.topic, partition: lane.partition },
        `Kafka lost count of what we appended: ${why}`,
      );
      lane.untaken();
      lane.restart();
      this.#idle(lane);
    } else if (code === CODE.INVALID_PRODUCER_EPOCH || code === CODE.PRODUCER_FENCED) {
      lane.untaken();
      this.#producer = undefined;
      this.#producerId().then(
        (id) => {
          lane.name(id);
          lane.restart();
          this.#again(lane, why, false);
        },
        () => this.#again(lane, why, false),
      );
    } else if (code === CODE.INVALID_RECORD || code === CODE.UNSUPPORTED_FOR_MESSAGE_FORMAT) {
      lane.untaken();
      if (lane.batch!.doubts > 0) this.#again(lane, why, false);
      else this.#reject(lane, fieldError("invalid_request", "batch", `${place} refuses it: ${why}`));
    } else if (isRefused(code)) {
      lane.untaken();
      const told = unavailable(`Kafka does not let us append to ${place}: ${why}; grant Write on the topic.`);
      for (const { write } of lane.batch!.parts) write.call.giveUp(told);
      this.#again(lane, why, false);
    } else {
      if (code === CODE.NOT_ENOUGH_REPLICAS) lane.untaken();
      this.#again(lane, why, isMoved(code));
    }
  }

  /** Tries again after a pause, with what is then known of the topic. */
  #again(lane: Lane, why: string, look: boolean): void {
    this.#trouble = why;
    lane.state = "waiting";
    const wait = Math.max(pauseMs(lane.batch?.tries ?? 1, this.#runtime), lane.missed > 0 ? LOOK_MS : 1);
    this.#runtime.timers.after(wait, () => {
      if (this.#closed) return;
      if (!look) {
        this.#idle(lane);
        return;
      }
      this.#cluster.topic(lane.topic, 0).then(
        () => {
          lane.missed = 0;
          this.#idle(lane);
        },
        (failure: DistributionError) => {
          if (failure.code === "unknown_topic") lane.missed += 1;
          if (lane.missed >= LOOKS) this.#rejectAll(lane, unknownTopic(lane.topic));
          else if (failure.code === "unknown_topic") this.#again(lane, why, true);
          else this.#idle(lane);
        },
      );
    });
  }

  #idle(lane: Lane): void {
    lane.state = "idle";
    if (lane.waiting) this.wake(lane);
  }

  #reject(lane: Lane, error: DistributionError): void {
    for (const { write } of lane.refused()) write.refused(error);
    this.#idle(lane);
  }

  /** Looks for the batch. `isThere`: Kafka has it and does not say where, since it no longer keeps count of it. */
  #find(lane: Lane, isThere: boolean): void {
    lane.state = "waiting";
    const { partition, batch, last } = lane;
    const finding = this.#cluster.topic(lane.topic, 0).then(async (topic) => {
      const base = await findBatch(this.#cluster, { topic, partition, batch: batch!.bytes, after: last });
      if (base === "gone") this.#disown(lane);
      else if (base === "absent" && isThere) throw unavailable("what Kafka has is not to be seen there yet");
      else if (base === "absent") {
        lane.absent();
        this.#idle(lane);
      } else {
        this.#finish(lane, topic, base);
        // What follows must not be taken for what Kafka has behind it.
        lane.restart();
      }
    });
    finding.catch((failure: unknown) => this.#again(lane, reasonOf(failure), true));
  }

  /** The batch was in the log, and is gone from it. */
  #disown(lane: Lane): void {
    const what = `What was appended to ${lane.topic}/${lane.partition} is not kept any more`;
    const error = unavailable(`${what}; lengthen the topic's retention.`);
    for (const { write } of lane.disowned()) {
      write.call.unsent();
      write.refused(error);
    }
    this.#idle(lane);
  }

  #rejectAll(lane: Lane, error: DistributionError): void {
    lane.missed = 0;
    for (const { write } of lane.abandon()) write.refused(error);
    lane.state = "idle";
  }

  #producerId(): Promise<bigint> {
    this.#producer ??= this.#cluster
      .ask(
        () => "any",
        (connection) => initProducerIdV4.api.async(connection, null, 60_000, -1n, -1),
      )
      .then((answer) => answer.producerId)
      .catch((failure: unknown) => {
        this.#producer = undefined;
        throw asUnavailable(failure);
      });
    return this.#producer;
  }
}
