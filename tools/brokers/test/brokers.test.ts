/** What happens around a broker, with a stand-in for Java: programs that are missing, folders, ends, orders. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import {
  createSmallDisk,
  freePorts,
  prepareKafka,
  preparePulsar,
  startKafka,
  startKafkaCluster,
  startPulsar,
} from "../src/index.ts";
import { isAnswering } from "../src/kafka/probe.ts";
import { createEngine } from "../src/process/engine.ts";
import { createHome } from "../src/process/home.ts";
import { tryLock } from "../src/process/lock.ts";
import { isFree, LEASES } from "../src/process/ports.ts";
import { isRunning } from "../src/process/running.ts";
import { isHealthy } from "../src/pulsar/pulsar.ts";
import { createFakeMachine, type FakeMachine } from "./support/fake-programs.ts";

let machine: FakeMachine;
/** For the tests that are not about preparation. */
let prepared: string;
const useMachine = (shared: () => string | undefined): void => {
  beforeEach(() => {
    machine = createFakeMachine(shared());
  });
  afterEach(() => machine[Symbol.dispose]());
};
beforeAll(() => {
  prepared = mkdtempSync(join(tmpdir(), "brokers-prepared-"));
});
afterAll(() => rmSync(prepared, { recursive: true }));

describe("a machine", () => {
  useMachine(() => undefined);

  it("without Java is told which to install", async () => {
    machine.install("java", "#!/no/such/program\n");
    await expect(startKafka()).rejects.toThrow(/Java does not run .*openjdk-17-jre-headless/);
  });

  it.each(["11.0.2", "1.8.0_392"])("with a Java %s is told that it is too old", async (version) => {
    vi.stubEnv("FAKE_JAVA_VERSION", version);
    await expect(startPulsar()).rejects.toThrow(
      `Java ${version} (${machine.folder}/bin/java) is too old. Install Java 17`,
    );
  });

  it("with another Java than JAVA_HOME's in its path takes that when JAVA_HOME is not set", async () => {
    vi.stubEnv("JAVA_HOME", "");
    await using kafka = await startKafka();
    expect(kafka.pid).toBeGreaterThan(0);
  });

  it("without Maven is told so", async () => {
    rmSync(join(machine.folder, "bin/mvn"));
    await expect(startKafka()).rejects.toThrow(/Maven is missing .*Debian, Ubuntu: maven/);
  });

  it("without a network is told what could not be fetched, and tries again the next time", async () => {
    vi.stubEnv("FAKE_MAVEN_FAILS", "1");
    await expect(startPulsar()).rejects.toThrow(/could not fetch .*pulsar\.xml: .*Connection timed out.*reachable/);
    vi.stubEnv("FAKE_MAVEN_FAILS", "");
    await using pulsar = await startPulsar();
    expect(pulsar.serviceUrl).toMatch(/^pulsar:\/\/127\.0\.0\.1:\d+$/);
  });
});

describe("preparation", () => {
  useMachine(() => undefined);

  it("is done once, and a Java of another version gets its own archive of classes", async () => {
    await prepareKafka();
    await preparePulsar();
    await startKafka().then((kafka) => kafka.remove());
    expect(readFileSync(join(machine.folder, "maven-calls"), "utf8")).toBe("call\ncall\n");
    const [kafka, pulsar] = readdirSync(machine.cache).sort();
    expect(kafka).toMatch(/^kafka-4\.3\.1-[0-9a-f]{8}$/);
    expect(readdirSync(join(machine.cache, kafka!)).sort()).toEqual(["classes-21.0.2.jsa", "formatted", "lib"]);
    expect(readdirSync(join(machine.cache, pulsar!)).sort()).toEqual(["classes-21.0.2.jsa", "unpacked"]);
    vi.stubEnv("FAKE_JAVA_VERSION", "17.0.15");
    await prepareKafka();
    expect(readdirSync(join(machine.cache, kafka!))).toContain("classes-17.0.15.jsa");
    expect(readFileSync(join(machine.folder, "maven-calls"), "utf8")).toBe("call\ncall\n");
  });
});

