/** Members of a group that come and go under load. */
import type { Broker } from "@distribution/core/brokers";
import { expect } from "vitest";
import { assertFaultless, createHistory, type HistoryReport } from "../history/index.ts";
import { type LoadOptions, startLoad } from "./load.ts";
import { startWorker } from "./worker.ts";

const WITHIN = { timeout: 30_000 };
/** Enough to say that a member has its share. */
const SHARE = 20;

/**
 * Brokers of three processes: one appends, one has a member all the time, and members of the third and at last of the first join
 * and leave, as often as `rounds` says. Throws when the group lost or reordered an event, had a key in two hands, or comes to no end.
 */
export async function rebalance(
  brokers: readonly [Broker, Broker, Broker],
  options: LoadOptions,
  rounds: number,
): Promise<HistoryReport> {
  const [appending, staying, visiting] = brokers;
  const { topic, partitions } = options;
  await appending.admin.ensureTopic({ name: topic, partitions, retention: {}, compaction: false });
  const history = createHistory();
  const observer = history.observer("the group", { redeliveries: true });
  const hands: Parameters<typeof startWorker>[2] = new Map();
  const group = { name: topic, topics: [topic], from: "earliest", ackTimeoutMs: 30_000 } as const;
  const join = async (broker: Broker) => startWorker(await broker.group(group), observer, hands);
  const load = startLoad(appending, history, options);
  try {
    const first = await join(staying);
    await load.more(100);
    for (let round = 0; round < rounds; round += 1) {
      const second = await join(visiting);
      await expect.poll(() => second.taken, WITHIN).toBeGreaterThan(SHARE);
      await second.stop();
      await load.more(50);
    }
    const third = await join(appending);
    await expect.poll(() => third.taken, WITHIN).toBeGreaterThan(SHARE);
    await first.stop();
    await load.more(100);
    await load.stop();
    const lag = async () => (await appending.admin.lag(topic, topic)).reduce((sum, events) => sum + events, 0);
    await expect.poll(lag, WITHIN).toBe(0);
    await third.stop();
  } finally {
    await load.stop();
  }
  const report = history.report();
  assertFaultless(report);
  return report;
}
