/** A broker does not outlive the process that started it, however that ends; and several processes may prepare at once. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { describe, expect, it } from "vitest";
import { isRunning } from "../src/process/running.ts";

const STARTER = join(import.meta.dirname, "support/starter.ts");

interface Started {
  readonly pid: number;
  readonly home: string;
}

function startStarter(environment: NodeJS.ProcessEnv = {}): { child: ChildProcess; started: Promise<Started> } {
  const child = spawn(process.execPath, [STARTER], {
    env: { ...process.env, ...environment },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const line = once(createInterface({ input: child.stdout! }), "line");
  const ended = once(child, "exit").then(([code]) => Promise.reject(new Error(`It ended with ${code}.`)));
  ended.catch(() => {});
  return { child, started: Promise.race([line.then(([text]) => JSON.parse(text as string) as Started), ended]) };
}

const gone = async ({ pid, home }: Started): Promise<void> => {
  await expect.poll(() => isRunning(pid), { timeout: 20_000 }).toBe(false);
  await expect.poll(() => existsSync(home), { timeout: 20_000 }).toBe(false);
};

describe("a broker whose starter", () => {
  it.each(["SIGKILL", "SIGTERM", "SIGINT"] as const)("is ended by %s ends too, and its folder goes", async (signal) => {
    const { child, started } = startStarter();
    const broker = await started;
    expect(isRunning(broker.pid)).toBe(true);
    child.kill(signal);
    await once(child, "exit");
    await gone(broker);
  });

  it("is killed ends too in a folder that it was given, which stays", async () => {
    const folder = mkdtempSync(join(tmpdir(), "brokers-given-"));
    const { child, started } = startStarter({ STARTER_FOLDER: folder });
    const { pid } = await started;
    child.kill("SIGKILL");
    await expect.poll(() => isRunning(pid), { timeout: 20_000 }).toBe(false);
    expect(existsSync(join(folder, "data/meta.properties"))).toBe(true);
    rmSync(folder, { recursive: true });
  });

  it("just ends, ends too", async () => {
    const { child, started } = startStarter({ STARTER_ENDS: "1" });
    const broker = await started;
    if (child.exitCode === null) await once(child, "exit");
    expect(child.exitCode).toBe(0);
    await gone(broker);
  });
});

describe("an empty cache", () => {
  it("is filled once by two processes that start at the same time", { timeout: 300_000 }, async () => {
    const cache = mkdtempSync(join(tmpdir(), "brokers-cache-"));
    const starters = [startStarter({ BROKERS_CACHE: cache }), startStarter({ BROKERS_CACHE: cache })];
    const brokers = await Promise.all(starters.map(({ started }) => started));
    expect(new Set(brokers.map(({ pid }) => pid)).size).toBe(2);
    for (const { child } of starters) child.kill("SIGKILL");
    for (const broker of brokers) await gone(broker);
    const [folder, ...others] = readdirSync(cache);
    expect(others).toEqual([]);
    // Nothing is left of what either of them made under another name.
    expect(readdirSync(join(cache, folder!)).sort()).toEqual([
      expect.stringMatching(/^classes-.*\.jsa$/),
      "formatted",
      "lib",
    ]);
    rmSync(cache, { recursive: true });
  });
});
