/**
 * A service that is killed again and again, mostly in the middle of an append to several topics, on a broker without
 * transactions; its publishers repeat what was not answered. Every topic has every event that was answered once, and in order.
 */
import type { Event } from "@distribution/proto-types/distribution/v1/event";
import { createHistory } from "@distribution/testkit/history";
import { createMemoryBroker, createSimulatedRuntime, type Fate } from "@distribution/testkit/simulation";
import { expect, it } from "vitest";
import type { Broker, PartitionWrite } from "../../src/brokers/contract.ts";
import { AppendUnsettled } from "../../src/brokers/unsettled.ts";
import { DistributionError, fieldError } from "../../src/errors.ts";
import { decodeEvent, messageAt, packEvents } from "../../src/events/index.ts";
import type { PublishResult } from "../../src/ingest/index.ts";
import { event, eventsIn, open, publisher, topic } from "./support.ts";

const SEEDS = Number(process.env["SIMULATION_SEEDS"] ?? 30);
const [HOME, COPY, THIRD] = ["sim.home", "sim.copy", "sim.third"] as const;
const TOPICS = [topic(HOME, 2), topic(COPY, 2), topic(THIRD)];
/** Where events go, by their type. */
const WAYS: Readonly<Record<string, readonly string[]>> = {
  alone: [HOME],
  copied: [HOME, COPY],
  everywhere: [HOME, COPY, THIRD],
};
const ROUTES = Object.entries(WAYS).map(([type, to]) => ({ name: type, when: { types: [type] }, to: [...to] }));
const BOUNDS = { windowEvents: 5000, batchEvents: 100, inFlightEvents: 1000, sequenceKeys: 2 };
const KEYS = ["a", "b", "c"];
const never = new Promise<never>(() => undefined);

class World {
  readonly runtime;
  readonly broker;
  /** What publishers reach now; undefined: nothing, it is being started. */
  service: Service | undefined;
  /** By key, the last number that the log has. */
  readonly counts = new Map<string, number>();
  /** Resolves when it is known what became of every append so far. */
  #settled: Promise<unknown> = Promise.resolve();

  constructor(seed: number) {
    this.runtime = createSimulatedRuntime(seed);
    this.broker = createMemoryBroker(this.runtime, { transactions: false });
    this.broker.faults = {
      appendDelay: () => this.below(8),
      readDelay: () => 0,
      failure: (operation) =>
        operation === "append" && this.below(12) === 0 ? new DistributionError("unavailable", "Not now.") : undefined,
      doubt: (writes) => {
        if (this.below(8) > 0) return undefined;
        const isThere = this.below(2) === 0;
        const fates = Array.from({ length: writes }, (): Fate => {
          if (!isThere) return "never";
          return this.below(2) === 0 ? "stored" : "late";
        });
        return { fates, knownAfter: this.below(100) };
      },
    };
  }

  /** What is in the broker's hands comes to its end, whatever becomes of who sent it. */
  append(writes: readonly PartitionWrite[]): ReturnType<Broker["append"]> {
    const result = this.broker.append(writes);
    const over = result.catch<unknown>((failure) => failure instanceof AppendUnsettled && failure.settled);
    this.#settled = Promise.all([this.#settled, over]);
    return result;
  }

  /** A whole number below this. */
  readonly below = (count: number): number => Math.floor(this.runtime.random.next() * count);

  async log(name: string): Promise<readonly (readonly Event[])[]> {
    const { partitions } = TOPICS.find((each) => each.name === name)!;
    return Promise.all(Array.from({ length: partitions }, (_, partition) => eventsIn(this.broker, name, partition)));
  }

  /** Follows what the rule judges by. */
  async follow(): Promise<void> {
    for (const each of TOPICS) await this.broker.admin.ensureTopic(each);
    for (const { partition } of await this.broker.admin.partitions(HOME)) {
      const reader = await this.broker.read(HOME, partition, { at: "earliest" });
      void (async () => {
        for (;;) {
          for (const { batch } of await reader.next(1 << 20)) {
            for (let index = 0; index < batch.count; index += 1) {
              const { key, data } = decodeEvent(messageAt(batch, index));
              this.counts.set(key, numberIn(data!));
            }
          }
        }
      })();
    }
  }

  /** Starts one, lets it live for a while, and kills it: for the next append that it makes to several topics, or at once. */
  async live(ms: number): Promise<void> {
    const service = await startService(this);
    this.service = service;
    await this.runtime.sleep(ms);
    service.die(this.below(4) > 0);
    await service.death;
    this.service = undefined;
    await this.runtime.sleep(100 + this.below(100));
    // What comes into the log behind what the next one read at its start, that one cannot know.
    await this.#settled;
  }
}

