import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ERROR_CODES, STOP_WITHIN_MS } from "@distribution/core";
import { createHops, createMetrics, METRICS } from "@distribution/core/observability";
import { createSimulatedRuntime } from "@distribution/testkit/simulation";
import { describe, expect, it } from "vitest";
import { findServices } from "../src/launch/services.ts";
import { ROOT } from "./launch/support.ts";

const DEPLOY = join(ROOT, "deploy");
const read = (path: string): string => readFileSync(join(DEPLOY, path), "utf8");
const rules = read("prometheus/alerts.yaml");
const services = findServices(ROOT).map(({ name }) => name);

/** Values that a label is compared with, in every rule. */
const labelValues = (label: string): readonly string[] =>
  [...rules.matchAll(new RegExp(`\\b${label}=~?"([^"]+)"`, "g"))].flatMap(([, values = ""]) => values.split("|"));

describe("the alert rules", () => {
  it("know only metrics that there are", () => {
    const names = rules.match(/\b(?:distribution|process)_[a-z_]+/g) ?? [];
    const metrics = new Set(names.map((name) => name.replace(/_(bucket|sum|count)$/, "")));
    expect(metrics.size).toBeGreaterThan(8);
    for (const name of metrics) expect(METRICS, name).toHaveProperty(name);
  });

  it("ask for labels that there are", () => {
    expect(labelValues("code").length).toBeGreaterThan(0);
    for (const code of labelValues("code")) expect(ERROR_CODES, code).toHaveProperty(code);
    const metrics = createMetrics();
    createHops(metrics, createSimulatedRuntime(1).clock);
    expect(labelValues("hop").length).toBeGreaterThan(0);
    for (const hop of labelValues("hop")) expect(metrics.render()).toContain(`hop="${hop}"`);
  });

  it("have a target for every service, and a scrape of its metrics", () => {
    for (const service of services) {
      expect(rules).toMatch(new RegExp(`target_seconds, .*job: ${service} }`));
      expect(labelValues("job")).toContain(service);
      expect(read("prometheus/prometheus.yaml")).toContain(`job_name: ${service}\n`);
    }
  });
});

describe("the unit", () => {
  const unit = read("systemd/distribution@.service");

  it("gives a service longer to stop than it gives itself", () => {
    const seconds = Number(/^TimeoutStopSec=(\d+)$/m.exec(unit)?.[1]);
    expect(seconds * 1_000).toBeGreaterThan(STOP_WITHIN_MS);
  });

  it("leaves the boot id readable, which tells the owner of a data folder from a dead one", () => {
    expect(unit).not.toMatch(/^ProcSubset=/m);
  });
});
