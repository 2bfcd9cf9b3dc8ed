/** A whole engine on a broker in memory, in simulated time, with publishers and clients; everything random comes from the seed. */
import { Event, EventClass } from "@distribution/proto-types/distribution/v1/event";
import {
  createMemoryBroker,
  createSimulatedRuntime,
  type MemoryBroker,
  type SimulatedRuntime,
} from "@distribution/testkit/simulation";
import { type Engine, openEngine } from "../../src/engine.ts";
import { DistributionError } from "../../src/errors.ts";
import { packEvents } from "../../src/events/index.ts";
import { createMetrics } from "../../src/observability/index.ts";
import { ANONYMOUS, createLoopbackGuard, createSealer } from "../../src/security/index.ts";
import type { Place } from "../../src/tail/index.ts";
import type { TopicDefinition } from "../../src/topics.ts";

export interface Published {
  readonly id: string;
  readonly key: string;
  readonly value: number;
  readonly topic: string;
  readonly place: string;
}

const KEYS = ["a", "b", "c", "d", "e", "f", "g", "h"];
/** Of another deployment, which writes to partitions that were added. */
const OTHER_KEYS = ["n0", "n1", "n2"];
/** Keys of large tables, which a walk does not see in one step. */
const WIDE_KEYS = Array.from({ length: 700 }, (_, key) => `w${key}`);

/** Partitions that the service starts with. */
export const PARTITIONS = 2;

export const SIM_TOPICS: readonly TopicDefinition[] = [
  topic("sim.quotes", { keys: 2_000, bytes: 8 * 1024 * 1024 }),
  topic("sim.trades", undefined),
];

function topic(name: string, table: TopicDefinition["table"]): TopicDefinition {
  // A ring of a few batches, so that slow clients meet the log.
  return {
    name,
    description: name,
    partitions: PARTITIONS,
    retention: {},
    compaction: false,
    eventTypes: [],
    ringBytes: 6_000,
    ...(table && { table }),
  };
}

export class World {
  readonly runtime: SimulatedRuntime;
  readonly broker: MemoryBroker;
  /** Acknowledged events, by place. */
  readonly published = new Map<string, Published>();
  readonly refused: string[] = [];
  /** What the log lost before it was read. */
  /** Topics that were given one partition more. */
  readonly grown = new Set<string>();
  readonly losses: { topic: string; partition: number; from: Place; to: Place }[] = [];
  engine!: Engine;
  #count = 0;

  constructor(seed: number) {
    this.runtime = createSimulatedRuntime(seed);
    this.broker = createMemoryBroker(this.runtime);
  }

  /** A whole number from 0 to below `limit`. */
  pick(limit: number): number {
    return Math.floor(this.runtime.random.next() * limit);
  }

  chance(probability: number): boolean {
    return this.runtime.random.next() < probability;
  }

  async open(): Promise<void> {
    const silent = { debug() {}, info() {}, warn() {}, error() {} };
    const opening = openEngine({
      name: "sim",
      topics: SIM_TOPICS,
      broker: this.broker,
      sealer: createSealer(new Uint8Array(32), "sim"),
      guard: createLoopbackGuard(),
      runtime: this.runtime,
      logger: silent,
      metrics: createMetrics(),
      // Little in a turn, so that walks and catching up take many.
      sessionLimits: { maxWaitingBytes: 64 * 1024 * 1024, maxTurnBytes: 8 * 1024 },
    });
    let engine: Engine | undefined;
    opening.then(
      (opened) => {
        engine = opened;
      },
      () => undefined,
    );
    for (let tries = 0; !engine && tries < 1_000; tries += 1) await this.runtime.run(10);
    this.engine = await opening;
    this.engine.tail.listen({
      name: "world",
      events() {},
      lost: ({ topic: { name }, partition }, from, to) => void this.losses.push({ topic: name, partition, from, to }),
    });
  }

  /** Slow and sometimes failing. */
  disturb(): void {
    this.broker.faults = {
      appendDelay: () => this.runtime.random.next() * 8,
      readDelay: () => (this.chance(0.5) ? this.runtime.random.next() * 5 : 0),
      failure: (operation) =>
        this.chance(operation === "append" ? 0.05 : 0.02)
          ? new DistributionError("unavailable", "simulated")
          : undefined,
    };
  }

  calm(): void {
    this.broker.faults = { appendDelay: () => 0, readDelay: () => 0, failure: () => undefined };
  }

  /** A batch of some events, to one topic. */
  publish(): void {
    const { name } = SIM_TOPICS[this.pick(SIM_TOPICS.length)]!;
    const keys = this.chance(0.1) ? WIDE_KEYS : KEYS;
    this.#publish(
      name,
      Array.from({ length: 1 + this.pick(20) }, () => this.#event(keys[this.pick(keys.length)]!)),
    );
  }

  /** Somebody gives a topic one partition more; the service sees it a while later. */
  grow(): void {
    const topic = SIM_TOPICS[this.pick(SIM_TOPICS.length)]!;
    const { name } = topic;
    if (this.grown.has(name)) return;
    this.grown.add(name);
    void this.broker.admin.ensureTopic({ ...topic, partitions: PARTITIONS + 1 });
    this.runtime.timers.after(this.pick(1_000), () => void this.engine.tail.look(name).catch(() => undefined));
  }

  /** A batch of another deployment, to each partition that was added. */
  publishBeside(): void {
    for (const name of this.grown) {
      const events = Array.from({ length: 1 + this.pick(5) }, () =>
        this.#event(OTHER_KEYS[this.pick(OTHER_KEYS.length)]!),
      );
      this.broker.append([{ topic: name, partition: PARTITIONS, batch: packEvents(events) }]).then(
        ([appended]) => {
          const { epoch, offsetAt } = appended!;
          for (const [index, event] of events.entries())
            this.#remember(event, name, PARTITIONS, epoch, offsetAt(index));
        },
        () => undefined,
      );
    }
  }

  /** Makes the table large. */
  fill(): void {
    this.#publish(
      "sim.quotes",
      WIDE_KEYS.map((key) => this.#event(key)),
    );
  }

  /** Remembered once it is acknowledged. */
  #publish(name: string, events: readonly Event[]): void {
    this.engine.ingest.publish(name, packEvents(events), ANONYMOUS).then(
      ({ positions }) => {
        for (const [index, { partition, epoch, offset }] of positions.entries())
          this.#remember(events[index]!, name, partition, epoch, offset);
      },
      () => this.refused.push(...events.map(({ id }) => id)),
    );
  }

  #remember({ id, key, data }: Event, name: string, partition: number, epoch: string, offset: string): void {
    const { value } = JSON.parse(String(data));
    const place = `${name}/${partition}/${epoch}/${offset}`;
    this.published.set(place, { id, key, value, topic: name, place });
  }

  #event(key: string): Event {
    this.#count += 1;
    const value = this.pick(100);
    return Event.create({
      id: `e${this.#count}`,
      source: "/sim",
      type: "sim.event.v1",
      key,
      class: EventClass.QUOTE,
      contentType: "application/json",
      data: Buffer.from(
        JSON.stringify({
          value,
          text: "x".repeat(this.chance(key.length > 1 ? 0.001 : 0.03) ? 25_000 : this.pick(120)),
        }),
      ),
    });
  }
}
