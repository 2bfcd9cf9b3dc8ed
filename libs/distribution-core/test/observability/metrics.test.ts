import { describe, expect, it } from "vitest";
import { createMetrics, METRICS } from "../../src/observability/index.ts";

const linesOf = (text: string, name: string): string[] => text.split("\n").filter((line) => line.startsWith(name));

describe("metrics", () => {
  it("render counters with their help and type, once for all labels", () => {
    const metrics = createMetrics();
    metrics.counter("distribution_ingest_events_total", { topic: "a" }).value += 2;
    metrics.counter("distribution_ingest_events_total", { topic: "b" }).value += 1;
    metrics.counter("distribution_redelivered_events_total").value += 3;
    expect(metrics.render()).toBe(
      [
        "# HELP distribution_ingest_events_total Events published and durable, by topic.",
        "# TYPE distribution_ingest_events_total counter",
        'distribution_ingest_events_total{topic="a"} 2',
        'distribution_ingest_events_total{topic="b"} 1',
        `# HELP distribution_redelivered_events_total ${METRICS.distribution_redelivered_events_total.help}`,
        "# TYPE distribution_redelivered_events_total counter",
        "distribution_redelivered_events_total 3",
        "",
      ].join("\n"),
    );
  });

  it("are one for each name and labels, whoever asks for them", () => {
    const metrics = createMetrics();
    const one = metrics.counter("distribution_ingest_events_total", { topic: "a" });
    expect(metrics.counter("distribution_ingest_events_total", { topic: "a" })).toBe(one);
    expect(metrics.counter("distribution_ingest_events_total", { topic: "b" })).not.toBe(one);
    const hop = metrics.histogram("distribution_hop_seconds", { hop: "a" });
    expect(metrics.histogram("distribution_hop_seconds", { hop: "a" })).toBe(hop);
  });

  it("read gauges when they are rendered", () => {
    const metrics = createMetrics();
    let value = 1;
    metrics.gauge("distribution_sessions", { wire: "grpc" }, () => value);
    metrics.gauge("distribution_sessions", { wire: "sse" }, () => 7);
    value = 5;
    expect(linesOf(metrics.render(), "distribution_sessions{")).toEqual([
      'distribution_sessions{wire="grpc"} 5',
      'distribution_sessions{wire="sse"} 7',
    ]);
  });

  it("escape what a label must not hold", () => {
    const metrics = createMetrics();
    metrics.counter("distribution_ingest_events_total", { topic: 'a"b\\c\nd' }).value = 1;
    expect(metrics.render()).toContain('{topic="a\\"b\\\\c\\nd"} 1');
  });

  it("are empty text but for a line's end when nothing was measured", () => {
    expect(createMetrics().render()).toBe("\n");
  });
});

describe("a histogram", () => {
  const open = () => createMetrics().histogram("distribution_hop_seconds");

  it("is empty at first", () => {
    const histogram = open();
    expect([histogram.count, histogram.sum, histogram.quantile(0.5)]).toEqual([0, 0, 0]);
  });

  it.each([1e-6, 3.7e-5, 0.001, 0.25, 3, 100])("knows a quantile of %d within a fifth, and never too low", (value) => {
    const histogram = open();
    for (let count = 0; count < 10; count += 1) histogram.record(value);
    const quantile = histogram.quantile(0.99);
    expect(quantile).toBeGreaterThanOrEqual(value * (1 - 1e-9));
    expect(quantile).toBeLessThanOrEqual(value * 1.19);
    expect(histogram.sum).toBeCloseTo(10 * value, 9);
  });

  it("tells quantiles apart", () => {
    const histogram = open();
    for (let count = 0; count < 98; count += 1) histogram.record(0.001);
    for (let count = 0; count < 2; count += 1) histogram.record(1);
    expect(histogram.quantile(0.5)).toBeLessThan(0.0012);
    expect(histogram.quantile(0.98)).toBeLessThan(0.0012);
    expect(histogram.quantile(0.99)).toBeGreaterThanOrEqual(1);
  });

  it("takes what is below its smallest and above its largest bucket", () => {
    const histogram = open();
    for (const value of [0, -1, 1e-9]) histogram.record(value);
    expect(histogram.quantile(1)).toBe(1e-6);
    histogram.record(1e12);
    expect(histogram.count).toBe(4);
    expect(histogram.quantile(1)).toBeGreaterThan(1e5);
  });

  it("renders cumulative buckets up to all of it, with sum and count", () => {
    const metrics = createMetrics();
    const histogram = metrics.histogram("distribution_hop_seconds", { hop: "x" });
    for (const value of [0.001, 0.002, 0.002, 5]) histogram.record(value);
    const lines = linesOf(metrics.render(), "distribution_hop_seconds");
    const buckets = lines.filter((line) => line.includes("_bucket"));
    const counts = buckets.map((line) => Number(line.split(" ")[1]));
    expect(counts).toEqual([...counts].sort((a, b) => a - b));
    expect(buckets.at(-1)).toBe('distribution_hop_seconds_bucket{hop="x",le="+Inf"} 4');
    expect(lines).toContain('distribution_hop_seconds_sum{hop="x"} 5.005');
    expect(lines).toContain('distribution_hop_seconds_count{hop="x"} 4');
    const bounds = buckets.slice(0, -1).map((line) => Number(/le="([^"]*)"/.exec(line)?.[1]));
    for (const [at, bound] of bounds.entries()) {
      expect(counts[at]).toBe([0.001, 0.002, 0.002, 5].filter((value) => value <= bound).length);
    }
  });
});
