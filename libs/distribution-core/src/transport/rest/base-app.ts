/** What the public and the admin application have in common: the ways in and out of every request. */
import express, { type Express, type RequestHandler } from "express";
import { DistributionError, fieldError } from "../../errors.ts";
import type { Logger, Metrics } from "../../observability/index.ts";
import type { Random } from "../../runtime/index.ts";
import { createHostGuard, type HostGuard } from "../wires/host.ts";
import { originRefusal } from "../wires/origin.ts";
import { contextOf, openContext } from "./context.ts";
import { answerProblems } from "./problem.ts";
import { securityHeaders } from "./security-headers.ts";

/** Whose requests are taken, beside what the guard says. */
export interface CallerOptions {
  /** Default: localhost and loopback addresses. */
  readonly hostGuard?: HostGuard;
  /** Origins of web pages that may change something beside the service's own; "*": any. Default none. */
  readonly origins?: readonly string[];
}

export interface BaseAppOptions extends CallerOptions {
  readonly metrics: Metrics;
  readonly logger: Logger;
  readonly random: Random;
  /** Longest target, bytes. */
  readonly urlBytes: number;
}

/** An application that runs `build`'s routes between the checks that all requests pass and the answers to what fails. */
export function createBaseApp(options: BaseAppOptions, build: (app: Express) => void): Express {
  const app = express();
  app.disable("x-powered-by");
  app.disable("etag");
  // Queries are read strictly, see query.ts; Express would merge and drop.
  app.set("query parser", false);
  app.set("case sensitive routing", true);
  app.set("strict routing", true);
  app.use(
    openContext(options.random),
    securityHeaders(),
    countRequests(options.metrics),
    checkCaller(options),
    checkTarget(options.urlBytes),
  );
  build(app);
  app.use((request) => {
    throw new DistributionError("not_found", `Nothing is at ${request.path}; /api/v1/docs lists what there is.`);
  });
  app.use(answerProblems(options.logger));
  return app;
}

/** By the endpoint's template, never by the path: the number of series stays that of the endpoints. */
function countRequests(metrics: Metrics): RequestHandler {
  return (request, response, next) => {
    response.once("close", () => {
      const { route: template, mount } = contextOf(response);
      const path: unknown = request.route?.path;
      const route = template || (typeof path === "string" ? `${request.method} ${mount}${path}` : "none");
      const status = response.writableFinished ? String(response.statusCode) : "aborted";
      metrics.counter("distribution_http_requests_total", { route, status }).value += 1;
    });
    next();
  };
}

/** A page of another origin may ask what it likes, as browsers do not show it the answer; it may not change anything. */
function checkCaller({ hostGuard = createHostGuard(), origins = [] }: CallerOptions): RequestHandler {
  return ({ method, headers }, _response, next) => {
    const reads = method === "GET" || method === "HEAD" || method === "OPTIONS";
    const refusal = hostGuard(headers) ?? (reads ? undefined : originRefusal(headers, origins));
    if (refusal) throw refusal;
    next();
  };
}

function checkTarget(urlBytes: number): RequestHandler {
  return (request, _response, next) => {
    const target = request.originalUrl;
    // A target is ASCII: one character is one byte.
    if (target.length > urlBytes) {
      const message = `${target.length} bytes are over the limit of ${urlBytes}; ask for less in one request`;
      throw fieldError("invalid_request", "url", message);
    }
    try {
      decodeURIComponent(request.path);
    } catch {
      throw fieldError("invalid_request", "path", "has bad percent encoding; write % as %25");
    }
    next();
  };
}
