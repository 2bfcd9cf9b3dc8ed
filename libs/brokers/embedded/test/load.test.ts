/** Appends, tails and a group's work at once, and members that come and go; and that who judges them sees what goes wrong. */
import type { Broker } from "@distribution/core/brokers";
import { rebalance, underLoad } from "@distribution/testkit/load";
import { expect, test } from "vitest";
import { openBroker } from "./support.ts";

const LOAD = { topic: "load.events", partitions: 3 } as const;

test("under load it loses, doubles and reorders nothing", async () => {
  const broker = await openBroker();
  const { report, refusals } = await underLoad(broker, LOAD, async (load, work) => {
    await load.more(500);
    await expect.poll(() => work.settled).toBeGreaterThan(100);
    expect(load.acknowledged).toBeGreaterThanOrEqual(500);
  });
  expect(refusals).toEqual([]);
  expect(report.acknowledged).toBe(report.published);
});

test("members of a group that come and go lose, double and reorder nothing", async () => {
  const broker = await openBroker();
  const report = await rebalance([broker, broker, broker], { ...LOAD, concurrency: 4 }, 2);
  expect(report.redelivered).toBe(0);
});

/** Of the appends under load, acknowledges one that it does not keep, refuses one that it keeps, and keeps one twice. */
function breakBroker(broker: Broker): Broker {
  let appends = 0;
  return {
    ...broker,
    async append(writes) {
      appends += 1;
      const at = appends;
      if (at === 50) return broker.append([{ ...writes[0]!, topic: "load.elsewhere" }]);
      const appended = await broker.append(writes);
      if (at === 60) await broker.append(writes);
      if (at === 70) throw new Error("The answer is lost.");
      return appended;
    },
  };
}

test("a broker that acknowledges what it does not keep, or keeps it twice, is found out", async () => {
  const broker = await openBroker();
  await broker.admin.ensureTopic({ name: "load.elsewhere", partitions: 3, retention: {}, compaction: false });
  const judged = underLoad(breakBroker(broker), LOAD, (load) => load.more(300));
  await expect(judged).rejects.toThrow(/lost:[\s\S]*duplicated:/);
});
