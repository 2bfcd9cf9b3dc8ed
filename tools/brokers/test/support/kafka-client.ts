/** As much of a Kafka client as the tests of the broker need. */
import { Admin, type BaseOptions, Producer, stringSerializers } from "@platformatic/kafka";
import type { Kafka } from "../../src/index.ts";

export type Access = Pick<BaseOptions, "tls" | "sasl">;

/** How `kafka` wants its clients to come. */
export function accessTo(kafka: Kafka): Access {
  const { credentials, certificates } = kafka;
  return {
    ...(credentials && { sasl: credentials as NonNullable<Access["sasl"]> }),
    ...(certificates && { tls: { ca: certificates.authority } }),
  };
}

const settings = (address: string, access: Access) => ({
  clientId: "test",
  bootstrapBrokers: [address],
  retries: 3,
  retryDelay: 100,
  timeout: 5_000,
  connectTimeout: 2_000,
  ...access,
});

/** The names of the topics that `use` finds. */
export async function listTopics(address: string, access: Access = {}): Promise<readonly string[]> {
  const admin = new Admin(settings(address, access));
  try {
    return await admin.listTopics();
  } finally {
    await admin.close();
  }
}

/** Creates the topic, if it is not there, and appends `count` records, acknowledged. */
export async function append(address: string, topic: string, count: number, access: Access = {}): Promise<void> {
  const admin = new Admin(settings(address, access));
  const producer = new Producer({ ...settings(address, access), serializers: stringSerializers });
  try {
    if (!(await admin.listTopics()).includes(topic)) await admin.createTopics({ topics: [topic], partitions: 1 });
    const messages = Array.from({ length: count }, (_, index) => ({ topic, key: "key", value: String(index) }));
    await producer.send({ messages, acks: -1 });
  } finally {
    await producer.close();
    await admin.close();
  }
}

/** How many records the first partition has. */
export async function countRecords(address: string, topic: string, access: Access = {}): Promise<bigint> {
  const admin = new Admin(settings(address, access));
  try {
    const [listed] = await admin.listOffsets({
      topics: [{ name: topic, partitions: [{ partitionIndex: 0, timestamp: -1n }] }],
    });
    return listed!.partitions[0]!.offset;
  } finally {
    await admin.close();
  }
}
