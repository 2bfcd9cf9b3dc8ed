import { request } from "node:http";
import { connect } from "node:net";
import { Router } from "express";
import { describe, expect, it } from "vitest";
import { DistributionError } from "../../../src/errors.ts";
import { createMetrics } from "../../../src/observability/index.ts";
import type { Guard } from "../../../src/security/index.ts";
import { openApiFragment } from "../../../src/transport/documents/index.ts";
import {
  contextOf,
  createOperationRouter,
  createRates,
  defaultedQuery,
  defineOperation,
  integer,
  oneOf,
  optionalHeader,
  pathParameter,
  requiredQuery,
  text,
} from "../../../src/transport/rest/index.ts";
import { cloudEvent, problemIn, publishing, SERVICE, startRest } from "./rest-server.ts";

describe("every request", () => {
  it("is answered with the id it came with, or with a new one", async () => {
    await using server = await startRest();
    const id = async (sent?: string): Promise<string | null> =>
      (await server.get("/api/v1/status", sent === undefined ? {} : { "x-request-id": sent })).headers.get(
        "x-request-id",
      );
    expect(await id("order-7:a/b")).toBe("order-7:a/b");
    expect(await id()).toMatch(/^[0-9a-f]{24}$/);
    expect(await id("has space")).toMatch(/^[0-9a-f]{24}$/);
    expect(await id("x".repeat(128))).toHaveLength(128);
    expect(await id("x".repeat(129))).toHaveLength(24);
  });

  it("that offers another protocol is answered in this one, beside a wire that takes upgrades", async () => {
    await using server = await startRest();
    server.http.on("upgrade", (_request, socket) => void socket.end("HTTP/1.1 404 Not Found\r\n\r\n"));
    const status = await new Promise((resolve, reject) => {
      const headers = { connection: "Upgrade, HTTP2-Settings", upgrade: "h2c", "http2-settings": "AAMAAABkAAQAoAAA" };
      const asked = request(`${server.url}/api/v1/status`, { headers }, (answer) => {
        answer.resume();
        resolve(answer.statusCode);
      });
      asked.on("error", reject).end();
    });
    expect(status).toBe(200);
  });

  it("is answered with headers that hold a browser back, and without the framework's name", async () => {
    await using server = await startRest();
    const { headers } = await server.get("/api/v1/topics");
    expect(headers.get("x-powered-by")).toBeNull();
    expect(headers.get("x-content-type-options")).toBe("nosniff");
    expect(headers.get("content-security-policy")).toBe("default-src 'none'; frame-ancestors 'none'");
    expect(headers.get("cache-control")).toBe("no-store");
  });

  it("is counted by the endpoint's template and its status", async () => {
    await using server = await startRest();
    await server.get("/api/v1/topics/test.trades");
    await server.get("/api/v1/topics/test.nothing");
    await server.get("/nowhere");
    await server.get("/");
    const text = server.metrics.render();
    expect(text).toContain('distribution_http_requests_total{route="GET /api/v1/topics/{topic}",status="200"} 1');
    expect(text).toContain('distribution_http_requests_total{route="GET /api/v1/topics/{topic}",status="404"} 1');
    expect(text).toContain('distribution_http_requests_total{route="none",status="404"} 1');
    expect(text).toContain('distribution_http_requests_total{route="GET /",status="200"} 1');
  });

  it.each([
    ["/nowhere", 404, "not_found", undefined],
    ["/api/v1/nowhere", 404, "not_found", undefined],
    ["/api/v1/topics/", 404, "not_found", undefined],
    ["/API/v1/topics", 404, "not_found", undefined],
    ["/api/v1/topics/test.nothing", 404, "unknown_topic", "path.topic"],
    ["/api/v1/topics/Bad_Name", 400, "invalid_request", "path.topic"],
    [`/api/v1/topics/${"t".repeat(200)}`, 404, "unknown_topic", "path.topic"],
    [`/api/v1/topics/${"t".repeat(201)}`, 400, "invalid_request", "path.topic"],
    ["/api/v1/topics/%zz", 400, "invalid_request", "path"],
    ["/api/v1/topics?a=1", 400, "invalid_request", "query.a"],
    ["/api/v1/topics/test.trades/latest?keys=%zz", 400, "invalid_request", "query.keys"],
    ["/api/v1/topics/test.trades/latest?%zz", 400, "invalid_request", "query.%zz"],
    ["/api/v1/topics/test.trades/latest?keys=a&keys=b", 400, "invalid_request", "query.keys"],
    ["/api/v1/topics/test.trades/latest?key=a", 400, "invalid_request", "query.key"],
  ])("%s is answered %d %s", async (path, status, code, field) => {
    await using server = await startRest();
    const response = await server.get(path);
    const problem = await problemIn(response);
    expect(problem).toMatchObject({ status, code, requestId: response.headers.get("x-request-id") });
    expect(problem.errors[0]?.path).toBe(field);
  });

  it("tells the parameters that there are to one that asks for another", async () => {
    await using server = await startRest();
    const { errors } = await problemIn(await server.get("/api/v1/topics/test.trades/latest?a=1&b=2&&"));
    expect(errors.map(({ path }) => path)).toEqual(["query.a", "query.b"]);
    expect(errors[0]?.message).toContain("keys, filter");
    expect((await problemIn(await server.get("/api/v1/topics?a"))).detail).toContain("there are none here");
  });

  it("is refused with 405 and Allow for a method that the address does not know", async () => {
    await using server = await startRest();
    const response = await fetch(`${server.url}/api/v1/topics`, { method: "DELETE" });
    expect(response.headers.get("allow")).toBe("GET, HEAD, OPTIONS");
    expect(await problemIn(response)).toMatchObject({ status: 405, code: "method_not_allowed" });
    const options = await fetch(`${server.url}/api/v1/topics/test.trades/events`, { method: "OPTIONS" });
    expect([options.status, options.headers.get("allow")]).toEqual([204, "POST, GET, HEAD, OPTIONS"]);
    const head = await fetch(`${server.url}/api/v1/topics`, { method: "HEAD" });
    expect([head.status, await head.text()]).toEqual([200, ""]);
  });

  it.each([
    [99, 200],
    [100, 200],
    [101, 400],
  ])("has a target of at most 100 bytes: %d gets %d", async (length, status) => {
    await using server = await startRest({ limits: { urlBytes: 100 } });
    const path = "/api/v1/topics/test.trades/latest?keys=".padEnd(length, "k");
    expect((await server.get(path)).status).toBe(status);
  });

  it("has headers up to a limit, and gets a problem beyond", async () => {
    await using server = await startRest({ limits: { headerBytes: 2000 } });
    expect((await server.get("/api/v1/topics", { "x-long": "x".repeat(1500) })).status).toBe(200);
    const problem = await problemIn(await server.get("/api/v1/topics", { "x-long": "x".repeat(2001) }));
    expect(problem.errors[0]).toMatchObject({ path: "headers", message: expect.stringContaining("2000") });
  });

  it("that is no HTTP gets a problem, and the next one is served", async () => {
    await using server = await startRest();
    const socket = connect(Number(new URL(server.url).port), "127.0.0.1");
    socket.write("EHLO\r\n\r\n");
    const answer = Buffer.concat(await socket.toArray()).toString();
    expect(answer).toMatch(/^HTTP\/1.1 400 Bad Request\r\n/);
    expect(answer).toContain('"code":"invalid_request"');
    expect((await server.get("/api/v1/topics")).status).toBe(200);
  });
});

