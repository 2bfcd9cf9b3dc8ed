import { describe, expect, it } from "vitest";
import { observeProcess } from "../../../src/observability/event-loop.ts";
import { createMetrics } from "../../../src/observability/index.ts";
import { systemRuntime } from "../../../src/runtime/index.ts";

/** A clock and a timer that go by hand. */
function manualRuntime() {
  let now = 0;
  let probe = (): void => {};
  let cancelled = false;
  return {
    clock: { monotonicMs: () => now, wallNs: () => 0n },
    timers: {
      every(_ms: number, run: () => void) {
        probe = run;
        return {
          cancel() {
            cancelled = true;
          },
        };
      },
      after: () => ({ cancel() {} }),
      soon() {},
    },
    /** The probe fires after so many milliseconds. */
    fire(ms: number) {
      now += ms;
      probe();
    },
    cancelled: () => cancelled,
  };
}

const sampleOf = (text: string, series: string): number =>
  Number(
    text
      .split("\n")
      .find((line) => line.startsWith(series))
      ?.split(" ")[1],
  );

describe("process metrics", () => {
  it("tell how late the event loop was since the last scrape", () => {
    const runtime = manualRuntime();
    const metrics = createMetrics();
    const observer = observeProcess(metrics, runtime);
    for (let index = 0; index < 99; index += 1) runtime.fire(10);
    runtime.fire(260);
    expect(observer.maxDelaySeconds()).toBeCloseTo(0.25, 3);
    const text = metrics.render();
    expect(sampleOf(text, 'process_event_loop_delay_seconds{quantile="0.5"}')).toBeLessThan(0.001);
    expect(sampleOf(text, 'process_event_loop_delay_seconds{quantile="1"}')).toBeCloseTo(0.25, 3);
    expect(sampleOf(metrics.render(), 'process_event_loop_delay_seconds{quantile="1"}')).toBe(0);
    runtime.fire(40);
    expect(sampleOf(metrics.render(), 'process_event_loop_delay_seconds{quantile="0.99"}')).toBeCloseTo(0.03, 2);
    observer.close();
    expect(runtime.cancelled()).toBe(true);
  });

  it("see a real stall, CPU time and memory", async () => {
    const metrics = createMetrics();
    const observer = observeProcess(metrics, systemRuntime);
    await new Promise((resolve) => setTimeout(resolve, 30));
    const end = performance.now() + 60;
    while (performance.now() < end);
    await new Promise((resolve) => setTimeout(resolve, 15));
    expect(observer.maxDelaySeconds()).toBeGreaterThan(0.04);
    observer.close();
    const text = metrics.render();
    expect(text).toContain("# TYPE process_cpu_seconds_total counter");
    expect(sampleOf(text, "process_cpu_seconds_total")).toBeGreaterThan(0.05);
    expect(sampleOf(text, "process_resident_memory_bytes")).toBeGreaterThan(10_000_000);
  });
});
