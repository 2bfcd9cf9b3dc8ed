/** Metrics as plain numbers: the hot path adds to a field, and only a scrape turns them into text. */
import { METRICS, type MetricName } from "./names.ts";

export type Labels = Readonly<Record<string, string>>;

export interface Counter {
  value: number;
}

/** Log-linear buckets: four a factor of two, so that a quantile is within 19 %. Bounds in the metric's own unit. */
export interface Histogram {
  record(value: number): void;
  /** Upper bound of the bucket that holds the q-quantile; 0 when empty. */
  quantile(q: number): number;
  readonly count: number;
  readonly sum: number;
}

export interface Metrics {
  counter(name: MetricName, labels?: Labels): Counter;
  histogram(name: MetricName, labels?: Labels): Histogram;
  /** Asked at scrape time. Several of one name and different labels may be given. */
  gauge(name: MetricName, labels: Labels, read: () => number): void;
  /** Prometheus text exposition 0.0.4. */
  render(): string;
}

const BUCKETS_PER_OCTAVE = 4;
const SMALLEST = 1e-6;
const BUCKETS = 160;

class LogHistogram implements Histogram {
  readonly buckets = new Float64Array(BUCKETS);
  count = 0;
  sum = 0;

  record(value: number): void {
    this.count += 1;
    this.sum += value;
    const bucket = value <= SMALLEST ? 0 : Math.ceil(Math.log2(value / SMALLEST) * BUCKETS_PER_OCTAVE);
    this.buckets[Math.min(bucket, BUCKETS - 1)]! += 1;
  }

  quantile(q: number): number {
    if (this.count === 0) return 0;
    let rest = q * this.count;
    for (let bucket = 0; bucket < BUCKETS; bucket += 1) {
      rest -= this.buckets[bucket]!;
      if (rest <= 0) return upperBound(bucket);
    }
    return upperBound(BUCKETS - 1);
  }
}

const upperBound = (bucket: number): number => SMALLEST * 2 ** (bucket / BUCKETS_PER_OCTAVE);

export function createMetrics(): Metrics {
  const counters = new Map<string, { name: MetricName; labels: Labels; counter: Counter }>();
  const histograms = new Map<string, { name: MetricName; labels: Labels; histogram: LogHistogram }>();
  const gauges = new Map<string, { name: MetricName; labels: Labels; read: () => number }>();
  const keyOf = (name: MetricName, labels: Labels): string => name + renderLabels(labels);

  return {
    counter(name, labels = {}) {
      const key = keyOf(name, labels);
      let entry = counters.get(key);
      if (!entry) {
        entry = { name, labels, counter: { value: 0 } };
        counters.set(key, entry);
      }
      return entry.counter;
    },
    histogram(name, labels = {}) {
      const key = keyOf(name, labels);
      let entry = histograms.get(key);
      if (!entry) {
        entry = { name, labels, histogram: new LogHistogram() };
        histograms.set(key, entry);
      }
      return entry.histogram;
    },
    gauge(name, labels, read) {
      gauges.set(keyOf(name, labels), { name, labels, read });
    },
    render() {
      const lines = new Map<MetricName, string[]>();
      const add = (name: MetricName, line: string): void => {
        const list = lines.get(name);
        if (list) list.push(line);
        else lines.set(name, [line]);
      };
      for (const { name, labels, counter } of counters.values())
        add(name, `${name}${renderLabels(labels)} ${counter.value}`);
      for (const { name, labels, read } of gauges.values()) add(name, `${name}${renderLabels(labels)} ${read()}`);
      for (const { name, labels, histogram } of histograms.values()) {
        for (const line of renderHistogram(name, labels, histogram)) add(name, line);
      }
      const text: string[] = [];
      for (const [name, definition] of Object.entries(METRICS)) {
        const series = lines.get(name as MetricName);
        if (series) text.push(`# HELP ${name} ${definition.help}`, `# TYPE ${name} ${definition.type}`, ...series);
      }
      return `${text.join("\n")}\n`;
    },
  };
}

/** Whole octaves only: 40 lines a histogram instead of 160. */
function* renderHistogram(name: string, labels: Labels, histogram: LogHistogram): Generator<string> {
  let cumulative = 0;
  for (let bucket = 0; bucket < BUCKETS; bucket += 1) {
    cumulative += histogram.buckets[bucket]!;
    if (bucket % BUCKETS_PER_OCTAVE !== 0 || cumulative === 0) continue;
    yield `${name}_bucket${renderLabels({ ...labels, le: upperBound(bucket).toPrecision(6) })} ${cumulative}`;
    if (cumulative === histogram.count) break;
  }
  yield `${name}_bucket${renderLabels({ ...labels, le: "+Inf" })} ${histogram.count}`;
  yield `${name}_sum${renderLabels(labels)} ${histogram.sum}`;
  yield `${name}_count${renderLabels(labels)} ${histogram.count}`;
}

function renderLabels(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${value.replace(/[\\"\n]/g, escapeLabel)}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

const escapeLabel = (character: string): string => (character === "\n" ? "\\n" : `\\${character}`);
