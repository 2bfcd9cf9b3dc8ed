/** One partition's tail in simulated time, on a broker whose faults the test decides. */
import type { Broker } from "../../src/brokers/contract.ts";
import { DistributionError, type ErrorCode } from "../../src/errors.ts";
import type { PartitionTail, Place, TableSeed } from "../../src/tail/index.ts";
import { openPartitionTail } from "../../src/tail/partition-tail.ts";
import type { TopicDefinition } from "../../src/topics.ts";
import { createRecorder, idAt, idsOf, openSimulated, put, TABLE, topic } from "./support.ts";

export const NAME = "test.quotes";
export const WITH_TABLE = topic(NAME, { table: TABLE });

export async function openLog(definition: TopicDefinition = topic(NAME)) {
  const { runtime, broker } = openSimulated();
  await broker.admin.ensureTopic(definition);
  const log = createRecorder();
  const seen: string[] = [];
  const lost: { from: Place; to: Place }[] = [];
  const failing = (code: ErrorCode | undefined, message = "simulated"): void => {
    broker.faults = {
      ...broker.faults,
      failure: (operation) => (code && operation === "read" ? new DistributionError(code, message) : undefined),
    };
  };
  return {
    runtime,
    broker,
    log,
    seen,
    lost,
    failing,
    put: async (...names: string[]) => {
      const offsets = put(broker, NAME, names);
      await runtime.run(10);
      return offsets;
    },
    open: async (more: { seed?: TableSeed; broker?: Broker } = {}): Promise<PartitionTail> => {
      const tail = await openPartitionTail({
        ...{ broker, topic: definition, partition: 0, runtime, logger: log, ...more },
        onEvents: (_, batches) => void seen.push(...batches.flatMap(({ stored }) => idsOf(stored))),
        onLost: (_, from, to) => void lost.push({ from, to }),
      });
      await runtime.run(10);
      return tail;
    },
  };
}

/** Newest change first. */
export const tableOf = (tail: PartitionTail): string[] => {
  const ids: string[] = [];
  tail.table?.changedSince(0, ({ stored, index }) => {
    ids.unshift(idAt(stored, index));
    return true;
  });
  return ids;
};
