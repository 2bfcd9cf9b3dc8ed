/** Given the service's documents, when it answers, then as they say. */
import { describeDocuments } from "@distribution/testkit/service";
import { EVENT_TYPES } from "../../src/domain/topics.ts";
import { INSTRUMENT } from "../support/events.ts";
import { tellGrowth } from "../support/growth.ts";
import { startService } from "../support/service.ts";

describeDocuments({
  name: "portfolio",
  async start() {
    const service = await startService();
    await tellGrowth(service.ports);
    return service;
  },
  eventTypes: Object.values(EVENT_TYPES),
  answers: [
    ["/portfolios", "/portfolios", "portfolios"],
    ["/portfolio/{portfolio_id}/state", "/portfolio/growth/state", "state"],
    ["/portfolio/{portfolio_id}/history", "/portfolio/growth/history", "states"],
    ["/portfolio/{portfolio_id}/performance", "/portfolio/growth/performance", "performance"],
    ["/portfolio/{portfolio_id}/attribution", "/portfolio/growth/attribution", "attribution"],
    ["/portfolio/{portfolio_id}/positions", "/portfolio/growth/positions", "holdings"],
    [
      "/portfolio/{portfolio_id}/positions/{instrument}/history",
      `/portfolio/growth/positions/${INSTRUMENT}/history`,
      "changes",
    ],
    ["/portfolio/{portfolio_id}/breaches", "/portfolio/growth/breaches", "breaches"],
    ["/portfolio/{portfolio_id}/rebalances", "/portfolio/growth/rebalances", "rebalances"],
  ],
});
