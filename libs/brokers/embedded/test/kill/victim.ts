/**
 * The process that is killed: appends to several partitions from several publishers, and works as a member of a group. What it is
 * about to do and what it was answered goes to stdout, written synchronously: a line is out before what follows it happens.
 *
 *     ready | publish <call> <id>/<key> ... | acknowledged <call> | given <id> ... | settled <id> ...
 */
import { writeSync } from "node:fs";
import { createEmbeddedBroker } from "@distribution/broker-embedded";
import type { Broker, PartitionWrite } from "@distribution/core/brokers";
import { GROUP, idsOfBatch, PARTITIONS, packNamed, TOPIC } from "./load.ts";

const PUBLISHERS = 4;
/** Calls of one publisher that wait for their answer at a time. */
const WINDOW = 2;
const KEYS = 3;

const [directory = "", cycle = "0"] = process.argv.slice(2);
const say = (line: string): void => void writeSync(1, `${line}\n`);

const broker = await createEmbeddedBroker({ directory });
await broker.admin.ensureTopic({ name: TOPIC, partitions: PARTITIONS, retention: {}, compaction: false });
say("ready");
for (let publisher = 0; publisher < PUBLISHERS; publisher += 1) void publish(broker, publisher);
await consume(broker);

/** One atomic call after another, each of one to three events; a key stays with its publisher and in its partition. */
async function publish(to: Broker, publisher: number): Promise<void> {
  const open: Promise<void>[] = [];
  for (let number = 0; ; number += 1) {
    const call = `${cycle}-${publisher}-${number}`;
    const writes: PartitionWrite[] = [];
    const names: string[] = [];
    for (let event = 0; event <= number % 3; event += 1) {
      const key = (number + event) % KEYS;
      const name = `${call}-${event}/${publisher}.${key}`;
      names.push(name);
      writes.push({ topic: TOPIC, partition: (publisher + key) % PARTITIONS, batch: packNamed([name]) });
    }
    say(`publish ${call} ${names.join(" ")}`);
    open.push(to.append(writes).then(() => say(`acknowledged ${call}`)));
    if (open.length >= WINDOW) await open.shift();
  }
}

async function consume(from: Broker): Promise<void> {
  const member = await from.group({ name: GROUP, topics: [TOPIC], from: "earliest", ackTimeoutMs: 60_000 });
  for (;;) {
    const batches = await member.next(50);
    const given = batches.flatMap((batch) =>
      idsOfBatch(batch).map((id, at) => ({
        id,
        position: { topic: batch.topic, partition: batch.partition, epoch: batch.epoch, offset: batch.offsetAt(at) },
      })),
    );
    const ids = given.map(({ id }) => id).join(" ");
    say(`given ${ids}`);
    await member.ack(given.map(({ position }) => position));
    say(`settled ${ids}`);
  }
}
