/** The README's own words, run as they are against the service; only the port is another one. */
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "@distribution/testkit/service";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type RunningService, startService } from "../support/service.ts";

const ROOT = join(import.meta.dirname, "../../../..");
const readme = readFileSync(join(ROOT, "README.md"), "utf8");

/** The code of the README's blocks in this language, in order. */
const blocks = (language: string): string[] =>
  [...readme.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)]
    .filter((match) => match[1] === language)
    .map((match) => match[2]!);

describe("the README's ways to subscribe", () => {
  let service: RunningService;
  let folder: string;
  beforeAll(async () => {
    service = await startService({ FEED: "recorded", FEED_SPEED: "20" });
    // Outside of the checkout, as a program of somebody else: packages are found by their names.
    folder = mkdtempSync(join(tmpdir(), "distribution-readme-"));
    symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
  });
  afterAll(async () => {
    await service?.[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  const here = (text: string): string => text.replaceAll("localhost:7030", `localhost:${service.ports.public}`);

  /** Runs until the output shows what it should. */
  async function shows(command: string, args: readonly string[], expected: RegExp): Promise<void> {
    const url = `http://localhost:${service.ports.public}`;
    const child = spawn(command, args, { cwd: ROOT, env: { ...process.env, DISTRIBUTION_URL: url }, detached: true });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        output += text;
      });
    }
    try {
      await until(
        () => `${expected} in: ${output.slice(0, 2_000)}`,
        () => expected.test(output),
      );
    } finally {
      if (child.exitCode === null) process.kill(-child.pid!, "SIGKILL");
    }
  }

  const program = (name: string, text: string): string => {
    const file = join(folder, name);
    writeFileSync(file, here(text));
    return file;
  };

  it("are a block of commands, curl, the command line, the SDK and a WebSocket", () => {
    // The fourth publishes, which execution's tests try. The last one is of the brokers that they all run on, tried by hand: it takes
    // Java, and minutes.
    expect(blocks("sh")).toHaveLength(6);
    expect([...blocks("ts"), ...blocks("js")]).toHaveLength(2);
  });

  it("work with curl", async () => {
    await shows("bash", ["-c", here(blocks("sh")[1]!)], /^id: \S+\ndata: .*"venue":"bitmex"/m);
  });

  it("work with the command line client", async () => {
    await shows("bash", ["-c", blocks("sh")[2]!], /"DASH-BTC"/);
  });

  it("work with the SDK", async () => {
    await shows(process.execPath, [program("sdk.mts", blocks("ts")[0]!)], /^(coinbase|bitmex):\S+ [\d.]+$/m);
  });

  it("work with a bare WebSocket", async () => {
    await shows(process.execPath, [program("socket.mjs", blocks("js")[0]!)], /market-data\.\w+\.v1 coinbase:DASH-BTC/);
  });
});
