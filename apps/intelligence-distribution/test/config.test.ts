import { testFolder } from "@distribution/testkit/service";
import { describe, expect, it } from "vitest";
import { readConfig } from "../src/config.ts";
import { runToExit } from "./support/service.ts";

describe("the settings", () => {
  it("have the ports of the service, and a simulated world that all services share", () => {
    expect(readConfig({})).toMatchObject({
      ...{ HOST: "127.0.0.1", PORT: 7040, GRPC_PORT: 7041, ADMIN_PORT: 7042, DATA_DIR: "data/intelligence" },
      ...{ FEED: "simulated", FEED_WORLD: "data/world.json", FEED_SCENARIO: "normal", FEED_RATE: 100, FEED_SPEED: 1 },
    });
    const given = {
      INTELLIGENCE_FEED: "none",
      INTELLIGENCE_FEED_SPEED: "max",
      INTELLIGENCE_FEED_RATE: "2.5",
      OTHER: "x",
    };
    expect(readConfig(given)).toMatchObject({ FEED: "none", FEED_SPEED: "max", FEED_RATE: 2.5 });
  });

  it.each([
    ["FEED", "recorded"],
    ["FEED_SCENARIO", "war"],
    ["FEED_RATE", "0"],
    ["FEED_RATE", "1000001"],
    ["FEED_SPEED", "0"],
    ["FEED_SPEED", "10001"],
    ["FEED_WORLD", ""],
    ["REBUILD_MINUTES", "0"],
    ["REBUILD_MINUTES", "43201"],
    ["NOPE", "1"],
  ])("refuse %s=%j, by its name", (name, value) => {
    expect(() => readConfig({ [`INTELLIGENCE_${name}`]: value })).toThrow(`INTELLIGENCE_${name}: `);
  });

  it("that are wrong end the process with 1", async () => {
    const { code, output } = await runToExit({ DATA_DIR: testFolder(), FEED: "live" });
    expect(code).toBe(1);
    expect(output).toContain("INTELLIGENCE_FEED: ");
    expect(output, "a person reads it, not a stack").not.toMatch(/\n\s+at /);
  });
});
