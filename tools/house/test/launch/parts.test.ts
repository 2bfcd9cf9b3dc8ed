import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import { STOP_WITHIN_MS } from "@distribution/core";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { KILL_AFTER_MS } from "../../src/launch/launch.ts";
import { readableLines } from "../../src/launch/line.ts";
import { createScreen } from "../../src/launch/screen.ts";
import { findServices } from "../../src/launch/services.ts";
import { createServicesCheckout } from "./support.ts";

describe("the services to launch", () => {
  it("are the apps with a target serve, all or those that are named, by name or project", () => {
    using checkout = createServicesCheckout("beta", "alpha");
    const names = (...wanted: string[]) => findServices(checkout.root, wanted).map(({ name }) => name);
    expect(names()).toEqual(["alpha", "beta"]);
    expect(names("beta")).toEqual(["beta"]);
    expect(names("beta-distribution", "alpha", "alpha")).toEqual(["alpha", "beta"]);
    expect(() => names("alpha", "gamma")).toThrow('There is no service "gamma"; name some of alpha, beta.');
  });
});

it("a service has longer to stop than it gives itself", () => {
  expect(KILL_AFTER_MS).toBeGreaterThan(STOP_WITHIN_MS);
});

describe("a line of a service", () => {
  const lines = (line: string) => readableLines(line, (_style, part) => part);
  const record = { level: "warn", time: "2026-01-05T14:30:00.123Z", service: "alpha", msg: "It is late." };

  it("is text where it was a log record", () => {
    expect(lines(JSON.stringify({ ...record, by: 7, who: "me", what: { a: 1 } }))).toEqual([
      '14:30:00.123 warn It is late. by=7 who=me what={"a":1}',
    ]);
  });

  it("becomes several where the record has a stack", () => {
    const err = { type: "Error", message: "No.", stack: "Error: No.\n    at here" };
    expect(lines(JSON.stringify({ ...record, err }))).toEqual([
      "14:30:00.123 warn It is late.",
      "Error: No.",
      "    at here",
    ]);
  });

  it.each(["plain", "", "{ no JSON", '{"level":30}', "[1]"])("stays as it is otherwise: %j", (line) => {
    expect(lines(line)).toEqual([line]);
  });
});

describe("the screen", () => {
  it("has no colours where it is no terminal and nobody forces them", async () => {
    vi.stubEnv("FORCE_COLOR", undefined);
    onTestFinished(() => void vi.unstubAllEnvs());
    const stdout = new PassThrough();
    const stderr = new PassThrough();
    const screen = createScreen({ stdout, stderr });
    screen.out(screen.tint("red", "out"));
    screen.note("note");
    stdout.end();
    stderr.end();
    expect([await text(stdout), await text(stderr)]).toEqual(["out\n", "note\n"]);
  });
});
