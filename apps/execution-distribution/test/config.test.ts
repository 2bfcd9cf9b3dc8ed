import { testFolder } from "@distribution/testkit/service";
import { describe, expect, it } from "vitest";
import { readConfig } from "../src/config.ts";
import { runToExit } from "./support/service.ts";

describe("the settings", () => {
  it("have the ports of the service, and a simulated world that all services share", () => {
    expect(readConfig({})).toMatchObject({
      ...{ HOST: "127.0.0.1", PORT: 7050, GRPC_PORT: 7051, ADMIN_PORT: 7052, DATA_DIR: "data/execution" },
      ...{ FEED: "simulated", FEED_WORLD: "data/world.json", FEED_SCENARIO: "normal", FEED_RATE: 100, FEED_SPEED: 1 },
    });
    const given = { EXECUTION_FEED: "none", EXECUTION_FEED_SPEED: "max", EXECUTION_FEED_RATE: "2.5", OTHER: "x" };
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
    ["NOPE", "1"],
  ])("refuse %s=%j, by its name", (name, value) => {
    expect(() => readConfig({ [`EXECUTION_${name}`]: value })).toThrow(`EXECUTION_${name}: `);
  });

  it("that are wrong end the process with 1", async () => {
    const { code, output } = await runToExit({ DATA_DIR: testFolder(), FEED: "live" });
    expect(code).toBe(1);
    expect(output).toContain("EXECUTION_FEED: ");
    expect(output, "a person reads it, not a stack").not.toMatch(/\n\s+at /);
  });
});
