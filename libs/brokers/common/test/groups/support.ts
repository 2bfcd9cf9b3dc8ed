/** One process of a group for tests: an engine on a fake log, with simulated time and progress kept as text, as a broker keeps it. */
import type { GroupMember, GroupOptions, Position } from "@distribution/core/brokers";
import { DistributionError } from "@distribution/core/errors";
import { type TakenEvent, takenOf } from "@distribution/testkit/broker";
import { createSimulatedRuntime, type SimulatedRuntime } from "@distribution/testkit/simulation";
import { expect } from "vitest";
import {
  createGroups,
  decodeProgress,
  type EngineGroup,
  encodeProgress,
  type Groups,
  type GroupsOptions,
  type Progress,
} from "../../src/index.ts";
import { compareOffsets, FakeLog } from "./fake-log.ts";

export interface World {
  readonly runtime: SimulatedRuntime;
  readonly log: FakeLog;
  /** Stored progress, by partition. */
  readonly kept: Map<string, string>;
  /** What the store was asked, in order. */
  readonly stores: string[];
  readonly failures: DistributionError[];
  /** Thrown by the next calls of the store, one each. */
  readonly storeFailures: Error[];
  readonly sessions: string[];
}

export function createWorld(seed = 1): World {
  const runtime = createSimulatedRuntime(seed);
  const [stores, failures, storeFailures, sessions] = [[], [], [], []];
  return { runtime, log: new FakeLog(), kept: new Map(), stores, failures, storeFailures, sessions };
}

const BEGINNING: Progress = { epoch: "e1", floor: "0.0", above: [], attempts: [] };

/** What a process that is given the partition now goes on with. */
export const keptProgress = (world: World, partition: number): Progress => {
  const text = world.kept.get(`t/${partition}`);
  return text === undefined ? BEGINNING : decodeProgress(text)!;
};

export interface Process {
  readonly groups: Groups;
  readonly member: GroupMember;
  readonly group: EngineGroup;
  /** Gives it the partition with the progress that is kept. */
  assign(partition: number): void;
}

export interface ProcessOptions extends Partial<GroupsOptions> {
  readonly partitions?: readonly number[];
  readonly maxBytes?: number;
  /** Whether the store takes progress of the partition from this process. Default: it does. */
  readonly owns?: (partition: number) => boolean;
  readonly join?: Partial<GroupOptions>;
}

export function createEngine(world: World, options: ProcessOptions = {}): Groups {
  const { maxBytes = 4096 } = options;
  let storing = false;
  return createGroups({
    ...{ runtime: world.runtime, windowEvents: 1000, windowBytes: 1024 * 1024, compareOffsets, read: world.log.read },
    async store(_, parts) {
      expect(storing, "one call at a time").toBe(false);
      storing = true;
      // The round trip of a real store; what settles meanwhile goes along.
      await world.runtime.sleep(1);
      const failure = world.storeFailures.shift();
      const texts = parts.map((part) => [`t/${part.partition}`, encodeProgress(part.take(), maxBytes)] as const);
      world.stores.push(texts.map(([name]) => name).join(" "));
      await world.runtime.sleep(1);
      storing = false;
      if (failure !== undefined) throw failure;
      if (parts.some(({ partition }) => options.owns?.(partition) === false)) {
        throw new DistributionError("unavailable", "fenced");
      }
      for (const [name, text] of texts) world.kept.set(name, text);
    },
    async start(group) {
      world.sessions.push(`start ${group.name}`);
      for (const partition of options.partitions ?? [0]) {
        group.add({ topic: "t", partition, progress: keptProgress(world, partition) });
      }
      return {
        async close() {
          world.sessions.push(`close ${group.name}`);
        },
      };
    },
    onFailure: (error) => world.failures.push(error),
    ...options,
  });
}

export const JOIN: GroupOptions = { name: "g", topics: ["t"], from: "earliest", ackTimeoutMs: 1000 };

export async function createProcess(world: World, options: ProcessOptions = {}): Promise<Process> {
  const groups = createEngine(world, options);
  const member = await groups.join({ ...JOIN, ...options.join });
  const group = groups.find("g")!;
  return {
    ...{ groups, member, group },
    assign: (partition) => group.add({ topic: "t", partition, progress: keptProgress(world, partition) }),
  };
}

/** What the promise gives within this much simulated time, which ends as soon as it is done; "waiting" when it is not. */
export async function within<T>(world: World, promise: Promise<T>, ms = 0): Promise<T | "waiting"> {
  let done = false;
  const watched = promise.finally(() => {
    done = true;
  });
  watched.catch(() => undefined);
  await world.runtime.run(0);
  for (let step = 0; step < ms && !done; step += 1) await world.runtime.run(1);
  return done ? watched : "waiting";
}

/** Runs simulated time until the promise is done. */
export async function finish<T>(world: World, promise: Promise<T>): Promise<T> {
  const done = await within(world, promise, 100);
  if (done === "waiting") throw new Error("It takes more than 100 ms of simulated time.");
  return done as T;
}

/** The events that the member is given now. */
export async function take(world: World, member: GroupMember, count = 100): Promise<TakenEvent[]> {
  return takenOf(await finish(world, member.next(count)));
}

export const ids = (taken: readonly TakenEvent[]): string => taken.map(({ id }) => id).join(" ");
export const tries = (taken: readonly TakenEvent[]): string =>
  taken.map(({ id, attempt }) => `${id}${attempt}`).join(" ");
export const positions = (taken: readonly TakenEvent[], ...wanted: readonly string[]): Position[] =>
  taken.filter(({ id }) => wanted.length === 0 || wanted.includes(id)).map(({ position }) => position);