interface Service {
  publish(events: readonly Event[], subject: string): Promise<PublishResult>;
  /** Resolves when it is dead: then it answers nothing any more. */
  readonly death: Promise<void>;
  die(amidAppend: boolean): void;
}

async function startService(world: World): Promise<Service> {
  const { runtime, broker } = world;
  const { promise: death, resolve: end } = Promise.withResolvers<void>();
  let isDying = false;
  let isDead = false;
  const kill = (): void => {
    isDead = true;
    end();
  };
  const append: Broker["append"] = async (writes) => {
    if (isDead) return never;
    if (isDying && writes.length > 1) {
      kill();
      const reached = writes.filter(() => world.below(2) === 0);
      if (reached.length > 0) await world.append(reached).catch(() => undefined);
      return never;
    }
    try {
      const appended = await world.append(writes);
      return isDead ? await never : appended;
    } catch (failure) {
      if (isDead) return never;
      throw failure;
    }
  };
  const { ingest } = await open({
    ...{ runtime, topics: TOPICS, routes: ROUTES, bounds: BOUNDS, broker: { ...broker, append } },
  });
  ingest.govern<number, number>(numbersOf(world));
  return {
    death,
    publish: (events, subject) => ingest.publish(HOME, packEvents(events), publisher(subject)),
    die(amidAppend) {
      isDying = amidAppend;
      if (amidAppend) runtime.timers.after(2000, kill);
      else kill();
    },
  };
}

/** Each number of a key only right behind the one before; that the log is followed is told a little late. */
const numbersOf = ({ runtime, counts, below }: World) => ({
  topic: HOME,
  payload: { decode: numberIn },
  by: [{ name: "numbers", lack: () => undefined, reached: () => runtime.sleep(below(20)) }],
  current: (key: string) => counts.get(key) ?? 0,
  next(count = 0, { payload, envelope: { key } }: { payload: number; envelope: { key: string } }) {
    if (payload === count + 1) return payload;
    throw fieldError("illegal_transition", "data", `${key} is at ${count}, not before ${payload}.`);
  },
});

const numberIn = (bytes: Uint8Array): number => Number(Buffer.from(bytes).toString());

/** Answers how often it was killed. */
async function simulate(seed: number): Promise<number> {
  const world = new World(seed);
  const { runtime } = world;
  await world.follow();
  const history = createHistory();
  const wayOf = new Map<string, readonly string[]>();
  const untilTaken = async (name: string, batch: readonly Event[]): Promise<void> => {
    for (;;) {
      const { service } = world;
      if (service !== undefined) {
        try {
          const result = await Promise.race([service.publish(batch, name), service.death]);
          for (const { id } of result === undefined ? [] : batch) history.settle(id, "acknowledged");
          if (result !== undefined) return;
        } catch (failure) {
          expect(failure).toMatchObject({ code: "unavailable" });
        }
      }
      await runtime.sleep(world.below(60));
    }
  };
  const work = async (name: string): Promise<void> => {
    const numbers = new Map<string, number>();
    for (let round = 0; round < 25; round += 1) {
      const batch = Array.from({ length: 1 + world.below(5) }, () => {
        const key = `${name}-${KEYS[world.below(KEYS.length)]}`;
        const number = (numbers.get(key) ?? 0) + 1;
        numbers.set(key, number);
        const type = Object.keys(WAYS)[world.below(3)]!;
        const id = `${key}-${number}`;
        wayOf.set(id, WAYS[type]!);
        history.publish(id, key);
        return event(id, { key, type, data: Buffer.from(String(number)) });
      });
      await untilTaken(name, batch);
    }
  };
  const working = Promise.all(["p", "q", "r"].map(work));
  let isOver = false;
  let kills = 0;
  const ended = working.finally(() => {
    isOver = true;
  });
  ended.catch(() => undefined);
  const living = (async () => {
    for (; !isOver; kills += 1) await world.live(world.below(300));
  })();
  for (let step = 0; step < 5000 && !isOver; step += 1) await runtime.run(50);
  await ended;
  await Promise.all([living, runtime.run(10_000)]);
  for (const name of [HOME, COPY, THIRD]) {
    const observer = history.observer(name, { expects: (id) => wayOf.get(id)!.includes(name) });
    for (const { id } of (await world.log(name)).flat()) observer.saw(id);
  }
  const report = history.report();
  expect([seed, report.faultless, report]).toMatchObject([seed, true, { unknown: 0 }]);
  return kills;
}

it.each(Array.from({ length: SEEDS }, (_, index) => index + 1))(
  "killed in the middle of appends, a service loses and doubles nothing, in whichever topic (seed %i)",
  async (seed) => {
    expect(await simulate(seed)).toBeGreaterThan(1);
  },
  60_000,
);