describe("a broker", () => {
  useMachine(() => prepared);

  it("starts, stops and starts again in its folder, and takes it along when it is removed", async () => {
    const kafka = await startKafka();
    const { pid, home, direct } = kafka;
    expect(isRunning(pid!)).toBe(true);
    expect(await isAnswering(direct, 5_000)).toBe(true);
    expect(existsSync(join(home, "data/meta.properties"))).toBe(true);
    await kafka.stop();
    expect(isRunning(pid!)).toBe(false);
    expect(kafka.pid).toBeUndefined();
    expect(await isAnswering(direct, 5_000)).toBe(false);
    await kafka.start();
    await expect(kafka.start()).rejects.toThrow("Kafka runs already.");
    await kafka.restart();
    await kafka.kill();
    expect(() => kafka.pause()).toThrow("Kafka does not run.");
    await kafka.remove();
    expect(existsSync(home)).toBe(false);
  });

  it("ends though it is held", async () => {
    await using pulsar = await startPulsar();
    pulsar.pause();
    await pulsar.stop();
    expect(pulsar.pid).toBeUndefined();
    await pulsar.start();
    pulsar.pause();
    pulsar.resume();
    expect(await isHealthy(pulsar.adminUrl)).toBe(true);
  });

  it("keeps a folder that it was given: data, and the secret of its tokens", async () => {
    const folder = mkdtempSync(join(tmpdir(), "brokers-given-"));
    const first = await startPulsar({ folder, auth: true, tuned: "load" });
    expect(first.home).toBe(folder);
    await first.stop();
    const second = await startPulsar({ folder, auth: true });
    expect(second.token).toBe(first.token);
    expect(second.tokenFor("reader")).not.toBe(second.token);
    expect(await isHealthy(second.adminUrl)).toBe(false);
    expect(await isHealthy(second.adminUrl, second.token)).toBe(true);
    await second.remove();
    expect(existsSync(folder)).toBe(false);
  });

  it("says who may log in", async () => {
    await using kafka = await startKafka({ auth: "scram" });
    expect(kafka.credentials).toEqual({
      mechanism: "SCRAM-SHA-512",
      username: "distribution",
      password: "distribution-secret",
    });
    expect(kafka.certificates).toBeUndefined();
    await using open = await startPulsar();
    expect(open.token).toBeUndefined();
    expect(open.tokenFor("reader")).toBeUndefined();
  });

  it("is what the proxy points at, and clients are told the proxy", async () => {
    const targets: number[] = [];
    const proxy = { port: 4242, forwardTo: (target: number) => void targets.push(target) };
    const [port] = (await freePorts(1)) as [number];
    await using kafka = await startKafka({ proxy, port });
    await using pulsar = await startPulsar({ proxy });
    expect(kafka.bootstrap).toBe("127.0.0.1:4242");
    expect(pulsar.serviceUrl).toBe("pulsar://127.0.0.1:4242");
    expect(targets).toEqual([port, expect.any(Number)]);
  });

  it.each([
    ["java.io.IOException: No space left on device", "is full, make room"],
    ["java.net.BindException: Address already in use", "a port is taken"],
    ["", "it wrote nothing"],
  ])("that does not start says why: %s", async (words, advice) => {
    vi.stubEnv("TMPDIR", machine.folder);
    const failure = startKafka({ properties: { "fake.words": words } });
    await expect(failure).rejects.toThrow(/Kafka ended with code 1 before it was ready/);
    await expect(failure).rejects.toThrow(advice);
    expect(readdirSync(machine.folder).filter((name) => name.startsWith("kafka-"))).toEqual([]);
  });

  it("of a cluster has an id and a folder of its own, knows the others, and keeps as many copies as there are brokers", async () => {
    await using cluster = await startKafkaCluster(3);
    const nodes = cluster.brokers.map(({ home }) => ({
      meta: readFileSync(join(home, "data/meta.properties"), "utf8"),
      settings: readFileSync(join(home, "server.properties"), "utf8"),
    }));
    expect(nodes.map(({ meta }) => /^node\.id=(.*)$/m.exec(meta)?.[1])).toEqual(["1", "2", "3"]);
    expect(new Set(nodes.map(({ meta }) => /^directory\.id=(.*)$/m.exec(meta)?.[1])).size).toBe(3);
    expect(new Set(nodes.map(({ settings }) => /^controller\.quorum\.voters=(.*)$/m.exec(settings)?.[1])).size).toBe(1);
    for (const { settings } of nodes) {
      expect(settings).toContain("default.replication.factor=3\n");
      expect(settings).toContain("min.insync.replicas=2\n");
    }
    expect(new Set(cluster.bootstrap).size).toBe(3);
  });

  it("of a cluster takes the others along when it does not start", async () => {
    vi.stubEnv("TMPDIR", machine.folder);
    await expect(startKafkaCluster(2, { "fake.words": "no" })).rejects.toThrow("Kafka ended");
    expect(readdirSync(machine.folder).filter((name) => name.startsWith("kafka-"))).toEqual([]);
  });

  it("does not start on the folder of one that runs", async () => {
    await using kafka = await startKafka();
    const before = readFileSync(join(kafka.home, "server.properties"));
    await expect(startKafka({ folder: kafka.home })).rejects.toThrow(
      `A broker with process id ${kafka.pid} runs on ${kafka.home}: end that first.`,
    );
    expect(readFileSync(join(kafka.home, "server.properties"))).toEqual(before);
    // Whoever has the id now is no broker of that folder.
    const other = mkdtempSync(join(tmpdir(), "brokers-given-"));
    writeFileSync(join(other, "pid"), String(process.pid));
    await startKafka({ folder: other }).then((started) => started.remove());
  });

  it("that does not start leaves a folder that it was given", async () => {
    const folder = mkdtempSync(join(tmpdir(), "brokers-given-"));
    await expect(startPulsar({ folder, properties: { "fake.words": "no" } })).rejects.toThrow("Pulsar ended");
    expect(readFileSync(join(folder, "log"), "utf8")).toBe("no\n");
    rmSync(folder, { recursive: true });
  });

  it("is killed when it is not ready in time", async () => {
    const log = join(machine.folder, "log");
    const engine = createEngine({
      name: "Sleeper",
      program: process.execPath,
      arguments: ["-e", "setInterval(() => {}, 1000)"],
      home: createHome("sleeper", machine.folder),
      isReady: () => false,
      readyWithinMs: 50,
    });
    await expect(engine.start()).rejects.toThrow(`Sleeper was not ready within 50 ms: see ${log}`);
    expect(engine.pid).toBeUndefined();
  });

  it("whose program is not there says so", async () => {
    const engine = createEngine({
      name: "Nothing",
      program: join(machine.folder, "no-such-program"),
      arguments: [],
      home: createHome("nothing", machine.folder),
      isReady: () => false,
      readyWithinMs: 10_000,
    });
    await expect(engine.start()).rejects.toThrow(/Nothing did not start: .*ENOENT/);
  });
});

