import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, it, vi } from "vitest";
import { DistributionError } from "../../src/errors.ts";
import { runService } from "../../src/run.ts";
import type { DistributionService } from "../../src/service.ts";

const RUN = fileURLToPath(new URL("../../src/run.ts", import.meta.url));

/** A process that runs a service made of these words; it stays until it is told to go. */
function launch(start: string, { channel = false } = {}) {
  const script = `
    import { runService } from ${JSON.stringify(RUN)};
    setInterval(() => {}, 1000);
    const ports = { public: 1, grpc: 2, admin: 3 };
    await runService("test", async () => { ${start} });
    console.log("up");`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "pipe", ...(channel ? (["ipc"] as const) : [])],
  });
  let text = "";
  const seen: (() => void)[] = [];
  const read = (chunk: Buffer): void => {
    text += chunk.toString();
    for (const each of seen) each();
  };
  child.stdout!.on("data", read);
  child.stderr!.on("data", read);
  const ended = new Promise<number | null>((resolve) => child.on("close", resolve));
  return {
    child,
    ended,
    text: () => text,
    said: (words: string) =>
      new Promise<void>((resolve) => {
        const check = () => text.includes(words) && resolve();
        seen.push(check);
        check();
      }),
  };
}

describe("a service as a process", () => {
  it.each(["SIGTERM", "SIGINT"] as const)("says where it is, stops at %s, and ends with code 0", async (signal) => {
    const run = launch(`return { ports, stop: async () => console.error("stopped") };`);
    await run.said("up");
    expect(run.text()).toContain("http://localhost:3/readyz");
    run.child.kill(signal);
    expect(await run.ended).toBe(0);
    expect(run.text()).toMatch(/telling clients and closing.*stopped/s);
  });

  it("tells one who started it with a channel instead, and stops when that one is gone", async () => {
    const run = launch(`return { ports, stop: async () => console.error("stopped") };`, { channel: true });
    const report = new Promise((resolve) => run.child.once("message", resolve));
    expect(await report).toEqual({ pid: run.child.pid, ports: { public: 1, grpc: 2, admin: 3 } });
    await run.said("up");
    expect(run.text()).not.toContain("readyz");
    // "close" never comes for a child whose channel was closed from here.
    const exit = new Promise((resolve) => run.child.once("exit", resolve));
    run.child.disconnect();
    await run.said("stopped");
    expect(await exit).toBe(0);
    expect(run.text()).toMatch(/the launcher is gone, telling clients and closing.*stopped/s);
  });

  it("ends with code 1 and the reason when it cannot start", async () => {
    const run = launch(`throw new Error("no disk");`);
    expect(await run.ended).toBe(1);
    expect(run.text()).toContain("no disk");
  });

  it("ends at once with code 1 at the second signal", async () => {
    const run = launch(`return { ports, stop: () => new Promise(() => {}) };`);
    await run.said("up");
    run.child.kill("SIGTERM");
    await run.said("SIGTERM");
    run.child.kill("SIGTERM");
    expect(await run.ended).toBe(1);
  });
});

/** The same in this process, where its end is only written down. */
function runHere(start: () => Promise<DistributionService>) {
  const handlers = new Map<string, () => void>();
  const lines: string[] = [];
  vi.spyOn(process, "on").mockImplementation((name, handler) => {
    handlers.set(String(name), handler as () => void);
    return process;
  });
  // The test runner has a channel to this process, which is not a launcher's.
  vi.spyOn(process as Required<NodeJS.Process>, "send").mockReturnValue(true);
  const exit = vi.spyOn(process, "exit").mockImplementation((() => undefined) as never);
  vi.spyOn(console, "error").mockImplementation((line) => void lines.push(String(line)));
  return { running: runService("test", start), handlers, lines, codes: () => exit.mock.calls.map(([code]) => code) };
}

const serviceThat = (stop: () => Promise<void>) =>
  ({ ports: { public: 1, grpc: 2, admin: 3 }, stop }) as unknown as DistributionService;

describe("the end of a service's process", () => {
  afterEach(() => {
    vi.restoreAllMocks();
    vi.useRealTimers();
  });

  it("is code 1 with the reason when it could not stop", async () => {
    const { running, handlers, lines, codes } = runHere(async () =>
      serviceThat(() => Promise.reject(new Error("stuck"))),
    );
    await running;
    handlers.get("SIGTERM")!();
    await vi.waitFor(() => expect(codes()).toEqual([1]));
    expect(lines.at(-1)).toBe("test: Error: stuck");
  });

  it("is code 1 when stopping takes more than 15 seconds, and not before", async () => {
    vi.useFakeTimers();
    const { running, handlers, lines, codes } = runHere(async () => serviceThat(() => new Promise(() => undefined)));
    await running;
    handlers.get("SIGINT")!();
    vi.advanceTimersByTime(14_999);
    expect(codes()).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(codes()).toEqual([1]);
    expect(lines.at(-1)).toContain("15000 ms");
  });

  it("is code 0 when it is told to go before it has started", async () => {
    const { handlers, codes } = runHere(() => new Promise(() => undefined));
    handlers.get("SIGTERM")!();
    await vi.waitFor(() => expect(codes()).toEqual([0]));
    handlers.get("SIGTERM")!();
    expect(codes()).toEqual([0, 1]);
  });

  it.each([
    ["a defect is said with the stack of its cause", "internal", true],
    ["anything else is said in our own words alone", "unavailable", false],
  ] as const)("%s", async (_title, code, stack) => {
    const cause = new Error("EADDRINUSE");
    const { running, lines, codes } = runHere(async () => {
      throw new DistributionError(code, "The port is in use.", { cause });
    });
    await running;
    expect(codes()).toEqual([1]);
    expect(lines).toEqual([...(stack ? [cause.stack] : []), "test: The port is in use."]);
  });
});
