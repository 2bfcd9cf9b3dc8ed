/** The endpoints without a service around them: whose right to read what they ask for. */
import { ask, type ServedRouter, serveRouter } from "@distribution/testkit/service";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createPortfolioRouter } from "../src/domain/endpoints.ts";
import { createReadModels } from "../src/domain/read-models.ts";
import { TOPICS } from "../src/domain/topics.ts";

let router: ServedRouter;

beforeAll(async () => {
  router = await serveRouter(createPortfolioRouter(createReadModels()));
});
afterAll(() => router[Symbol.asyncDispose]());

it.each([
  ["/portfolios", TOPICS.state, 200],
  ["/portfolio/growth/state", TOPICS.state, 404],
  ["/portfolio/growth/history", TOPICS.state, 404],
  ["/portfolio/growth/positions", TOPICS.positions, 404],
  ["/portfolio/growth/positions/east:X/history", TOPICS.positions, 404],
  ["/portfolio/growth/performance", TOPICS.performance, 404],
  ["/portfolio/growth/attribution", TOPICS.performance, 404],
  ["/portfolio/growth/breaches", TOPICS.risk, 404],
  ["/portfolio/growth/rebalances", TOPICS.rebalancing, 404],
])("%s needs the right to read %s", async (path, topic, allowed) => {
  router.forbidden = topic;
  expect((await ask(router.ports, path)).status).toBe(403);
  router.forbidden = Object.values(TOPICS).find((other) => other !== topic);
  expect((await ask(router.ports, path)).status).toBe(allowed);
});
