import { spawnSync } from "node:child_process";
import { stripVTControlCharacters } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually, launch, launchInTerminal } from "./support/program.ts";
import { NOTES, startService, type TestService, TRADES } from "./support/service.ts";

const ESCAPE = "\u001B[";
const hasScript = spawnSync("script", ["--version"]).status === 0;

let service: TestService;
beforeAll(async () => {
  service = await startService();
  for (let n = 0; n < 50; n += 1) await service.publishTrade("x:BTC", `${n + 1}`);
});
afterAll(() => service[Symbol.asyncDispose]());

const at = (...args: string[]): string[] => [...args, "--url", service.url];

describe("the program in a pipe", () => {
  it("prints lines without a trace of colour, also where it is asked for a table", async () => {
    const lines = await launch(at("history", TRADES)).ended;
    expect(lines).toMatchObject({ exit: 0, notes: "" });
    expect(lines.out.trim().split("\n")).toHaveLength(50);
    const table = await launch(at("topics", "-o", "table"), { DISTRIBUTION_URL: "http://127.0.0.1:9" }).ended;
    expect(table.out).toContain("NAME");
    expect(lines.out + table.out).not.toContain(ESCAPE);
  });

  it("takes the address from the environment", async () => {
    const { exit, out } = await launch(["status", "--fields", "state"], { DISTRIBUTION_URL: service.url }).ended;
    expect([exit, out]).toEqual([0, "ready\n"]);
  });

  it("ends quietly when the reader of its output has enough", async () => {
    const { child, ended, out } = launch(at("tail", TRADES, "--from", "earliest"));
    await eventually(() => out()).toContain("\n");
    child.stdout?.destroy();
    await service.publishTrade("x:BTC", "99");
    const { exit, notes } = await ended;
    expect([exit, notes]).toEqual([0, ""]);
  });

  it("publishes stdin as it comes", async () => {
    const { child, ended } = launch(at("publish", NOTES, "--type", "n.v1", "--source", "/me", "--key", "k"));
    child.stdin?.write('{"n":1}\n');
    const count = async (): Promise<number> => {
      const response = await fetch(`${service.url}/api/v1/topics/${NOTES}/events`);
      return ((await response.json()) as { events: unknown[] }).events.length;
    };
    await eventually(count).toBe(1);
    child.stdin?.end('{"n":2}\n{"n":3}');
    expect(await ended).toEqual({ exit: 0, out: "", notes: `Published 3 events to ${NOTES}.\n` });
  });

  it("copies one topic to another through a pipe", async () => {
    const { out } = await launch(at("history", NOTES)).ended;
    const { child, ended } = launch(at("publish", NOTES));
    child.stdin?.end(out);
    expect((await ended).notes).toContain("3 of which were there before");
  });

  it("ends with 130 on Ctrl-C, with a whole list", async () => {
    const { child, ended, out } = launch(at("tail", TRADES, "--from", "earliest", "-o", "json"));
    await eventually(() => out().split("\n").length).toBeGreaterThan(50);
    child.kill("SIGINT");
    const { exit, out: all } = await ended;
    expect(exit).toBe(130);
    expect(JSON.parse(all)).toHaveLength(51);
  });

  it.each([
    [["topics", "--url", "http://127.0.0.1:9"], 3],
    [["tail", "t", "--url", "http://127.0.0.1:9"], 3],
    [["tail"], 2],
    [["--help"], 0],
  ])("%j ends with %i", async (args, exit) => {
    expect((await launch(args).ended).exit).toBe(exit);
  });
});

describe.runIf(hasScript)("the program in a terminal", () => {
  it("prints a table in colours", async () => {
    const { exit, out } = await launchInTerminal(at("history", TRADES, "-n", "2")).ended;
    expect(exit).toBe(0);
    expect(stripVTControlCharacters(out)).toMatch(/TIME +KEY +TYPE +DATA/);
    expect(out).toContain(`${ESCAPE}36mx:BTC`);
  });

  it("leaves colours out for who set NO_COLOR", async () => {
    const { out } = await launchInTerminal(at("history", TRADES, "-n", "2"), { NO_COLOR: "1" }).ended;
    expect(out).toMatch(/TIME +KEY +TYPE +DATA/);
    expect(out).not.toContain(`${ESCAPE}3`);
  });

  it("prints errors in red on stderr", async () => {
    const { exit, out } = await launchInTerminal(at("latest", "test.nothing")).ended;
    expect(exit).toBe(1);
    expect(out).toContain(`${ESCAPE}31merror:`);
  });
});
