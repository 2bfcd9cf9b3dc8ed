/** A broker under everything at once, while something goes wrong with it. */
import type { Broker } from "@distribution/core/brokers";
import { assertFaultless, createHistory, type HistoryReport } from "../history/index.ts";
import { type LoadOptions, observeAll, startLoad, startTails, startWork, type Work } from "./load.ts";
import type { Load } from "./workers.ts";

export interface Judged {
  readonly report: HistoryReport;
  /** Codes of the appends that were refused: what was in them may be in the log or not. */
  readonly refusals: readonly string[];
}

/**
 * Creates the topic, appends to it without pause, tails it and works on it in a group while `fault` runs; `fault` leaves the
 * broker able to work. Then all that is in the log is read once more. Throws when an acknowledged event was lost, or one was
 * doubled or reordered, on any of these ways; only the group may have had one again.
 */
export async function underLoad(
  broker: Broker,
  options: LoadOptions,
  fault: (load: Load, work: Work) => Promise<void>,
): Promise<Judged> {
  const { topic, partitions } = options;
  await broker.admin.ensureTopic({ name: topic, partitions, retention: {}, compaction: false });
  const history = createHistory();
  const tails = await startTails(broker, topic, partitions, history.observer("the tail"));
  const work = await startWork(broker, topic, history.observer("the group", { redeliveries: true }));
  const load = startLoad(broker, history, options);
  try {
    await fault(load, work);
  } finally {
    await load.stop();
  }
  await tails.finish();
  await observeAll(broker, topic, partitions, history.observer("a reader from the beginning"));
  await work.finish();
  const report = history.report();
  assertFaultless(report);
  return { report, refusals: load.refusals };
}
