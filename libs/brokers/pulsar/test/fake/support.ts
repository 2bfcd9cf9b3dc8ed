/** Small words for tests on the Pulsar in memory. */
import type { Appended, Broker, PartitionReader } from "@distribution/core/brokers";
import { batchOf, readEvents } from "@distribution/testkit/broker";
import { onTestFinished } from "vitest";
import type { PulsarBrokerOptions } from "../../src/options.ts";
import { type FakeBroker, openFake } from "./broker.ts";
import type { FakeLog } from "./log.ts";

export const TOPIC = "faults.t";

/** A broker on a Pulsar of its own, with the topic; closed with the test. */
export async function open(options: Partial<PulsarBrokerOptions> = {}, config = {}): Promise<FakeBroker> {
  const fake = await openFake(options);
  onTestFinished(() => fake.close());
  await fake.broker.admin.ensureTopic({ name: TOPIC, partitions: 1, retention: {}, compaction: false, ...config });
  return fake;
}

/** One batch of events that have their ids as keys. */
export const put = (broker: Broker, ids: readonly string[], partition = 0): Promise<readonly Appended[]> =>
  broker.append([{ topic: TOPIC, partition, batch: batchOf(ids.map((id) => ({ id, key: id }))) }]);

export const logOf = ({ pulsar }: FakeBroker, partition = 0): FakeLog => pulsar.topics.get(TOPIC)!.logs[partition]!;

export const ids = async (reader: PartitionReader, count: number): Promise<string[]> =>
  (await readEvents(reader, count)).map(({ id }) => id);