describe("failures that are nobody's fault", () => {
  it("are logged under the request's id and trace, and told without their text", async () => {
    await using server = await startRest({ partitions: () => Promise.reject(new Error("secret path /etc")) });
    const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    const response = await server.get("/api/v1/topics/test.trades", { "x-request-id": "r1", traceparent });
    const problem = await problemIn(response);
    expect(problem).toMatchObject({ status: 500, code: "internal", requestId: "r1" });
    expect(JSON.stringify(problem)).not.toContain("secret");
    expect(server.lines).toMatchObject([
      {
        fields: { requestId: "r1", traceId: "0af7651916cd43dd8448eb211c80319c", err: { message: "secret path /etc" } },
      },
    ]);
  });

  it("ignore a malformed traceparent", async () => {
    await using server = await startRest({ partitions: () => Promise.reject(new Error("x")) });
    for (const traceparent of ["00-00000000000000000000000000000000-b7ad6b7169203331-01", "ff-x", "nonsense"]) {
      await server.get("/api/v1/topics/test.trades", { traceparent });
    }
    expect(server.lines.map(({ fields }) => (fields as { traceId?: string }).traceId)).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });

  it("in a domain's plain router are recognised: a client error is 400, a broken answer ends the connection", async () => {
    const router = Router();
    router.get("/client", () => {
      throw Object.assign(new Error("body-parser says no"), { status: 400 });
    });
    router.get("/late", (_request, response, next) => {
      response.write("begun");
      next(new Error("late"));
    });
    await using server = await startRest({ domainRouter: router });
    expect(await problemIn(await server.get("/api/v1/client"))).toMatchObject({ status: 400, code: "invalid_request" });
    const late = server.get("/api/v1/late").then((response) => response.text());
    await expect(late).rejects.toThrow();
    expect(server.metrics.render()).toContain('{route="GET /api/v1/client",status="400"} 1');
  });
});

