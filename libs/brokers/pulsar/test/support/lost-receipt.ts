/** An append that Pulsar stored, and whose receipt is lost with the connection. */
import type { FaultProxy } from "@distribution/brokers";
import type { Broker } from "@distribution/core/brokers";
import { batchOf, readEvents, within } from "@distribution/testkit/broker";
import { expect } from "vitest";

/** `proxy`: what the broker's connections go through. Throws unless it is stored once, and its position found. */
export async function loseReceipt(broker: Broker, proxy: FaultProxy, topic: string): Promise<void> {
  await broker.admin.ensureTopic({ name: topic, partitions: 1, retention: {}, compaction: false });
  const write = (id: string) => broker.append([{ topic, partition: 0, batch: batchOf([{ id, key: "k" }]) }]);
  await write("before");
  const lost = proxy.swallow(1, (request) => request.includes("swallowed"));
  const [[appended]] = await Promise.all([write("swallowed"), lost]);
  await write("after");
  const reader = await broker.read(topic, 0, { at: "earliest" });
  const read = await readEvents(reader, 3);
  expect(read.map(({ id }) => id)).toEqual(["before", "swallowed", "after"]);
  expect(read[1]!.offset).toBe(appended!.offsetAt(0));
  expect(await within(reader.next(1000), 300)).toBe("waiting");
}
