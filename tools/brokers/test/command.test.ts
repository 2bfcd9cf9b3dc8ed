/** `npm run brokers -- …`, with a stand-in for Java. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { readArguments } from "../src/command/arguments.ts";
import { run } from "../src/command/run.ts";
import { type BrokerState, readState, writeState } from "../src/command/state.ts";
import { factsOf, isRunning } from "../src/process/running.ts";
import type { BrokerName } from "../src/process/versions.ts";
import { createFakeMachine, type FakeMachine } from "./support/fake-programs.ts";

describe("the words of the command", () => {
  it("name a command, brokers, and how clients come; without a name all brokers are meant", () => {
    expect(readArguments(["start"])).toEqual({
      command: "start",
      brokers: ["kafka", "pulsar"],
      tls: false,
      auth: false,
    });
    expect(readArguments(["start", "pulsar", "--tls", "--auth"])).toEqual({
      command: "start",
      brokers: ["pulsar"],
      tls: true,
      auth: true,
    });
    expect(readArguments(["stop", "kafka", "kafka"]).brokers).toEqual(["kafka"]);
  });

  it.each([
    [[], "No command: one of start, stop, status, kill, restart, prepare."],
    [["begin"], 'Unknown command "begin"'],
    [["start", "rabbit"], 'Unknown broker "rabbit": kafka or pulsar.'],
    [["start", "--fast"], "--fast"],
    [["restart", "--tls"], "--tls and --auth are for start, not for restart."],
  ])("are refused when they are wrong: %j", (words, message) => {
    expect(() => readArguments(words)).toThrow(message);
  });
});

describe("the command", () => {
  let machine: FakeMachine;
  let said: string[];
  const taken: Server[] = [];

  const command = (...words: string[]): Promise<number> => {
    said = [];
    const say = (line: string): void => void said.push(line);
    return run(words, { root: machine.folder, out: say, note: say });
  };
  const state = (name: BrokerName): BrokerState => readState(machine.folder, name)!;

  let prepared: string;
  beforeAll(() => {
    prepared = mkdtempSync(join(tmpdir(), "brokers-prepared-"));
  });
  afterAll(() => rmSync(prepared, { recursive: true }));
  beforeEach(() => {
    machine = createFakeMachine(join(prepared, "cache"));
  });
  afterEach(async () => {
    await command("kill");
    for (const server of taken.splice(0)) server.close();
    machine[Symbol.dispose]();
  });

  it("starts brokers that run on, shows them, and stops them", async () => {
    expect(await command("start")).toBe(0);
    expect(said.join("\n")).toMatch(
      /Kafka 4\.3\.1 is ready: 127\.0\.0\.1:\d+\n {2}process id \d+, data and log in data\/brokers\/kafka/,
    );
    expect(said.join("\n")).toMatch(/Pulsar 4\.0\.8 is ready: pulsar:\/\/127\.0\.0\.1:\d+, http:\/\/127\.0\.0\.1:\d+/);
    expect(await command("status")).toBe(0);
    expect(said.join("\n")).toMatch(/Kafka 4\.3\.1 is ready: .*\n {2}process id \d+, \d+ MiB/);
    const { pid } = state("kafka");
    expect(await command("stop")).toBe(0);
    expect(said).toEqual(["Kafka 4.3.1 has stopped.", "Pulsar 4.0.8 has stopped."]);
    expect(isRunning(pid)).toBe(false);
    expect(await command("stop")).toBe(0);
    expect(said).toEqual(["Kafka 4.3.1 does not run.", "Pulsar 4.0.8 does not run."]);
    expect(await command("status")).toBe(1);
  });

  it("starts nothing twice, and says so when it would be another way in", async () => {
    await command("start", "kafka");
    const { pid } = state("kafka");
    expect(await command("start", "kafka")).toBe(0);
    expect(said).toEqual([`Kafka 4.3.1 runs already, with process id ${pid}.`]);
    expect(await command("start", "kafka", "--auth")).toBe(1);
  });

  it("takes a free port instead of one that is taken, and says so", async () => {
    for (const port of [9092, 6650, 8080]) {
      taken.push(
        createServer()
          .on("error", () => {})
          .listen(port, "127.0.0.1"),
      );
    }
    await command("start");
    for (const port of [9092, 6650, 8080]) {
      expect(said.join("\n")).toMatch(new RegExp(`port ${port} is taken, it gets \\d+ instead`));
    }
    expect(state("kafka").port).not.toBe(9092);
  });

  it("starts again as it was: ports, login, data; also after a kill, and when it is held", async () => {
    await command("start", "pulsar", "--auth");
    const before = state("pulsar");
    expect(said.join("\n")).toContain(`token: ${before.token}`);
    expect(await command("kill", "pulsar")).toBe(0);
    expect(said).toEqual(["Pulsar 4.0.8 was killed."]);
    expect(await command("restart", "pulsar")).toBe(0);
    const after = state("pulsar");
    expect({ ...after, pid: 0, probe: "" }).toEqual({ ...before, pid: 0, probe: "" });
    expect(await command("status", "pulsar")).toBe(0);
    process.kill(after.pid, "SIGSTOP");
    expect(await command("restart", "pulsar")).toBe(0);
    expect(state("pulsar").pid).not.toBe(after.pid);
  });

  it("says how to log in to Kafka", async () => {
    await command("start", "kafka", "--auth");
    expect(said.join("\n")).toContain("SCRAM-SHA-512: distribution, distribution-secret");
  });

  it("prepares, says so when there is something to fetch, and starts nothing", async () => {
    using empty = createFakeMachine();
    const prepared = [`Kafka 4.3.1 is prepared, in ${empty.cache}.`, `Pulsar 4.0.8 is prepared, in ${empty.cache}.`];
    expect(await command("prepare")).toBe(0);
    expect(said[0]).toBe(`Kafka 4.3.1: fetching it into ${empty.cache}, once …`);
    expect(said).toEqual(expect.arrayContaining(prepared));
    expect(await command("prepare")).toBe(0);
    expect(said).toEqual(prepared);
    expect(existsSync(join(machine.folder, "data"))).toBe(false);
  });

  it("says what is wrong with the words, and how they go", async () => {
    expect(await command("begin")).toBe(2);
    expect(said[0]).toMatch(/Unknown command "begin".*\nnpm run brokers --/);
  });

  it("says why one did not start, and starts the other", async () => {
    mkdirSync(join(machine.folder, "data/brokers/kafka"), { recursive: true });
    writeFileSync(join(machine.folder, "data/brokers/kafka/state.json"), "{");
    expect(await command("start")).toBe(1);
    expect(said[0]).toMatch(/Kafka 4\.3\.1: .*state\.json is damaged .*remove the file/);
    expect(await command("status", "pulsar")).toBe(0);
    writeFileSync(join(machine.folder, "data/brokers/kafka/state.json"), "{}");
    expect(await command("status", "kafka")).toBe(1);
    expect(said[0]).toContain("no pid or port");
    writeFileSync(join(machine.folder, "data/brokers/kafka/state.json"), '{"pid":2147483646,"port":1}');
  });

  it("is not misled by another process that has the id now", async () => {
    const other = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "ignore" });
    const { pid } = other as { pid: number };
    writeState(machine.folder, "kafka", { pid, addresses: [], probe: "", port: 1, tls: false, auth: false });
    expect(await command("kill", "kafka")).toBe(0);
    expect(said).toEqual(["Kafka 4.3.1 does not run."]);
    expect(isRunning(pid)).toBe(true);
    other.kill("SIGKILL");
    await once(other, "exit");
  });

  it("notices a broker that runs and does not answer", async () => {
    await command("start", "kafka");
    const running = state("kafka");
    writeState(machine.folder, "kafka", { ...running, probe: "127.0.0.1:1" });
    expect(await command("status", "kafka")).toBe(1);
    expect(said[0]).toContain("runs but does not answer");
  });

  it("says when the disk is full", async () => {
    said = [];
    const full = Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
    const out = (): void => {
      throw full;
    };
    expect(await run(["status", "kafka"], { root: machine.folder, out, note: (line) => void said.push(line) })).toBe(1);
    expect(said).toEqual(["Kafka 4.3.1: the disk is full (ENOSPC: no space left on device, write); make room."]);
  });

  it("keeps what is secret from other users", async () => {
    await command("start", "pulsar", "--auth");
    for (const file of ["state.json", "secret", "standalone.conf"]) {
      expect(statSync(join(machine.folder, "data/brokers/pulsar", file)).mode & 0o077, file).toBe(0);
    }
  });
});

describe("what the system knows of a process", () => {
  it("is its command and its memory, and nothing of one that is not there", () => {
    expect(factsOf(process.pid)!.memory).toBeGreaterThan(1_000_000);
    expect(factsOf(process.pid)!.command).toContain("node");
    expect(factsOf(2_147_483_646)).toBeUndefined();
  });
});
