/** The upstream of demos, load and tests: what a simulated world finds out, published over the wire. */
import type { Logger } from "@distribution/core/observability";
import type { Runtime } from "@distribution/core/runtime";
import {
  createServicePublisher,
  createWorldPlayer,
  type Scenario,
  sharedWorld,
  type WorldPlayer,
  type WorldPlayerStats,
} from "@distribution/simulated-world";

export { SCENARIOS } from "@distribution/simulated-world";

/** Of a world that is made: what happens is the same every time, only when is not. */
const SEED = 1;

export interface SimulatorOptions {
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
  readonly logger: Logger;
}

export interface Simulator {
  readonly stats: WorldPlayerStats;
  /** Resolves when nothing is under way any more. Idempotent. */
  stop(): Promise<void>;
}

/** Plays from now on. Throws `record_damaged` for files that are no world or no progress of it. */
export function startSimulator(options: SimulatorOptions): Simulator {
  const { runtime, logger, speed, progressFile } = options;
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
      ...{ world, domain: "intelligence", publish: publisher.publish, runtime, speed, progressFile },
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
