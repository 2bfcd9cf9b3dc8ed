/** Clients by themselves: a record or message an event. */

import { messageAt, type PackedBatch } from "@distribution/core/events";
import { connectPulsar, type Producer as PulsarProducer } from "@distribution/pulsar-protocol";
import { Admin, Consumer, ProduceAcks, Producer } from "@platformatic/kafka";
import { Kafka, logLevel } from "kafkajs";
import type { Contender, Where } from "./contender.ts";

const KEY = Buffer.from("XBTUSD");
const FETCH_BYTES = 1024 * 1024;
/** In one send: more would be beyond what the server takes in a record batch. */
const SEND_RECORDS = 1_000;

const valuesOf = (batch: PackedBatch): Buffer[] =>
  Array.from({ length: batch.count }, (_, at) => Buffer.from(messageAt(batch, at)));

/** What is given while a send is under way goes together in the next: with more under way these clients lose and reorder. */
function gathered(send: (values: readonly Buffer[]) => Promise<unknown>): (batch: PackedBatch) => Promise<unknown> {
  let underWay: Promise<unknown> = Promise.resolve();
  let next: { readonly values: Buffer[]; readonly sent: Promise<unknown> } | undefined;
  return (batch) => {
    if (next === undefined || next.values.length + batch.count > SEND_RECORDS) {
      const values: Buffer[] = [];
      const start = (): Promise<unknown> => {
        if (next?.values === values) next = undefined;
        return send(values);
      };
      next = { values, sent: underWay.then(start, start) };
      underWay = next.sent;
    }
    next.values.push(...valuesOf(batch));
    return next.sent;
  };
}

export async function openPlatformatic({ url }: Where): Promise<Contender> {
  const common = { clientId: "bench", bootstrapBrokers: [url] };
  const admin = new Admin(common);
  const producer = new Producer({ ...common, idempotent: true, acks: ProduceAcks.ALL });
  const sends = new Map<string, (batch: PackedBatch) => Promise<unknown>>();
  return {
    async ensure(topic) {
      await admin.createTopics({ topics: [topic], partitions: 1, replicas: 1 });
      const messageOf = (value: Buffer) => ({ topic, partition: 0, key: KEY, value });
      sends.set(
        topic,
        gathered((values) => producer.send({ messages: values.map(messageOf) })),
      );
    },
    append: (topic, batch) => sends.get(topic)!(batch),
    async read(topic, from, take) {
      const consumer = new Consumer({ ...common, groupId: "bench" });
      consumer.topics.trackAll(topic);
      const known = (await consumer.metadata({ topics: [topic] })).topics.get(topic)!;
      const start = await consumer.listOffsets({ topics: [topic], timestamp: from === "earliest" ? -2n : -1n });
      let offset = start.get(topic)![0]!;
      for (let enough = take(0); !enough; ) {
        const answer = await consumer.fetch({
          ...{
            node: known.partitions[0]!.leader,
            minBytes: 1,
            maxBytes: 10 * FETCH_BYTES,
            maxWaitTime: 500,
            isolationLevel: 1,
          },
          topics: [
            {
              topicId: known.id,
              partitions: [
                {
                  ...{ partition: 0, fetchOffset: offset, currentLeaderEpoch: -1, lastFetchedEpoch: -1 },
                  partitionMaxBytes: FETCH_BYTES,
                },
              ],
            },
          ],
        });
        let events = 0;
        for (const batch of answer.responses.flatMap(({ partitions }) =>
          partitions.flatMap(({ records }) => records ?? []),
        )) {
          // A fetch begins with the batch in which the offset lies.
          events += batch.records.filter(({ offsetDelta }) => batch.firstOffset + BigInt(offsetDelta) >= offset).length;
          offset = batch.firstOffset + BigInt(batch.lastOffsetDelta) + 1n;
        }
        enough = take(events);
      }
      await consumer.close(true);
    },
    async close() {
      await producer.close();
      await admin.close();
    },
  };
}

export async function openKafkajs({ url }: Where): Promise<Contender> {
  const kafka = new Kafka({ clientId: "bench", brokers: [url], logLevel: logLevel.NOTHING });
  const admin = kafka.admin();
  const producer = kafka.producer();
  await Promise.all([admin.connect(), producer.connect()]);
  const sends = new Map<string, (batch: PackedBatch) => Promise<unknown>>();
  let readers = 0;
  return {
    async ensure(topic) {
      await admin.createTopics({ topics: [{ topic, numPartitions: 1, replicationFactor: 1 }] });
      const messageOf = (value: Buffer) => ({ partition: 0, key: KEY, value });
      sends.set(
        topic,
        gathered((values) => producer.send({ topic, acks: -1, messages: values.map(messageOf) })),
      );
    },
    append: (topic, batch) => sends.get(topic)!(batch),
    async read(topic, from, take) {
      readers += 1;
      const consumer = kafka.consumer({ groupId: `bench-${readers}`, maxBytesPerPartition: FETCH_BYTES });
      await consumer.connect();
      await consumer.subscribe({ topic, fromBeginning: true });
      const [head] = await admin.fetchTopicOffsets(topic);
      const joined = new Promise((resolve) => void consumer.on(consumer.events.GROUP_JOIN, resolve));
      const enough = Promise.withResolvers<void>();
      await consumer.run({
        eachBatch: ({ batch }) => {
          if (take(batch.messages.length)) enough.resolve();
          return Promise.resolve();
        },
      });
      await joined;
      if (from === "latest") consumer.seek({ topic, partition: 0, offset: head!.high });
      take(0);
      await enough.promise;
      await consumer.disconnect();
    },
    async close() {
      await Promise.all([admin.disconnect(), producer.disconnect()]);
    },
  };
}

export async function openPulsar({ url, adminUrl }: Where): Promise<Contender> {
  const client = connectPulsar({ serviceUrl: url });
  const producers = new Map<string, PulsarProducer>();
  const addressOf = (topic: string): string => `persistent://public/default/${topic}-partition-0`;
  return {
    async ensure(topic) {
      const path = `/admin/v2/persistent/public/default/${topic}/partitions`;
      const headers = { "content-type": "application/json" };
      const created = await fetch(adminUrl + path, { method: "PUT", headers, body: "1" });
      if (!created.ok) throw new Error(`Pulsar did not create ${topic}: ${created.status} ${await created.text()}`);
      producers.set(
        topic,
        await client.createProducer({
          topic: addressOf(topic),
          maxBatchMessages: 1_000,
          maxPendingMessages: 1_000_000,
        }),
      );
      // Without a subscription or retention nothing would be kept to be read.
      await (
        await client.subscribe({ topic: addressOf(topic), subscription: "keep", initialPosition: "earliest" })
      ).close();
    },
    append: (topic, batch) =>
      Promise.all(valuesOf(batch).map((data) => producers.get(topic)!.send({ data, key: "XBTUSD" }))),
    async read(topic, at, take) {
      const reader = await client.createReader({ topic: addressOf(topic), from: { at } });
      for (let enough = take(0); !enough; ) {
        const messages = await reader.receive();
        // The attributes of a record are read when they are asked for.
        for (const message of messages) void message.properties;
        enough = take(messages.length);
      }
      await reader.close();
    },
    close: () => client.close(),
  };
}
