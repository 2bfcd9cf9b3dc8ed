/** Our brokers, packed or one event a record. */
import { createKafkaBroker } from "@distribution/broker-kafka";
import { createPulsarBroker } from "@distribution/broker-pulsar";
import type { Broker, GroupBatch, Position } from "@distribution/core/brokers";
import type { Contender, Where } from "./contender.ts";

const READ_BYTES = 1 << 20;
const TAKE_EVENTS = 5_000;

export async function openOurs({ engine, url, adminUrl }: Where, form: "packed" | "cloudevents"): Promise<Contender> {
  const recordsOf = () => form;
  const broker: Broker =
    engine === "kafka"
      ? await createKafkaBroker({ brokers: [url], recordsOf })
      : await createPulsarBroker({ serviceUrl: url, adminUrl, recordsOf });
  return {
    ensure: (name) => broker.admin.ensureTopic({ name, partitions: 1, retention: {}, compaction: false }),
    append: (topic, batch) => broker.append([{ topic, partition: 0, batch }]),
    async read(topic, at, take) {
      const reader = await broker.read(topic, 0, { at });
      for (let enough = take(0); !enough; ) {
        let events = 0;
        for (const { batch } of await reader.next(READ_BYTES)) events += batch.count;
        enough = take(events);
      }
      await reader.close();
    },
    async work(topic, take) {
      const member = await broker.group({ name: topic, topics: [topic], from: "earliest", ackTimeoutMs: 60_000 });
      for (let enough = take(0); !enough; ) {
        const batches = await member.next(TAKE_EVENTS);
        await member.ack(batches.flatMap(positionsOf));
        enough = take(batches.reduce((sum, { batch }) => sum + batch.count, 0));
      }
      await member.close();
    },
    close: () => broker.close(),
  };
}

function positionsOf(given: GroupBatch): Position[] {
  const { topic, partition, epoch } = given;
  return Array.from({ length: given.batch.count }, (_, at) => ({
    topic,
    partition,
    epoch,
    offset: given.offsetAt(at),
  }));
}