describe("who may do what", () => {
  const guard: Guard = {
    identify({ token, loopback, remote }) {
      if (token === undefined) throw new DistributionError("unauthenticated", `Who is at ${remote}?`);
      return { subject: `${token} ${loopback}`, attributes: {} };
    },
    authorize({ subject }, action) {
      const topic = "topic" in action ? action.topic : "";
      if (subject.startsWith("reader") && topic !== "test.audit" && action.kind === "read") return;
      throw new DistributionError("forbidden", `${subject} may not ${action.kind} ${topic}`);
    },
  };
  const authorization = "Bearer reader";

  it("asks for a credential on the API and its documents, not on the page", async () => {
    await using server = await startRest({ guard });
    const response = await server.get("/api/v1/topics");
    expect(response.headers.get("www-authenticate")).toBe("Bearer");
    expect(await problemIn(response)).toMatchObject({ status: 401, code: "unauthenticated" });
    for (const path of ["/docs", "/openapi.json", "/asyncapi.json", "/api/v1/docs"]) {
      expect((await server.get(path)).status, path).toBe(401);
      expect((await server.get(path, { authorization })).status, path).toBe(200);
    }
    expect((await server.get("/")).status).toBe(200);
  });

  it("refuses what the guard refuses, before it says whether there is such a topic", async () => {
    await using server = await startRest({ guard });
    const post = publishing(cloudEvent({ id: "1" }));
    const response = await fetch(`${server.url}/api/v1/topics/test.none/events`, {
      ...post,
      headers: { ...post.headers, authorization },
    });
    expect(await problemIn(response)).toMatchObject({ status: 403, detail: "reader true may not publish test.none" });
    expect((await server.get("/api/v1/topics/test.audit", { authorization })).status).toBe(403);
    expect((await server.get("/api/v1/topics/test.trades", { authorization })).status).toBe(200);
  });

  it("lists the topics that the caller may read", async () => {
    await using server = await startRest({ guard });
    const { topics } = (await (await server.get("/api/v1/topics", { authorization })).json()) as {
      topics: { name: string }[];
    };
    expect(topics.map(({ name }) => name)).toEqual(["test.trades"]);
  });

  it("does not take a guard's own failure for a refusal", async () => {
    const broken = {
      ...guard,
      authorize: () => {
        throw new Error("guard is down");
      },
    };
    await using server = await startRest({ guard: broken });
    expect((await server.get("/api/v1/topics", { authorization })).status).toBe(500);
  });
});

