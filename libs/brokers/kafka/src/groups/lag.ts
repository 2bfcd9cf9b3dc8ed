/** How many events a group has not settled: counted as far as that is cheap, estimated beyond. */
import { countEvents, type EngineGroup, type Progress } from "@distribution/broker-common";
import type { Offset, PartitionReader, ReadFrom } from "@distribution/core/brokers";
import { toDistributionError } from "@distribution/core/errors";
import { readBounds } from "../admin/bounds.ts";
import type { Cluster } from "../connection/cluster.ts";
import type { Density } from "../density.ts";
import { beforeRecord, compareOffsets, parseOffset } from "../offset.ts";
import { readProgress } from "./commits.ts";
import { createCoordinator } from "./coordinator.ts";

export interface LagHost {
  readonly cluster: Cluster;
  readonly density: Density;
  read(topic: string, partition: number, from: ReadFrom): Promise<PartitionReader>;
}

type Ranges = readonly (readonly [from: Offset, to: Offset])[];

/** What is not settled of a partition: so many, and what is after this place, but for the ranges. */
interface Standing {
  readonly epoch: string;
  readonly unsettled: number;
  readonly after: Offset;
  readonly settled: Ranges;
}

/** Behind further than this, records, it is an estimate. */
const MAX_RECORDS = 10_000n;
/** What is read to count, bytes of events. */
const MAX_BYTES = 64 * 1024 * 1024;
/** How long is counted, ms. */
const MAX_MS = 2_000;

/** By partition. `engine`: the group, if it runs here. Throws `unknown_topic`, `unavailable`. */
export async function readLag(
  host: LagHost,
  group: string,
  name: string,
  engine: EngineGroup | undefined,
): Promise<number[]> {
  const { cluster } = host;
  const topic = await cluster.topic(name, 0);
  const all = topic.partitions.map((_, partition) => ({ topic: name, partition }));
  const epochs = new Map([[name, topic.id]]);
  const elsewhere = all.filter((one) => engine?.standing(one)?.epoch !== topic.id);
  const commits =
    elsewhere.length === 0
      ? new Map<string, Progress>()
      : await readProgress(createCoordinator(cluster, group), group, epochs, elsewhere);
  const bounds = await readBounds(
    cluster,
    name,
    all.map(({ partition }) => partition),
  );
  return Promise.all(
    all.map((one, at) => {
      const { start, end } = bounds[at]!;
      const here = engine?.standing(one);
      const committed = commits.get(`${name}/${one.partition}`);
      const nothing = { epoch: topic.id, unsettled: 0, after: beforeRecord(start), settled: [] };
      let standing: Standing = nothing;
      if (here?.epoch === topic.id) standing = { ...here, after: here.readTo, settled: here.ahead };
      else if (committed?.epoch === topic.id && compareOffsets(committed.floor, nothing.after) > 0) {
        standing = { ...nothing, after: committed.floor, settled: committed.above };
      }
      return count(host, name, one.partition, standing, end);
    }),
  );
}

async function count(host: LagHost, name: string, partition: number, standing: Standing, end: bigint): Promise<number> {
  const { unsettled, after, epoch, settled } = standing;
  const last = beforeRecord(end);
  if (compareOffsets(after, last) >= 0) return unsettled;
  const behind = end - 1n - parseOffset(after, "after").record;
  if (behind > MAX_RECORDS) return unsettled + host.density.estimate(epoch, partition, behind);
  let reader: PartitionReader;
  try {
    reader = await host.read(name, partition, { after: { epoch, offset: after } });
  } catch (failure) {
    // Deleted meanwhile: nothing of it is left to be settled.
    if (toDistributionError(failure).code !== "position_gone") throw failure;
    return unsettled;
  }
  // Kafka's own records, as at the end of transactions, are in the log and never given out: none comes after the last event.
  const timer = host.cluster.settings.runtime.timers.after(MAX_MS, () => void reader.close());
  try {
    const counted = await countEvents(reader, { upTo: last, except: settled, compareOffsets, maxBytes: MAX_BYTES });
    const left = end - 1n - parseOffset(counted.upTo, "upTo").record;
    return unsettled + counted.events + host.density.estimate(epoch, partition, left);
  } catch (failure) {
    // What is damaged is not settled either.
    if (toDistributionError(failure).code !== "record_damaged") throw failure;
    return unsettled + host.density.estimate(epoch, partition, behind);
  } finally {
    timer.cancel();
  }
}