describe("a small disk", () => {
  it("takes what it was made for, more when it is resized, and is gone in the end", (context) => {
    const disk = createSmallDisk(1 << 20);
    if (disk === undefined)
      return context.skip("This user may not mount: run as root, or let sudo mount without a password.");
    const file = join(disk.folder, "file");
    try {
      expect(() => writeFileSync(file, Buffer.alloc(1_100_000))).toThrow("ENOSPC");
      disk.resize(1 << 22);
      writeFileSync(file, Buffer.alloc(1_100_000));
      expect(() => disk.resize(1 << 20)).toThrow(RangeError);
    } finally {
      disk[Symbol.dispose]();
    }
    expect(existsSync(disk.folder)).toBe(false);
  });
});

describe("free ports", () => {
  it("are given out once, though nothing listens on them, as long as who got them lives", async () => {
    const [port] = await freePorts(1);
    const lease = join(LEASES, String(port));
    expect(await isFree(port!)).toBe(true);
    expect(readFileSync(lease, "utf8")).toBe(String(process.pid));
    expect(tryLock(lease)).toBe(false);
    // No process has this id: it is above what systems give.
    writeFileSync(lease, "2147483646");
    expect(tryLock(lease)).toBe(false);
    expect(tryLock(lease)).toBe(true);
  });

  it("are different, below those of outgoing connections, and known when taken", async () => {
    const ports = await freePorts(20);
    expect(new Set(ports).size).toBe(20);
    for (const port of ports) expect(port).toBeLessThan(32_768);
    const server = createServer().listen(ports[0], "127.0.0.1");
    await expect.poll(() => isFree(ports[0]!)).toBe(false);
    server.close();
    await expect.poll(() => isFree(ports[0]!)).toBe(true);
  });
});
