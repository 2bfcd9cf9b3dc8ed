/** `npm run brokers -- …` with real brokers, in a checkout of its own. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { readState } from "../src/command/state.ts";
import { prepareKafka, preparePulsar } from "../src/index.ts";
import { factsOf, isRunning } from "../src/process/running.ts";
import { append, countRecords } from "./support/kafka-client.ts";
import { call } from "./support/pulsar-client.ts";

const MAIN = join(import.meta.dirname, "../src/main.ts");
/** The first time on a machine. */
const FETCH_WITHIN_MS = 900_000;

let root: string;
beforeAll(async () => {
  await prepareKafka();
  await preparePulsar();
}, FETCH_WITHIN_MS);
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "brokers-command-"));
});
afterEach(async () => {
  await command("kill");
  rmSync(root, { recursive: true });
});

const begin = (...words: string[]) =>
  spawn(process.execPath, [MAIN, ...words], { cwd: root, stdio: ["ignore", "pipe", "inherit"] });

async function command(...words: string[]): Promise<{ readonly code: number; readonly said: string }> {
  const child = begin(...words);
  const [said, [code]] = await Promise.all([text(child.stdout), once(child, "exit")]);
  return { code: code as number, said };
}

/** Processes that have the checkout in their command. */
const processesOf = (folder: string): readonly number[] =>
  readdirSync("/proc")
    .map(Number)
    .filter((pid) => Number.isInteger(pid) && factsOf(pid)?.command.includes(folder));

describe("the command", () => {
  it("leaves two brokers that do their work, keep their data over a restart, and stop", {
    timeout: 180_000,
  }, async () => {
    const started = await command("start", "--auth", "--tls");
    expect(started, started.said).toMatchObject({ code: 0 });
    const kafka = readState(root, "kafka")!;
    const pulsar = readState(root, "pulsar")!;
    await append(kafka.probe, "kept", 5);
    expect(await call("GET", `${pulsar.probe}/admin/v2/tenants`, { token: pulsar.token })).toMatchObject({
      status: 200,
    });
    expect(await command("status")).toMatchObject({
      code: 0,
      said: expect.stringMatching(/Kafka .* is ready.*Pulsar .* is ready/s),
    });
    process.kill(pulsar.pid, "SIGSTOP");
    expect(await command("status")).toMatchObject({
      code: 1,
      said: expect.stringContaining("runs but does not answer"),
    });
    process.kill(pulsar.pid, "SIGCONT");
    expect(await command("restart", "kafka")).toMatchObject({ code: 0 });
    const again = readState(root, "kafka")!;
    expect(again).toMatchObject({ port: kafka.port, tls: true, auth: true });
    expect(await countRecords(again.probe, "kept")).toBe(5n);
    expect(await command("stop")).toMatchObject({ code: 0 });
    expect(processesOf(root)).toEqual([]);
  });

  it("leaves nothing behind when it is interrupted while it starts", async () => {
    const child = begin("start", "pulsar");
    // Its Java runs as soon as it has a log.
    await expect.poll(() => existsSync(join(root, "data/brokers/pulsar/log")), { timeout: 20_000 }).toBe(true);
    await expect.poll(() => processesOf(root).length, { timeout: 20_000 }).toBeGreaterThan(0);
    child.kill("SIGINT");
    await once(child, "exit");
    await expect.poll(() => processesOf(root), { timeout: 20_000 }).toEqual([]);
    expect(readState(root, "pulsar")).toBeUndefined();
    expect(await command("start", "pulsar")).toMatchObject({ code: 0 });
    expect(isRunning(readState(root, "pulsar")!.pid)).toBe(true);
  });

  it("starts no second broker on the same data, though the first was forgotten", async () => {
    await command("start", "kafka");
    const { pid } = readState(root, "kafka")!;
    rmSync(join(root, "data/brokers/kafka/state.json"));
    const second = begin("start", "kafka");
    expect((await once(second, "exit"))[0]).toBe(1);
    process.kill(pid, "SIGKILL");
    await expect.poll(() => isRunning(pid)).toBe(false);
    expect(await command("start", "kafka")).toMatchObject({ code: 0 });
  });
});
