/** A service's upstream in demos, load and tests: its part of the world that all services share, published over the wire. */
import type { Runtime } from "@distribution/core/runtime";
import type { WorldDomain } from "../names.ts";
import type { Scenario } from "../scenarios.ts";
import { createWorldPlayer, type WorldPlayer, type WorldPlayerStats } from "./player.ts";
import { createServicePublisher } from "./service-publisher.ts";
import { sharedWorld } from "./shared-world.ts";

/** Of a world that is made: what happens is the same every time, only when is not. */
const SEED = 1;

/** Where it tells of what goes wrong: any logger of a service. */
export interface SimulatorLog {
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface SimulatorOptions {
  /** Whose part it plays. */
  readonly domain: WorldDomain;
  /** Where the service listens. */
  readonly url: string;
  /** The file of the world that the simulators of all services play: where there is none, it is made. */
  readonly worldFile: string;
  /** Of a world that is made: its scenario, and its events a second in all domains. */
  readonly scenario: Scenario;
  readonly rate: number;
  /** Where it keeps how far it has come. */
  readonly progressFile: string;
  readonly speed: number | "max";
  readonly runtime: Runtime;
  readonly logger: SimulatorLog;
}

export interface Simulator {
  readonly stats: WorldPlayerStats;
  /** Resolves when nothing is under way any more. Idempotent. */
  stop(): Promise<void>;
}

/** Plays from now on. Throws `record_damaged` for files that are no world or no progress of it. */
export function startSimulator(options: SimulatorOptions): Simulator {
  const { domain, runtime, logger, speed, progressFile } = options;
  const world = sharedWorld(options.worldFile, {
    seed: SEED,
    startNs: runtime.clock.wallNs(),
    scenario: options.scenario,
    rate: options.rate,
  });
  const publisher = createServicePublisher({ url: options.url });
  let player: WorldPlayer;
  try {
    player = createWorldPlayer({
      ...{ world, domain, publish: publisher.publish, held: publisher.held, runtime, speed, progressFile },
      onRefused({ event: { id, type }, bad }, failure) {
        if (bad === undefined) logger.warn({ id, type, err: failure }, "An event of the simulated world was refused.");
      },
    });
  } catch (failure) {
    void publisher.close();
    throw failure;
  }
  player.done.catch((failure: unknown) => logger.error({ err: failure }, "The simulated world is told no further."));
  player.start();
  return {
    get stats() {
      return player.stats;
    },
    stop: () => player.stop().finally(() => publisher.close()),
  };
}
