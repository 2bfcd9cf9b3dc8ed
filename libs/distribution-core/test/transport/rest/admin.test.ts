import type { AddressInfo } from "node:net";
import { Validator } from "@seriousme/openapi-schema-validator";
import { Router } from "express";
import { describe, expect, it } from "vitest";
import { DistributionError } from "../../../src/errors.ts";
import { createMetrics } from "../../../src/observability/index.ts";
import { createLoopbackGuard } from "../../../src/security/index.ts";
import {
  type AdminAppOptions,
  createAdminApp,
  createHttpServer,
  type ServiceHealth,
} from "../../../src/transport/rest/index.ts";
import { FIRST_APPEND } from "./memory-log.ts";
import { problemIn, SERVICE } from "./rest-server.ts";

const quiet = { debug() {}, info() {}, warn() {}, error() {} };

async function startAdmin(options: Partial<AdminAppOptions> = {}) {
  const metrics = createMetrics();
  const app = createAdminApp({
    service: SERVICE,
    health: () => ({ live: true, ready: true, reasons: [] }),
    metrics,
    status: () => ({
      state: "ready",
      reasons: [],
      startedAt: FIRST_APPEND,
      broker: { name: "memory", ready: true, reasons: [] },
      sessions: {},
      subscriptions: 0,
      interestClasses: 0,
    }),
    routes: () => [{ name: "all", matches: 7 }],
    explain: () => [],
    guard: createLoopbackGuard(),
    logger: quiet,
    ...options,
  });
  const server = createHttpServer(app);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    metrics,
    get: (path: string) => fetch(url + path),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

describe("the admin port", () => {
  it.each<[ServiceHealth, number, number]>([
    [{ live: true, ready: true, reasons: [] }, 200, 200],
    [{ live: true, ready: false, reasons: ["draining"] }, 200, 503],
    [{ live: false, ready: false, reasons: ["event loop stuck"] }, 503, 503],
  ])("%j is live %d and ready %d", async (health, live, ready) => {
    await using admin = await startAdmin({ health: () => health });
    const livez = await admin.get("/livez");
    const readyz = await admin.get("/readyz");
    expect([livez.status, readyz.status]).toEqual([live, ready]);
    expect(await livez.json()).toEqual({ live: health.live, reasons: health.live ? [] : health.reasons });
    expect(await readyz.json()).toEqual({ ready: health.ready, reasons: health.reasons });
  });

  it("gives the metrics in Prometheus' format", async () => {
    await using admin = await startAdmin();
    admin.metrics.counter("distribution_ingest_events_total", { topic: "a" }).value = 3;
    const response = await admin.get("/metrics");
    expect(response.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
    expect(await response.text()).toContain('distribution_ingest_events_total{topic="a"} 3');
  });

  it("tells operators the state and the routes, and documents that", async () => {
    await using admin = await startAdmin();
    expect(await (await admin.get("/admin/v1/routes")).json()).toEqual({ routes: [{ name: "all", matches: 7 }] });
    expect(await (await admin.get("/admin/v1/status")).json()).toMatchObject({ startedAt: "2026-01-05T14:30:00Z" });
    const document = (await (await admin.get("/admin/v1/openapi.json")).json()) as { paths: object };
    expect(Object.keys(document.paths)).toEqual([
      "/admin/v1/status",
      "/admin/v1/routes",
      "/admin/v1/routes/explain",
      "/admin/v1/openapi.json",
    ]);
    expect((await new Validator().validate(document)).errors).toBeUndefined();
  });

  it("asks the guard before anything that operators may do, not before health", async () => {
    const refusal = new DistributionError("forbidden", "You are no operator.");
    const guard = {
      identify: () => ({ subject: "x", attributes: {} }),
      authorize: () => {
        throw refusal;
      },
    };
    await using admin = await startAdmin({ guard });
    expect(await problemIn(await admin.get("/admin/v1/routes"))).toMatchObject({ status: 403 });
    expect((await admin.get("/livez")).status).toBe(200);
  });

  it("has room for further endpoints, and answers 404 and 405 like the public port", async () => {
    const adminRouter = Router().get("/keys", (_request, response) => void response.json([]));
    await using admin = await startAdmin({ adminRouter });
    expect(await (await admin.get("/admin/v1/keys")).json()).toEqual([]);
    expect(await problemIn(await admin.get("/admin/v1/nothing"))).toMatchObject({ code: "not_found" });
  });
});
