/** Players under simulated time, and what they should have published. */

import type { Event } from "@distribution/proto-types/distribution/v1/event";
import { createSimulatedRuntime, type SimulatedRuntime } from "@distribution/testkit/simulation";
import { createWorldPlayer, type WorldPlayer, type WorldPlayerOptions } from "../../src/index.ts";
import { createFakeService, type FakeService } from "./fake-service.ts";
import { createFolder, type Folder } from "./folder.ts";
import { newWorld, START_NS, worldOptions } from "./worlds.ts";

export interface Stage extends Disposable {
  readonly runtime: SimulatedRuntime;
  readonly service: FakeService;
  readonly folder: Folder;
  player(options?: Partial<WorldPlayerOptions>): WorldPlayer;
}

/** Simulated time begins with the world. */
export function createStage(): Stage {
  const runtime = createSimulatedRuntime(1);
  const service = createFakeService();
  const folder = createFolder();
  return {
    runtime,
    service,
    folder,
    player: (options = {}) =>
      createWorldPlayer({
        world: worldOptions(),
        domain: "execution",
        publish: service.publish,
        runtime,
        speed: 1,
        progressFile: folder.file("execution.progress"),
        ...options,
      }),
    [Symbol.dispose]: () => folder[Symbol.dispose](),
  };
}

export const seconds = (count: number): bigint => START_NS + BigInt(Math.round(count * 1e9));

/** By topic, the ids of what one domain's upstream tells up to then. */
export function expected(untilNs: bigint, options: Parameters<typeof newWorld>[0] = {}): Map<string, string[]> {
  const events = newWorld({ domains: ["execution"], ...options }).next(untilNs);
  const good = events.filter(({ bad }) => bad === undefined);
  return new Map(
    [...Map.groupBy(good, ({ topic }) => topic)].map(([topic, told]) => [topic, told.map(({ event }) => event.id)]),
  );
}

export const idsOf = (log: ReadonlyMap<string, readonly Event[]>): Map<string, string[]> =>
  new Map([...log].map(([topic, events]) => [topic, events.map(({ id }) => id)]));

export const count = (byTopic: ReadonlyMap<string, readonly unknown[]>): number =>
  [...byTopic.values()].reduce((sum, { length }) => sum + length, 0);
