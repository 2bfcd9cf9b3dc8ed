/** The clients that ours stand on, by themselves: a record or message an event, as many in a request as the batch has. */

import { messageAt, type PackedBatch } from "@distribution/core/events";
import { connectPulsar, type Producer as PulsarProducer } from "@distribution/pulsar-protocol";
import { Admin, Consumer, ProduceAcks, Producer } from "@platformatic/kafka";
import type { Contender, Where } from "./contender.ts";

const KEY = Buffer.from("XBTUSD");
const FETCH_BYTES = 1024 * 1024;

export const openBare = (where: Where): Promise<Contender> =>
  where.engine === "kafka" ? openKafka(where) : openPulsar(where);

const valuesOf = (batch: PackedBatch): Buffer[] =>
  Array.from({ length: batch.count }, (_, at) => Buffer.from(messageAt(batch, at)));

async function openKafka({ url }: Where): Promise<Contender> {
  const common = { clientId: "bench", bootstrapBrokers: [url] };
  const admin = new Admin(common);
  const producer = new Producer({ ...common, idempotent: true, acks: ProduceAcks.ALL });
  return {
    subject: "bare @platformatic/kafka",
    gathers: false,
    async ensure(topic) {
      await admin.createTopics({ topics: [topic], partitions: 1, replicas: 1 });
    },
    append: (topic, batch) =>
      producer.send({ messages: valuesOf(batch).map((value) => ({ topic, partition: 0, key: KEY, value })) }),
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

async function openPulsar({ url }: Where): Promise<Contender> {
  const client = connectPulsar({ serviceUrl: url });
  const producers = new Map<string, PulsarProducer>();
  const addressOf = (topic: string): string => `persistent://public/default/${topic}`;
  return {
    subject: "bare pulsar-protocol",
    gathers: true,
    async ensure(topic) {
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
      for (let enough = take(0); !enough; ) enough = take((await reader.receive()).length);
      await reader.close();
    },
    close: () => client.close(),
  };
}
