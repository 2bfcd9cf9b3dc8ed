/** Small words for tests of appends, of one event each. */
import { createKafkaBroker, type KafkaBrokerOptions } from "@distribution/broker-kafka";
import { AppendUnsettled, type Broker } from "@distribution/core/brokers";
import { batchOf, readEvents } from "@distribution/testkit/broker";
import { type FakeCluster, startFakeCluster } from "./fake/cluster.ts";

export const TOPIC = "append.faults";

export const openOn = ({ brokers }: FakeCluster, options: Partial<KafkaBrokerOptions>): Promise<Broker> =>
  createKafkaBroker({ brokers, requestTimeoutMs: 1000, ...options });

/** A cluster of two, and a broker on it with the topic in two partitions. */
export async function startWithTopic(): Promise<{ cluster: FakeCluster; broker: Broker }> {
  const cluster = await startFakeCluster(2);
  const broker = await openOn(cluster, {});
  await broker.admin.ensureTopic({ name: TOPIC, partitions: 2, retention: {}, compaction: false });
  return { cluster, broker };
}

/** Its offset. */
export async function appendTo(broker: Broker, id: string, partition = 0): Promise<string> {
  const [appended] = await broker.append([{ topic: TOPIC, partition, batch: batchOf([{ id, key: "k" }]) }]);
  return appended!.offsetAt(0);
}

/** Tries once more after each refusal: the pause between two tries may be longer than a short time to wait. */
export async function eventually(id: string, by: Broker): Promise<void> {
  await appendTo(by, id).catch(async (failure: unknown) => {
    // On a slow machine it may come into the log after it was refused.
    if (failure instanceof AppendUnsettled && (await failure.settled)[0] !== undefined) return;
    await new Promise((resolve) => setImmediate(resolve));
    await eventually(id, by);
  });
}

export async function readIdsOf(broker: Broker, partition = 0): Promise<string[]> {
  const { end } = (await broker.admin.partitions(TOPIC))[partition]!;
  const reader = await broker.read(TOPIC, partition, { at: "earliest" });
  const ids: string[] = [];
  for (let at = "-1"; broker.compareOffsets(at, end) < 0; ) {
    for (const { id, offset } of await readEvents(reader, 1, 1)) {
      ids.push(id);
      at = offset;
    }
  }
  await reader.close();
  return ids;
}

/** What became of a rejected append: of each write, whether it is in the log. */
export async function settled(rejected: Promise<unknown>): Promise<boolean[]> {
  const failure = await rejected.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (!(failure instanceof AppendUnsettled)) throw failure;
  return (await failure.settled).map((stored) => stored !== undefined);
}
