/** The endpoints without a service around them: whose right to read what they ask for. */
import type { AddressInfo } from "node:net";
import { DistributionError, toDistributionError } from "@distribution/core/errors";
import express, { type NextFunction, type Request, type Response } from "express";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createPortfolioRouter } from "../src/domain/endpoints.ts";
import { createReadModels } from "../src/domain/read-models.ts";
import { TOPICS } from "../src/domain/topics.ts";

let forbidden: string | undefined;
let address: string;
let close: () => void;

beforeAll(async () => {
  const app = express().set("query parser", false);
  app.use((_request, response, next) => {
    const authorize = (action: { readonly topic?: string }): void => {
      if (action.topic === forbidden) throw new DistributionError("forbidden", "Not this one.");
    };
    response.locals["context"] = { id: "1", route: "", authorize };
    next();
  });
  app.use("/api/v1", createPortfolioRouter(createReadModels()));
  app.use((failure: unknown, _request: Request, response: Response, _next: NextFunction) => {
    response.status(toDistributionError(failure).definition.http).end();
  });
  const server = app.listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/v1`;
  close = () => void server.close();
});
afterAll(() => close());

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
  forbidden = topic;
  expect((await fetch(`${address}${path}`)).status).toBe(403);
  forbidden = Object.values(TOPICS).find((other) => other !== topic);
  expect((await fetch(`${address}${path}`)).status).toBe(allowed);
});
