/**
 * The broker is killed with SIGKILL at random moments while it is appended to, tailed and worked on by a group, and comes back:
 * nothing acknowledged is lost, nothing is there twice or in another order.
 *
 * KILL_CYCLES sets the number of kills; the default is 4.
 */
import { createKafkaBroker } from "@distribution/broker-kafka";
import { startKafka } from "@distribution/brokers";
import { idsOf, positionsOf } from "@distribution/testkit/broker";
import { assertFaultless, createHistory } from "@distribution/testkit/history";
import { expect, test } from "vitest";
import { observeAll, startLoad, startTails } from "./support/load.ts";

const CYCLES = Number(process.env["KILL_CYCLES"] ?? 4);
const TOPIC = "faults.kill";
const PARTITIONS = 3;

test(`killed ${CYCLES} times under load, it loses, repeats and reorders nothing`, {
  timeout: CYCLES * 30_000 + 60_000,
}, async () => {
  await using kafka = await startKafka();
  const broker = await createKafkaBroker({ brokers: [kafka.bootstrap], sessionTimeoutMs: 3000 });
  await broker.admin.ensureTopic({ name: TOPIC, partitions: PARTITIONS, retention: {}, compaction: false });
  const history = createHistory();
  const tails = await startTails(broker, TOPIC, PARTITIONS, history.observer("the tail"));
  const worker = history.observer("the group", { redeliveries: true });
  const member = await broker.group({ name: "workers", topics: [TOPIC], from: "earliest", ackTimeoutMs: 5_000 });
  let worked = Promise.resolve();
  const work = async (): Promise<void> => {
    for (;;) {
      const taken = await member.next(50);
      if (taken.length === 0) return;
      for (const one of taken) for (const id of idsOf(one)) worker.saw(id);
      // An ack that fails while the broker is away: the events come again.
      await member.ack(taken.flatMap(positionsOf)).catch(() => undefined);
    }
  };
  worked = work();
  const load = startLoad(broker, history, { topic: TOPIC, partitions: PARTITIONS });
  for (let cycle = 0; cycle < CYCLES; cycle += 1) {
    await load.more(200 + 100 * cycle);
    await kafka.kill();
    await kafka.start();
    await load.more(100);
  }
  await load.stop();
  expect(load.refusals).toEqual([]);
  await tails.finish();
  await observeAll(broker, TOPIC, PARTITIONS, history.observer("a reader from the beginning"));
  while ((await broker.admin.lag("workers", TOPIC)).some((events) => events > 0)) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  await member.close();
  await worked;
  expect(broker.health()).toEqual({ ready: true, reasons: [] });
  await broker.close();
  const report = history.report();
  assertFaultless(report);
  expect(report.acknowledged).toBe(report.published);
});
