/**
 * Latency per hop, from the stamps that events carry and the moments this process sees: ingested, appended, matched, written.
 * One observation a batch and turn, of its oldest event: the worst, at a cost that does not grow with the rate.
 */
import type { Clock } from "../runtime/index.ts";
import type { Metrics } from "./metrics.ts";

export interface Hops {
  /** A batch came out of the log: both stamps in Unix nanoseconds; `ingested` 0n when its events carry none. */
  appended(ingested: bigint, appendedAt: bigint): void;
  /** Something of the newest batch went to live subscribers. */
  matched(): void;
  /** Everything that was matched is handed to the sockets. */
  written(): void;
}

export function createHops(metrics: Metrics, clock: Clock): Hops {
  const hop = (name: string) => metrics.histogram("distribution_hop_seconds", { hop: name });
  const ingestedAppended = hop("ingested-appended");
  const appendedMatched = hop("appended-matched");
  const matchedWritten = hop("matched-written");
  const appendedWritten = hop("appended-written");
  const ingestedWritten = hop("ingested-written");
  let newest = { ingested: 0n, appendedAt: 0n };
  /** The oldest match of this turn. */
  let waiting: { ingested: bigint; appendedAt: bigint; matchedAt: bigint } | undefined;
  // Clocks of two machines may differ: a negative time is none.
  const seconds = (from: bigint, to: bigint): number => Math.max(0, Number(to - from) / 1e9);

  return {
    appended(ingested, appendedAt) {
      newest = { ingested, appendedAt };
      if (ingested !== 0n) ingestedAppended.record(seconds(ingested, appendedAt));
    },
    matched() {
      if (waiting) return;
      const matchedAt = clock.wallNs();
      appendedMatched.record(seconds(newest.appendedAt, matchedAt));
      waiting = { ...newest, matchedAt };
    },
    written() {
      if (!waiting) return;
      const now = clock.wallNs();
      matchedWritten.record(seconds(waiting.matchedAt, now));
      appendedWritten.record(seconds(waiting.appendedAt, now));
      if (waiting.ingested !== 0n) ingestedWritten.record(seconds(waiting.ingested, now));
      waiting = undefined;
    },
  };
}
