/**
 * The broker is killed with SIGKILL at random moments while it is appended to, tailed and worked on by a group, and comes back:
 * nothing acknowledged is lost, nothing is there twice or in another order.
 *
 * KILL_CYCLES sets the number of kills; the default is 4.
 */
import { createKafkaBroker } from "@distribution/broker-kafka";
import { startKafka } from "@distribution/brokers";
import { underLoad } from "@distribution/testkit/load";
import { expect, test } from "vitest";

const CYCLES = Number(process.env["KILL_CYCLES"] ?? 4);

test(`killed ${CYCLES} times under load, it loses, repeats and reorders nothing`, {
  timeout: CYCLES * 30_000 + 60_000,
}, async () => {
  await using kafka = await startKafka();
  const broker = await createKafkaBroker({ brokers: [kafka.bootstrap], sessionTimeoutMs: 3000 });
  const { report, refusals } = await underLoad(broker, { topic: "faults.kill", partitions: 3 }, async (load) => {
    for (let cycle = 0; cycle < CYCLES; cycle += 1) {
      await load.more(200 + 100 * cycle);
      await kafka.kill();
      await kafka.start();
      await load.more(100);
    }
  });
  expect(broker.health()).toEqual({ ready: true, reasons: [] });
  await broker.close();
  expect(refusals).toEqual([]);
  expect(report.acknowledged).toBe(report.published);
});
