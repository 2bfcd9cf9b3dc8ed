/** What a service tells of its own life without a cause: how it performs, how it is, and of each part when it changed. */
import type { Life } from "./life/index.ts";
import type { Metrics } from "./observability/index.ts";
import type { Runtime, Timer } from "./runtime/index.ts";
import type { TopicDefinition } from "./topics.ts";
import type { Health } from "./transport/health.ts";
import type { Sessions } from "./transport/sessions.ts";

export interface RegularTelling {
  readonly life: Life;
  readonly runtime: Runtime;
  readonly metrics: Metrics;
  readonly sessions: Sessions;
  readonly topics: readonly TopicDefinition[];
  readonly health: Pick<Health, "state" | "reasons">;
  /** By name: what is wrong with it; empty when all is well. */
  readonly parts: Readonly<Record<string, () => readonly string[]>>;
}

const EVERY_MS = 10_000;

/** Tells how the service is at once, and then all of it every ten seconds until the timer is cancelled. */
export function tellRegularly(telling: RegularTelling): Timer {
  const tellHealth = createHealthTelling(telling);
  const tellPerformance = createPerformanceTelling(telling);
  tellHealth();
  return telling.runtime.timers.every(EVERY_MS, () => {
    tellHealth();
    tellPerformance();
  });
}

function createHealthTelling({ life, health, parts }: RegularTelling): () => void {
  let told: string | undefined;
  const faults = new Map(Object.keys(parts).map((part) => [part, "[]"]));
  return () => {
    for (const [part, read] of Object.entries(parts)) {
      const reasons = read();
      const text = JSON.stringify(reasons);
      if (text === faults.get(part)) continue;
      faults.set(part, text);
      life.tell("health", { part, healthy: reasons.length === 0, reasons });
    }
    const status = { state: health.state, reasons: health.reasons() };
    if (JSON.stringify(status) !== told) life.tell("status", status);
    told = JSON.stringify(status);
  };
}

function createPerformanceTelling({ life, metrics, sessions, topics }: RegularTelling): () => void {
  const latency = metrics.histogram("distribution_hop_seconds", { hop: "ingested-written" });
  const ingested = topics.map(({ name }) => metrics.counter("distribution_ingest_events_total", { topic: name }));
  const read = () => ({
    eventsIn: ingested.reduce((total, { value }) => total + value, 0),
    eventsDelivered: sessions.delivered,
  });
  let before = read();
  return () => {
    const now = read();
    life.tell("performance", {
      windowMs: EVERY_MS,
      eventsIn: now.eventsIn - before.eventsIn,
      eventsDelivered: now.eventsDelivered - before.eventsDelivered,
      latencyMs: { p50: latency.quantile(0.5) * 1e3, p99: latency.quantile(0.99) * 1e3 },
      sessions: sessions.size,
      subscriptions: sessions.subscriptions,
    });
    before = now;
  };
}
