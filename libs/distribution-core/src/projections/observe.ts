/** The metrics of one projection, read when they are scraped. */
import type { Metrics } from "../observability/index.ts";
import type { Intake } from "./contract.ts";

export function observeProjection(metrics: Metrics, intake: Intake): void {
  const projection = intake.name;
  metrics.gauge("distribution_projection_events_total", { projection }, () => intake.stats.events);
  for (const topic of intake.topics) {
    const read = (): number => intake.stats.skipped[topic] ?? 0;
    metrics.gauge("distribution_projection_skipped_events_total", { projection, topic }, read);
  }
  metrics.gauge("distribution_projection_forgotten_keys_total", { projection }, () => intake.stats.forgotten);
  metrics.gauge("distribution_projection_keys", { projection }, () => intake.stats.keys);
  metrics.gauge("distribution_projection_bytes", { projection }, () => intake.stats.bytes);
  metrics.gauge("distribution_projection_lag_events", { projection }, () => intake.stats.lag);
}
