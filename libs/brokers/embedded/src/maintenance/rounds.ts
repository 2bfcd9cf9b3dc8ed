/** When partitions are maintained: in rounds in the background, on request, and one thing at a time. */

import type { TopicConfig } from "@distribution/core/brokers";
import type { DistributionError } from "@distribution/core/errors";
import type { Logger } from "@distribution/core/observability";
import type { Runtime } from "@distribution/core/runtime";
import type { Partition } from "../log/partition.ts";
import type { Topics } from "../topics.ts";
import { compact } from "./compaction.ts";
import { retain } from "./retention.ts";
import { type Maintained, truncate } from "./trim.ts";

export interface Maintenance {
  /** Retention and compaction of everything, now. */
  maintain(): Promise<void>;
  truncate(partition: Partition, offset: number): Promise<void>;
  /** Ends the rounds and waits for the one that runs. */
  close(): Promise<void>;
}

export interface MaintenanceOptions extends Maintained {
  readonly topics: Topics;
  readonly runtime: Runtime;
  readonly logger: Logger | undefined;
  readonly intervalMs: number;
}

export function createMaintenance(options: MaintenanceOptions): Maintenance {
  const { topics, runtime, logger } = options;
  let turn: Promise<void> = Promise.resolve();
  let closed = false;

  const exclusive = (work: () => Promise<void>): Promise<void> => {
    const run = turn.then(() => (closed ? undefined : work()));
    turn = run.catch(() => undefined);
    return run;
  };

  const maintain = async (partition: Partition, config: TopicConfig, always: boolean): Promise<void> => {
    if (partition.refusal !== undefined) return;
    await retain(options, partition, config.retention, runtime.clock);
    if (config.compaction && (always || isDue(partition))) await compact(options, partition, runtime);
  };

  /** One partition that cannot be maintained does not keep the others from it. */
  const round = async (always: boolean): Promise<void> => {
    for (const { config, partitions } of topics.list()) {
      for (const partition of partitions) {
        try {
          await maintain(partition, config, always);
        } catch (failure) {
          const { code, message } = failure as DistributionError;
          logger?.warn({ topic: config.name, partition: partition.index, code }, `Maintenance stopped: ${message}`);
        }
        if (closed) return;
      }
    }
  };

  const timer = runtime.timers.every(options.intervalMs, () => void exclusive(() => round(false)));
  return {
    maintain: () => exclusive(() => round(true)),
    truncate: (partition, offset) => exclusive(() => truncate(options, partition, offset)),
    async close() {
      closed = true;
      timer.cancel();
      await turn;
    },
  };
}

/** A pass reads the whole partition: worth it when at least half of it is new since the last one. */
const isDue = ({ state }: Partition): boolean => (state.end - state.compactedTo) * 2 >= Math.max(state.events, 2000);
