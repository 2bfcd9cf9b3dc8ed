import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { findServices } from "../../src/launch/services.ts";
import { createServicesCheckout, eventually, LAUNCHER, ROOT } from "./support.ts";

interface Started {
  readonly child: ChildProcess;
  readonly exit: Promise<number | null>;
  screen(): string;
}

const started: Started[] = [];
afterEach(async () => {
  for (const { child, exit } of started.splice(0)) {
    child.kill("SIGTERM");
    await exit;
  }
});

function run(cwd: string, command: readonly string[], environment: Record<string, string> = {}): Started {
  const { npm_lifecycle_event: _npm, ...inherited } = process.env;
  // A group of its own, as a shell gives it one.
  const child = spawn(command[0]!, command.slice(1), { cwd, env: { ...inherited, ...environment }, detached: true });
  let written = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (chunk: string) => {
      written += chunk;
    });
  }
  // Not "close": services may hold the streams open for a while longer than the launcher lives.
  const exit = new Promise<number | null>((resolve) => child.on("exit", (code) => resolve(code)));
  const process_ = { child, exit, screen: () => written };
  started.push(process_);
  return process_;
}

const LINES = 6_000;
/** More than a pipe takes in at once. */
const MANY_LINES = `
  import { writeFileSync } from "node:fs";
  for (let at = 0; at < ${LINES}; at += 1) console.error("line " + at + " of the service, ${"x".repeat(60)}");
  writeFileSync("alpha.drained", "");
  process.exitCode = 1;`;

const launcher = (...names: string[]): readonly string[] => [process.execPath, LAUNCHER, ...names];

describe("the launcher", () => {
  it("drains on Ctrl-C, which comes from the terminal to the whole group and from npm once more, and ends with 0", async () => {
    using checkout = createServicesCheckout("alpha", "beta");
    const { child, exit, screen } = run(checkout.root, launcher());
    await eventually(screen).toContain("Ready.");
    process.kill(-child.pid!, "SIGINT");
    child.kill("SIGINT");
    expect(await exit).toBe(0);
    expect([checkout.drained("alpha"), checkout.drained("beta")]).toEqual([true, true]);
    expect(screen(), "a service takes a second signal for somebody who will not wait").not.toContain("SIGINT");
  });

  it.each([0, 2, 5, 10, 20])(
    "ends with 0 when a signal comes %i ms after the last service drained",
    { retry: 0 },
    async (ms) => {
      using checkout = createServicesCheckout("alpha");
      const { child, exit, screen } = run(checkout.root, launcher());
      await eventually(screen).toContain("Ready.");
      child.kill("SIGINT");
      // In every turn: it ends a few milliseconds later.
      while (!checkout.drained("alpha")) await new Promise(setImmediate);
      await new Promise((resolve) => setTimeout(resolve, ms));
      child.kill("SIGINT");
      expect(await exit).toBe(0);
    },
  );

  it("tells a slow reader all of it, the reason last", async () => {
    using checkout = createServicesCheckout("alpha");
    checkout.put({ "apps/alpha-distribution/src/main.ts": MANY_LINES });
    const { child, exit, screen } = run(checkout.root, launcher());
    for (const stream of [child.stdout, child.stderr]) stream!.pause();
    await eventually(() => checkout.drained("alpha")).toBe(true);
    for (const stream of [child.stdout, child.stderr]) stream!.resume();
    expect(await exit).toBe(1);
    await eventually(screen).toContain("alpha did not start, it ended with exit code 1:");
    expect(screen().match(/line \d+ of the service/g)!.length).toBeGreaterThanOrEqual(LINES);
  });

  it("runs only the services that are named", async () => {
    using checkout = createServicesCheckout("alpha", "beta");
    const { child, exit, screen } = run(checkout.root, launcher("beta"));
    await eventually(screen).toContain("Ready.");
    child.kill("SIGTERM");
    expect(await exit).toBe(0);
    expect(screen()).not.toContain("alpha");
  });

  it("ends with 2 and the names that there are when one is unknown", async () => {
    using checkout = createServicesCheckout("alpha");
    const { exit, screen } = run(checkout.root, launcher("gamma"));
    expect(await exit).toBe(2);
    await eventually(screen).toBe('There is no service "gamma"; name some of alpha.\n');
  });

  it("ends with 2 and says where to look when an option is unknown", async () => {
    using checkout = createServicesCheckout("alpha");
    const { exit, screen } = run(checkout.root, launcher("--port", "8000"));
    expect(await exit).toBe(2);
    await eventually(screen).toBe("Unknown option '--port'. What there is: npm start -- --help\n");
  });

  it.each(["--help", "-h"])("says with %s how it is used, and starts nothing", async (flag) => {
    using checkout = createServicesCheckout("alpha", "beta");
    const { exit, screen } = run(checkout.root, launcher(flag));
    expect(await exit).toBe(0);
    await eventually(screen).toContain("npm start -- --brokers <which>");
    expect(screen()).toContain("some of them: alpha, beta\n");
    expect(screen()).not.toContain("It runs.");
  });

  it("leaves no service behind when it is killed", async () => {
    using checkout = createServicesCheckout("alpha");
    const { child, screen } = run(checkout.root, launcher());
    await eventually(screen).toContain("Ready.");
    child.kill("SIGKILL");
    await eventually(() => checkout.drained("alpha")).toBe(true);
  });

  it("leaves no service behind when npm is killed, which started it", async () => {
    using checkout = createServicesCheckout("alpha");
    const npm = ["sh", "-c", '"$0" "$@" & wait', ...launcher()];
    const { child, screen } = run(checkout.root, npm, { npm_lifecycle_event: "start" });
    await eventually(screen).toContain("Ready.");
    child.kill("SIGKILL");
    await eventually(() => checkout.drained("alpha")).toBe(true);
  });
});

describe("every service of this checkout", () => {
  it("starts beside the others, and ends when the launcher is killed", async () => {
    const folder = mkdtempSync(join(tmpdir(), "distribution-launch-"));
    const services = findServices(ROOT);
    const settings = services.flatMap(({ name }) => {
      const own = { PORT: "0", GRPC_PORT: "0", ADMIN_PORT: "0", LOG_LEVEL: "warn", DATA_DIR: join(folder, name) };
      const prefix = name.toUpperCase().replaceAll("-", "_");
      return Object.entries(own).map(([setting, value]) => [`${prefix}_${setting}`, value]);
    });
    const { child, screen } = run(ROOT, launcher(), Object.fromEntries(settings));
    await eventually(screen).toContain("Ready.");
    const ports = [...screen().matchAll(/docs http:\/\/localhost:(\d+)\/docs/g)].map(([, port]) => Number(port));
    expect(ports).toHaveLength(services.length);
    child.kill("SIGKILL");
    for (const port of ports) await eventually(() => refuses(port)).toBe(true);
    rmSync(folder, { recursive: true, force: true });
  });
});

const refuses = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.destroy();
      resolve(false);
    });
    socket.on("error", () => resolve(true));
  });
