/** The admin HTTP face: health for orchestrators, metrics for Prometheus, and the operators' API. */
import type { Express, Response, Router } from "express";
import { formatTime } from "../../events/index.ts";
import type { Logger, Metrics } from "../../observability/index.ts";
import { type Runtime, systemRuntime } from "../../runtime/index.ts";
import type { Guard } from "../../security/contract.ts";
import { openApiDocument, openApiFragment } from "../documents/openapi.ts";
import type { ServiceDescription } from "../documents/operation-document.ts";
import { arrayOf, jsonContent, objectOf, schemaRef } from "../documents/schemas.ts";
import { type CallerOptions, createBaseApp } from "./base-app.ts";
import { contextOf, identify, mountedAt } from "./context.ts";
import { type ExplainRoute, explainRouteOperation } from "./explain-route.ts";
import { DEFAULT_REST_LIMITS } from "./limits.ts";
import { defineOperation, type Operation } from "./operation.ts";
import { createOperationRouter } from "./operation-router.ts";
import { REPLICA_SCHEMA, type ServiceStatus } from "./service-status.ts";

/** Where the operators' API lives. */
export const ADMIN_PREFIX = "/admin/v1";

export interface ServiceHealth {
  /** False: the process is beyond help and should be started again. */
  readonly live: boolean;
  /** False while starting, degraded beyond use or draining: send no new clients. */
  readonly ready: boolean;
  /** Why not ready, for people; empty when all is well. */
  readonly reasons: readonly string[];
}

export interface RouteStats {
  readonly name: string;
  readonly [field: string]: unknown;
}

export interface AdminAppOptions extends CallerOptions {
  readonly service: ServiceDescription;
  readonly health: () => ServiceHealth;
  readonly metrics: Metrics;
  readonly status: () => ServiceStatus;
  /** The routes with what they matched. */
  readonly routes: () => readonly RouteStats[];
  readonly explain: ExplainRoute;
  /** Asked to `administer` on everything below /admin/v1. Health and metrics are for anybody who reaches the port. */
  readonly guard: Guard;
  readonly logger: Logger;
  /** Further operators' endpoints below /admin/v1. */
  readonly adminRouter?: Router;
  readonly runtime?: Runtime;
}

export function createAdminApp(options: AdminAppOptions): Express {
  const { metrics, health, guard, runtime = systemRuntime } = options;
  const { urlBytes } = DEFAULT_REST_LIMITS;
  return createBaseApp({ ...options, random: runtime.random, urlBytes }, (app) => {
    app.get("/livez", (_request, response) => {
      const { live, reasons } = health();
      sendHealth(response, "live", live, live ? [] : reasons);
    });
    app.get("/readyz", (_request, response) => {
      const { ready, reasons } = health();
      sendHealth(response, "ready", ready, reasons);
    });
    app.get("/metrics", (_request, response) => {
      response.type("text/plain; version=0.0.4; charset=utf-8").send(Buffer.from(metrics.render()));
    });
    app.use(ADMIN_PREFIX, identify(guard), (_request, response, next) => {
      contextOf(response).authorize({ kind: "administer" });
      next();
    });
    app.use(ADMIN_PREFIX, createOperationRouter(adminOperations(options)));
    if (options.adminRouter) app.use(ADMIN_PREFIX, mountedAt(ADMIN_PREFIX), options.adminRouter);
  });
}

function sendHealth(response: Response, name: "live" | "ready", well: boolean, reasons: readonly string[]): void {
  response.status(well ? 200 : 503).json({ [name]: well, reasons });
}

function adminOperations({
  service,
  status,
  routes,
  explain,
  runtime = systemRuntime,
}: AdminAppOptions): readonly Operation[] {
  const operations: Operation[] = [
    defineOperation({
      id: "adminStatus",
      method: "get",
      path: "/status",
      tag: "admin",
      summary: "The state of this replica",
      parameters: {},
      responses: { 200: { description: "Its state.", content: jsonContent(schemaRef("Replica")) } },
      errors: [],
      handle({ response }) {
        const now = status();
        response.json({ ...now, startedAt: formatTime(now.startedAt) });
      },
    }),
    defineOperation({
      id: "adminRoutes",
      method: "get",
      path: "/routes",
      tag: "admin",
      summary: "The routes with what they matched",
      parameters: {},
      responses: {
        200: {
          description: "In the order in which they are tried.",
          content: jsonContent(objectOf({ routes: arrayOf(objectOf({ name: { type: "string" } })) })),
        },
      },
      errors: [],
      handle: ({ response }) => void response.json({ routes: routes() }),
    }),
    explainRouteOperation(explain, runtime.timers),
    defineOperation({
      id: "adminOpenApi",
      method: "get",
      path: "/openapi.json",
      tag: "admin",
      summary: "This document",
      parameters: {},
      responses: { 200: { description: "OpenAPI 3.1.", content: jsonContent({ type: "object" }) } },
      errors: [],
      handle: ({ response }) => void response.json(document),
    }),
  ];
  const fragment = openApiFragment(ADMIN_PREFIX, operations, {
    tags: [{ name: "admin", description: "For operators." }],
    schemas: { Replica: REPLICA_SCHEMA },
  });
  const document = openApiDocument({ service, fragments: [fragment] });
  return operations;
}
