import { expect, it } from "vitest";
import { readConfig } from "../src/config.ts";

it("has the ports of this service, and tells its part of the simulated world unless told otherwise", () => {
  expect(readConfig({})).toMatchObject({
    ...{ HOST: "127.0.0.1", PORT: 7010, GRPC_PORT: 7011, ADMIN_PORT: 7012, DATA_DIR: "data/portfolio" },
    ...{ FEED: "simulated", FEED_WORLD: "data/world.json", FEED_SCENARIO: "normal", FEED_RATE: 100, FEED_SPEED: 1 },
  });
});

it.each([
  ["FEED", "recorded", "simulated, none"],
  ["FEED_SCENARIO", "calm", "quiet, normal, open, burst, upstream-outage, bad-data"],
  ["FEED_RATE", "0", "from 1"],
  ["FEED_SPEED", "-1", "max"],
  ["FEED_WORLD", "", "a text that is not empty"],
  ["REBUILD_MINUTES", "1", "no such setting"],
])("refuses %s=%s, with what it may be: %s", (name, value, what) => {
  expect(() => readConfig({ [`PORTFOLIO_${name}`]: value })).toThrow(new RegExp(`PORTFOLIO_${name}: .*${what}`));
});
