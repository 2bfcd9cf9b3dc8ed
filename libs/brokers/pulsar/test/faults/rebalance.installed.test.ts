/** A group's partitions that move between processes under load. GROUP_REBALANCES sets how many members come and go; the default is 3. */
import { createPulsarBroker } from "@distribution/broker-pulsar";
import { startPulsar } from "@distribution/brokers";
import { rebalance } from "@distribution/testkit/load";
import { expect, test } from "vitest";

const REBALANCES = Number(process.env["GROUP_REBALANCES"] ?? 3);

test("members of several processes come and go: nothing is lost or reordered, and settled events do not come again", {
  timeout: 120_000 + REBALANCES * 20_000,
}, async () => {
  await using pulsar = await startPulsar();
  const open = () => createPulsarBroker({ serviceUrl: pulsar.serviceUrl, adminUrl: pulsar.adminUrl });
  const brokers = [await open(), await open(), await open()] as const;
  const report = await rebalance(brokers, { topic: "faults.rebalance", partitions: 4, concurrency: 4 }, REBALANCES);
  for (const broker of brokers) await broker.close();
  // Graceful moves wait for what is in hand.
  expect(report.redelivered).toBe(0);
});
