/** A real Kafka: started, stopped, killed, held, and each way in. */
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createFaultProxy, freePorts, type Kafka, type KafkaOptions, prepareKafka, startKafka } from "../src/index.ts";
import { isAnswering, VERSIONS_REQUEST } from "../src/kafka/probe.ts";
import { isFree } from "../src/process/ports.ts";
import { isRunning } from "../src/process/running.ts";
import { accessTo, append, countRecords, listTopics } from "./support/kafka-client.ts";

/** The first time on a machine. */
const FETCH_WITHIN_MS = 900_000;

beforeAll(prepareKafka, FETCH_WITHIN_MS);

describe("a Kafka broker", () => {
  let kafka: Kafka;
  beforeAll(async () => {
    kafka = await startKafka();
  });
  afterAll(() => kafka.remove());

  it("keeps what it acknowledged over a clean stop and over a kill, at the same address", async () => {
    const { bootstrap } = kafka;
    await append(bootstrap, "kept", 100);
    await kafka.restart();
    expect(await countRecords(bootstrap, "kept")).toBe(100n);
    await append(bootstrap, "kept", 50);
    const before = kafka.pid!;
    await kafka.kill();
    expect(isRunning(before)).toBe(false);
    expect(kafka.pid).toBeUndefined();
    await kafka.start();
    expect(kafka.pid).not.toBe(before);
    expect(await countRecords(bootstrap, "kept")).toBe(150n);
  });

  it("answers nothing while it is held, and what was asked meanwhile afterwards", async () => {
    kafka.pause();
    const socket = connect(Number(kafka.direct.split(":")[1]), "127.0.0.1");
    await once(socket, "connect");
    socket.write(VERSIONS_REQUEST);
    expect(await isAnswering(kafka.direct, 200)).toBe(false);
    expect(socket.bytesRead).toBe(0);
    kafka.resume();
    await once(socket, "data");
    socket.destroy();
    expect(await isAnswering(kafka.direct, 10_000)).toBe(true);
  });

  it("can be stopped and killed while it is held", async () => {
    kafka.pause();
    await kafka.restart();
    kafka.pause();
    await kafka.kill();
    await kafka.start();
    expect(await isAnswering(kafka.direct, 10_000)).toBe(true);
  });

  it("does not start twice, and takes no signal when it is stopped", async () => {
    await expect(kafka.start()).rejects.toThrow("Kafka runs already");
    await kafka.stop();
    await kafka.stop();
    expect(() => kafka.pause()).toThrow("Kafka does not run");
    await kafka.start();
  });

  it("writes nothing but its start when all is well", async () => {
    const fresh = await startKafka();
    await append(fresh.bootstrap, "quiet", 10);
    await fresh.stop();
    const lines = readFileSync(fresh.log, "utf8").trim().split("\n");
    expect(lines.filter((line) => !line.includes("KafkaRaftServer"))).toEqual([]);
    await fresh.remove();
    expect(existsSync(fresh.home)).toBe(false);
  });

  it("says which port was taken, and leaves no folder", async () => {
    const port = Number(kafka.bootstrap.split(":")[1]);
    await expect(startKafka({ port })).rejects.toThrow(new RegExp(`Kafka ended .*${port}`, "s"));
  });
});

describe("ways into a Kafka broker", () => {
  const start = async (options: KafkaOptions): Promise<Kafka> => {
    const [port] = await freePorts(1);
    return startKafka({ ...options, port: port! });
  };

  it.each([{ auth: "plain" }, { auth: "scram" }, { auth: "plain", tls: true }, { auth: "scram", tls: true }] as const)(
    "lets in who has the password, and nobody else: %j",
    async (options) => {
      await using kafka = await start(options);
      const access = accessTo(kafka);
      await append(kafka.bootstrap, "login", 3, access);
      expect(await countRecords(kafka.direct, "login")).toBe(3n);
      const wrong = { ...access, sasl: { ...access.sasl!, password: "wrong" } };
      await expect(listTopics(kafka.bootstrap, wrong)).rejects.toThrow();
      await expect(listTopics(kafka.bootstrap, access.tls ? { tls: access.tls } : {})).rejects.toThrow();
    },
  );

  it("is closed by TLS to who does not trust its authority", async () => {
    await using kafka = await start({ tls: true });
    await append(kafka.bootstrap, "tls", 3, accessTo(kafka));
    await expect(listTopics(kafka.bootstrap, { tls: {} })).rejects.toThrow();
    await expect(listTopics(kafka.bootstrap)).rejects.toThrow();
  });

  it("is closed by mutual TLS to who has no certificate", async () => {
    await using kafka = await start({ tls: "mutual" });
    const { authority, client } = kafka.certificates!;
    const own = { key: client.key, cert: client.certificate };
    await append(kafka.bootstrap, "mutual", 3, { tls: { ca: authority, ...own } });
    await expect(listTopics(kafka.bootstrap, { tls: { ca: authority } })).rejects.toThrow();
  });

  it("leads through a proxy, which can close it, while the direct way stays open", async () => {
    await using proxy = await createFaultProxy();
    await using kafka = await startKafka({ proxy });
    expect(kafka.bootstrap).toBe(`127.0.0.1:${proxy.port}`);
    await append(kafka.bootstrap, "proxied", 3);
    // The broker's own address is not the one that clients were told.
    expect(proxy.accepted).toBeGreaterThan(1);
    proxy.refuse();
    proxy.cut();
    await expect(listTopics(kafka.bootstrap)).rejects.toThrow();
    expect(await countRecords(kafka.direct, "proxied")).toBe(3n);
    await proxy.accept();
    expect(await listTopics(kafka.bootstrap)).toContain("proxied");
  });

  it("carries a request out whose answer the proxy swallowed", async () => {
    await using proxy = await createFaultProxy();
    await using kafka = await startKafka({ proxy });
    await append(kafka.bootstrap, "swallowed", 1);
    const isProduce = (request: Buffer): boolean => request.length > 6 && request.readInt16BE(4) === 0;
    const swallowed = proxy.swallow(1, isProduce);
    // This client tells a lost connection from a refusal: it sends again, which a producer without a sequence stores twice.
    await append(kafka.bootstrap, "swallowed", 1);
    await swallowed;
    expect(await countRecords(kafka.direct, "swallowed")).toBe(3n);
  });
});

describe("a Kafka broker in a folder of its own", () => {
  it("takes properties, and finds its data again", async () => {
    await using scratch = await startKafka();
    const folder = `${scratch.home}/nested`;
    const first = await startKafka({ folder, properties: { "auto.create.topics.enable": true } });
    await append(first.bootstrap, "found", 5);
    await first.stop();
    const second = await startKafka({ folder, auth: "scram" });
    expect(await countRecords(second.bootstrap, "found", accessTo(second))).toBe(5n);
    expect(readFileSync(`${folder}/server.properties`, "utf8")).not.toContain("auto.create.topics.enable=true");
    await second.remove();
    expect(await isFree(Number(second.direct.split(":")[1]))).toBe(true);
  });
});
