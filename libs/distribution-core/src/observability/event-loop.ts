/** What the process itself costs: event-loop delay, CPU time and memory, read at scrape time. */
import { createHistogram } from "node:perf_hooks";
import type { Runtime } from "../runtime/index.ts";
import type { Metrics } from "./metrics.ts";

/** How often the loop is probed, milliseconds. A shorter stall is seen in part; a probe costs about a microsecond. */
const PROBE_MS = 10;
const QUANTILES = [0.5, 0.99, 1] as const;

export interface ProcessObserver {
  /** Longest delay of the event loop since the last scrape, seconds. */
  maxDelaySeconds(): number;
  /** Stops probing. The gauges stay, and keep their last delay. Idempotent. */
  close(): void;
}

/**
 * Registers the process metrics. The delay is how late a timer fires: what every socket waits at that moment.
 * A probe of our own rather than `monitorEventLoopDelay`: that one forgets a stall that spans its reset, so each scrape
 * would hide the stall that it causes itself.
 */
export function observeProcess(metrics: Metrics, runtime: Pick<Runtime, "clock" | "timers">): ProcessObserver {
  const { clock, timers } = runtime;
  const delays = createHistogram();
  let last = clock.monotonicMs();
  const probe = timers.every(PROBE_MS, () => {
    const now = clock.monotonicMs();
    const late = now - last - PROBE_MS;
    last = now;
    delays.record(Math.max(1, Math.round(late * 1e6)));
  });

  const quantile = (q: number): number =>
    delays.count === 0 ? 0 : (q === 1 ? delays.max : delays.percentile(q * 100)) / 1e9;
  for (const q of QUANTILES) {
    metrics.gauge("process_event_loop_delay_seconds", { quantile: String(q) }, () => {
      const seconds = quantile(q);
      // The last of a scrape to be read: the next scrape starts afresh.
      if (q === 1) delays.reset();
      return seconds;
    });
  }
  metrics.gauge("process_cpu_seconds_total", {}, () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  });
  metrics.gauge("process_resident_memory_bytes", {}, () => process.memoryUsage.rss());

  return { maxDelaySeconds: () => quantile(1), close: () => probe.cancel() };
}