describe("a domain's own operations", () => {
  const operation = defineOperation({
    id: "readState",
    method: "get",
    path: "/portfolio/{portfolio_id}/state",
    tag: "portfolio",
    summary: "State",
    parameters: {
      portfolio_id: pathParameter(text({ maxBytes: 8 }), { description: "Which." }),
      depth: defaultedQuery(integer({ min: 1, max: 3 }), 2, { description: "How deep." }),
      view: requiredQuery(oneOf(["full", "short"]), { description: "How much." }),
      "x-desk": optionalHeader(text({ maxBytes: 4 }), { description: "Desk." }),
    },
    responses: { 200: { description: "State." } },
    errors: ["not_found"],
    handle: ({ response, values, context }) =>
      void response.json({ ...values, subject: context.identity().subject, same: contextOf(response) === context }),
  });

  it("are checked, served and documented like the core's", async () => {
    await using server = await startRest({
      domainRouter: createOperationRouter([operation]),
      domainOpenApi: openApiFragment("/api/v1", [operation], { tags: [{ name: "portfolio", description: "P." }] }),
    });
    const path = "/api/v1/portfolio/p%201/state";
    expect(await (await server.get(`${path}?view=full`, { "x-desk": "fx" })).json()).toEqual({
      portfolio_id: "p 1",
      depth: 2,
      view: "full",
      "x-desk": "fx",
      subject: "anonymous",
      same: true,
    });
    expect(await (await server.get(`${path}?view=short&depth=3`)).json()).toMatchObject({ depth: 3 });
    const { errors } = await problemIn(await server.get(`${path}?depth=4`, { "x-desk": "rates" }));
    expect(errors.map(({ path: field }) => field)).toEqual(["query.depth", "query.view", "header.x-desk"]);
    const bad = await problemIn(await server.get(`${path}?view=${"long".repeat(20)}`));
    expect(bad.errors[0]?.message).toContain("none of full, short");
    const document = (await (await server.get("/api/v1/openapi.json")).json()) as { paths: object };
    expect(Object.keys(document.paths)).toContain("/api/v1/portfolio/{portfolio_id}/state");
  });

  it("may not describe what the core describes", async () => {
    const again = openApiFragment("/api/v1", [{ ...operation, path: "/status" }]);
    await expect(startRest({ domainOpenApi: again })).rejects.toThrow("the path /api/v1/status is described twice");
    const sameId = openApiFragment("/api/v1", [{ ...operation, id: "readStatus" }]);
    await expect(startRest({ domainOpenApi: sameId })).rejects.toThrow("readStatus is used twice");
  });
});

describe("what the service says of itself", () => {
  it("lists topics with their definition, and rates once they were measured", async () => {
    const { every, tick } = manualTimer();
    const metrics = createMetrics();
    const timers = { every, after: every, soon: (run: () => void) => run() };
    const rates = createRates({ metrics, topics: ["test.trades"], timers });
    await using server = await startRest({ rates });
    const rate = async (): Promise<unknown> =>
      ((await (await server.get("/api/v1/topics/test.trades")).json()) as { rate?: unknown }).rate;
    expect(await rate()).toBeUndefined();
    metrics.counter("distribution_ingest_events_total", { topic: "test.trades" }).value += 500;
    metrics.counter("distribution_delivered_bytes_total", { wire: "grpc" }).value += 90;
    tick();
    expect(await rate()).toEqual({ eventsPerSecond: 500, bytesPerSecond: 0 });
    tick();
    tick();
    expect(rates.published("test.trades")?.eventsPerSecond).toBe(166.7);
    expect(rates.delivered()?.bytesPerSecond).toBeCloseTo(30);
    tick();
    expect(rates.published("test.trades")?.eventsPerSecond).toBe(0);
    expect(rates.published("test.other")).toBeUndefined();
    rates.close();
  });

  it("tells a topic's partitions and event types", async () => {
    await using server = await startRest();
    await server.publish("test.trades", { id: "1", key: "A" });
    const topic = (await (await server.get("/api/v1/topics/test.trades")).json()) as { logs: { events: number }[] };
    expect(topic).toMatchObject({
      latest: true,
      priority: 5,
      payload: null,
      eventTypes: [{ type: "trade.v1", class: "trade" }],
    });
    expect(topic.logs.map(({ events }) => events).toSorted()).toEqual([0, 0, 0, 1]);
  });

  it("tells its state", async () => {
    await using server = await startRest();
    expect(await (await server.get("/api/v1/status")).json()).toMatchObject({
      service: SERVICE,
      state: "ready",
      startedAt: "2026-01-05T14:30:00Z",
      now: expect.stringMatching(/Z$/),
      broker: { name: "memory" },
      topics: [
        { name: "test.trades", latest: true },
        { name: "test.audit", latest: false },
      ],
    });
  });
});

/** A timer that runs when it is told to. */
function manualTimer() {
  let run = (): void => {};
  return {
    every(_ms: number, task: () => void) {
      run = task;
      return { cancel: () => {} };
    },
    tick: () => run(),
  };
}
