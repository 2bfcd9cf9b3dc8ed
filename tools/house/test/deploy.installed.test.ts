/** The files of deploy/ before the programs that read them: systemd and Prometheus of Debian. */
import { spawn, spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually, ROOT } from "./launch/support.ts";

const UNIT = join(ROOT, "deploy/systemd/distribution@.service");
const SETTINGS = join(ROOT, "deploy/systemd/market-data.env");
const PROMETHEUS = join(ROOT, "deploy/prometheus");
const INSTALLED = "/opt/distribution/current";
/** What the service may not be: root. */
const NOBODY = 65_534;

function run(command: string, ...args: string[]) {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: "utf8" });
  return { status, output: stdout + stderr };
}

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "distribution-deploy-"));
  chmodSync(folder, 0o777);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("the alert rules", () => {
  it("are valid, and come and stay away when they have to", () => {
    expect(run("promtool", "check", "config", join(PROMETHEUS, "prometheus.yaml"))).toMatchObject({ status: 0 });
    const { status, output } = run("promtool", "test", "rules", join(PROMETHEUS, "alerts.test.yaml"));
    expect(status, output).toBe(0);
  });
});

describe("the unit", () => {
  /** As an instance, of this checkout. */
  function instance(): string {
    const file = join(folder, "distribution@market-data.service");
    writeFileSync(file, readFileSync(UNIT, "utf8").replaceAll(INSTALLED, ROOT));
    return file;
  }

  it("is understood by systemd, without a warning", () => {
    expect(run("systemd-analyze", "verify", "--man=no", instance())).toEqual({ status: 0, output: "" });
  });

  it("leaves a service little that it could do to the machine", () => {
    const { status, output } = run("systemd-analyze", "security", "--offline=true", "--threshold=25", instance());
    expect(status, output).toBe(0);
  });

  it("has a command that makes a service ready, for a user without rights, and that SIGTERM ends with 0", async () => {
    const [program = "", ...args] = /^ExecStart=(.*)$/m
      .exec(readFileSync(instance(), "utf8"))![1]!
      .replaceAll("%i", "market-data")
      .split(" ");
    const settings = parseEnv(readFileSync(SETTINGS, "utf8"));
    expect(settings).toMatchObject({ MARKET_DATA_DATA_DIR: "/var/lib/distribution/market-data" });
    const ports = { MARKET_DATA_PORT: "0", MARKET_DATA_GRPC_PORT: "0", MARKET_DATA_ADMIN_PORT: "0" };
    const child = spawn(program, args, {
      cwd: ROOT,
      env: { ...settings, ...ports, MARKET_DATA_DATA_DIR: join(folder, "data") },
      ...(process.getuid?.() === 0 && mayRead(program) && { uid: NOBODY, gid: NOBODY }),
    });
    const exit = new Promise((resolve) => child.on("exit", resolve));
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (chunk: Buffer) => {
        output += chunk;
      });
    }
    await eventually(() => output).toContain("market-data is ready");
    child.kill("SIGTERM");
    expect(await exit).toBe(0);
  });
});

/** Whether the checkout is where another user than root can read. */
const mayRead = (program: string): boolean =>
  spawnSync(program, ["--version"], { cwd: ROOT, uid: NOBODY }).status === 0;
