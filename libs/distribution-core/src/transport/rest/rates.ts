/** How fast events come and go, from counters that are read once a second. */
import type { Counter, MetricName, Metrics } from "../../observability/index.ts";
import type { Timers } from "../../runtime/index.ts";
import type { WireName } from "../contract.ts";

export interface Rate {
  readonly eventsPerSecond: number;
  readonly bytesPerSecond: number;
}

export interface Rates {
  /** What was published to the topic and is durable. Undefined for the first second, and for a topic that is not known. */
  published(topic: string): Rate | undefined;
  /** What was handed to all wires together. Undefined for the first second. */
  delivered(): Rate | undefined;
  /** Stops reading. Idempotent. */
  close(): void;
}

const SAMPLE_MS = 1000;
/** The rate is the mean over so many samples: smooth for the eye, and right within seconds of a change. */
const SAMPLES = 3;
const WIRES: readonly WireName[] = ["websocket", "socketio", "grpc", "sse"];

export interface RatesOptions {
  readonly metrics: Metrics;
  readonly topics: readonly string[];
  readonly timers: Timers;
}

export function createRates({ metrics, topics, timers }: RatesOptions): Rates {
  const byTopic = new Map(
    topics.map((topic) => [
      topic,
      createMeter(
        [metrics.counter("distribution_ingest_events_total", { topic })],
        [metrics.counter("distribution_ingest_bytes_total", { topic })],
      ),
    ]),
  );
  const ofWires = (name: MetricName): Counter[] => WIRES.map((wire) => metrics.counter(name, { wire }));
  const delivered = createMeter(
    ofWires("distribution_delivered_events_total"),
    ofWires("distribution_delivered_bytes_total"),
  );
  const timer = timers.every(SAMPLE_MS, () => {
    for (const meter of byTopic.values()) meter.sample();
    delivered.sample();
  });
  return {
    published: (topic) => byTopic.get(topic)?.rate(),
    delivered: () => delivered.rate(),
    close: () => timer.cancel(),
  };
}

function createMeter(events: readonly Counter[], bytes: readonly Counter[]) {
  const sum = (counters: readonly Counter[]): number => counters.reduce((total, { value }) => total + value, 0);
  const read = () => ({ events: sum(events), bytes: sum(bytes) });
  const samples = [read()];
  return {
    sample(): void {
      samples.push(read());
      if (samples.length > SAMPLES + 1) samples.shift();
    },
    rate(): Rate | undefined {
      const first = samples[0]!;
      const last = samples[samples.length - 1]!;
      if (samples.length < 2) return undefined;
      const seconds = ((samples.length - 1) * SAMPLE_MS) / 1000;
      return {
        eventsPerSecond: toTenths((last.events - first.events) / seconds),
        bytesPerSecond: toTenths((last.bytes - first.bytes) / seconds),
      };
    },
  };
}

/** For people, who read no more of a rate. */
const toTenths = (value: number): number => Math.round(value * 10) / 10;
