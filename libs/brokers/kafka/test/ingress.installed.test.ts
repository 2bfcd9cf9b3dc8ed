/** What other systems write onto Kafka comes in: through whole services whose own logs are on the same Kafka. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createKafkaBroker, type KafkaBrokerOptions } from "@distribution/broker-kafka";
import { type Kafka, startKafka } from "@distribution/brokers";
import type { DistributionService } from "@distribution/core";
import type { Broker } from "@distribution/core/brokers";
import { type IngressTopic, plainRecords } from "@distribution/core/ingress";
import { type Runtime, systemRuntime } from "@distribution/core/runtime";
import { logOf } from "@distribution/testkit/broker";
import { Admin, ProduceAcks, Producer } from "@platformatic/kafka";
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { FILLS, startIngress } from "./support/ingress-service.ts";

let kafka: Kafka;
let admin: Admin;
let producer: Producer;

const clientOf = () => ({
  ...{ clientId: "oms", bootstrapBrokers: [kafka.bootstrap], retries: 1_000, retryDelay: 100 },
});

beforeAll(async () => {
  kafka = await startKafka();
  admin = new Admin(clientOf());
  producer = new Producer({ ...clientOf(), acks: ProduceAcks.ALL, idempotent: true });
});
afterAll(async () => {
  await producer.close();
  await admin.close();
  await kafka.remove();
});

const fill = (id: string): Buffer => Buffer.from(JSON.stringify({ fill: { id }, account: "a-1" }));
const idsFrom = (prefix: string, from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, at) => `${prefix}${from + at}`);

const create = (topic: string, partitions = 1): Promise<unknown> =>
  admin.createTopics({ topics: [topic], partitions, replicas: 1 });

const write = (
  topic: string,
  values: readonly Buffer[],
  headers: Record<string, string> = {},
  partition = 0,
): Promise<unknown> => {
  const named = new Map(Object.entries(headers).map(([name, value]) => [Buffer.from(name), Buffer.from(value)]));
  return producer.send({
    messages: values.map((value) => ({ topic, partition, key: Buffer.from("k"), value, headers: named })),
  });
};

interface Started {
  readonly service: DistributionService;
  readonly broker: Broker;
  /** A clean stop. */
  stop(): Promise<void>;
}

async function started(
  ingress: Pick<IngressTopic, "from"> & Partial<IngressTopic>,
  options: Partial<KafkaBrokerOptions> = {},
  runtime?: Runtime,
): Promise<Started> {
  const broker = await createKafkaBroker({ brokers: [kafka.bootstrap], sessionTimeoutMs: 1_000, ...options });
  const service = await startIngress(broker, ingress, runtime);
  const stop = async (): Promise<void> => {
    await service.stop();
    await broker.close();
  };
  onTestFinished(stop);
  return { service, broker, stop };
}

/** To look into the log, whoever else comes and goes. */
async function looker(): Promise<Broker> {
  const broker = await createKafkaBroker({ brokers: [kafka.bootstrap] });
  onTestFinished(() => broker.close());
  await broker.admin.ensureTopic(FILLS);
  return broker;
}

const until = (probe: () => Promise<unknown>, expected: unknown): Promise<void> =>
  vi.waitFor(async () => expect(await probe()).toEqual(expected), { timeout: 50_000, interval: 50 });

const idsOf = async (broker: Broker, prefix: string): Promise<string[]> =>
  (await logOf(broker, FILLS.name)).map(({ id }) => id).filter((id) => id.startsWith(prefix));

const lettersOf = async (broker: Broker, topic: string): Promise<Record<string, unknown>[]> =>
  (await logOf(broker, "test.dead-letters"))
    .filter(({ key }) => key === `${topic}/0`)
    .map(({ data }) => JSON.parse(Buffer.from(data!).toString()) as Record<string, unknown>);

describe("ingress from Kafka", () => {
  test("plain JSON becomes events by a mapping, CloudEvents as they are, and the rest dead letters", async () => {
    await create("OMS_plain");
    await create("OMS_cloud");
    const form = plainRecords({
      ...{ type: "test.fill.v1", source: "/oms", contentType: "application/json", id: "fill.id", key: "account" },
    });
    const { stop, broker } = await started({ from: "OMS_plain", form });
    await write("OMS_plain", [fill("p1"), Buffer.from("no JSON"), fill("p2")]);
    await until(() => idsOf(broker, "p"), ["p1", "p2"]);
    expect((await logOf(broker, FILLS.name)).find(({ id }) => id === "p1")).toMatchObject({
      key: "a-1",
      source: "/oms",
    });
    await until(async () => (await logOf(broker, "test.dead-letters")).map(({ key }) => key), ["OMS_plain/0"]);
    await stop();

    const cloud = await started({ from: "OMS_cloud", form: "events" });
    const attributes = { ce_specversion: "1.0", ce_id: "c1", ce_source: "/oms", ce_type: "test.fill.v1" };
    await write("OMS_cloud", [Buffer.from("{}")], { ...attributes, "content-type": "application/json" });
    await until(() => idsOf(cloud.broker, "c"), ["c1"]);
    expect((await logOf(cloud.broker, FILLS.name)).at(-1)).toMatchObject({ id: "c1", key: "k", type: "test.fill.v1" });
  });

  test("Kafka is killed in the middle: every record comes in once, in order", async () => {
    await create("OMS_kill");
    const { service, broker } = await started({ from: "OMS_kill" });
    const ids = idsFrom("k", 0, 600);
    for (let at = 0; at < 600; at += 60) {
      await write("OMS_kill", ids.slice(at, at + 60).map(fill));
      if (at % 240 !== 120) continue;
      await kafka.kill();
      await kafka.start();
    }
    await until(() => idsOf(broker, "k"), ids);
    await vi.waitFor(() => expect(service.health.reasons()).toEqual([]), { timeout: 20_000 });
  });

  test("replicas come and go while it is written: every record comes in once, in order", async () => {
    const partitions = [0, 1, 2, 3];
    await create("OMS_shared", partitions.length);
    const broker = await looker();
    const rounds = 60;
    const replicas = [await started({ from: "OMS_shared" })];
    for (let round = 0; round < rounds; round += 1) {
      for (const partition of partitions) {
        const prefix = `s${partition}-`;
        await write("OMS_shared", idsFrom(prefix, 10 * round, 10 * round + 10).map(fill), {}, partition);
      }
      if (round % 20 === 5) replicas.push(await started({ from: "OMS_shared" }));
      if (round % 20 === 15) await replicas.shift()!.stop();
    }
    for (const partition of partitions) {
      await until(() => idsOf(broker, `s${partition}-`), idsFrom(`s${partition}-`, 0, 10 * rounds));
    }
    expect(await lettersOf(broker, "OMS_shared")).toEqual([]);
  });

  test("killed between its log and its progress, and away for longer than ingest remembers: nothing comes in twice", async () => {
    await create("OMS_away");
    await write("OMS_away", idsFrom("w", 0, 40).map(fill));
    const broker = await looker();
    const child = spawn(
      process.execPath,
      [join(import.meta.dirname, "support/ingress-process.ts"), kafka.bootstrap, "OMS_away"],
      { stdio: "inherit" },
    );
    onTestFinished(() => void child.kill("SIGKILL"));
    await until(() => idsOf(broker, "w"), idsFrom("w", 0, 40));
    child.kill("SIGKILL");
    await once(child, "exit");
    await write("OMS_away", idsFrom("w", 40, 50).map(fill));
    // Ingest itself remembers ten minutes.
    const hour = 3_600_000_000_000n;
    const clock = { ...systemRuntime.clock, wallNs: () => systemRuntime.clock.wallNs() + hour };
    const { service } = await started({ from: "OMS_away" }, {}, { ...systemRuntime, clock });
    await until(() => idsOf(broker, "w"), idsFrom("w", 0, 50));
    expect(service.metrics.counter("distribution_ingest_duplicates_total", { topic: FILLS.name }).value).toBe(0);
  });

  test("what the group forgot is in the service's own log", async () => {
    await create("OMS_expired");
    await write("OMS_expired", idsFrom("x", 0, 5).map(fill));
    const first = await started({ from: "OMS_expired" });
    await until(() => idsOf(first.broker, "x"), idsFrom("x", 0, 5));
    await first.stop();
    // As Kafka does by itself when a group is away for `offsets.retention.minutes`.
    await admin.deleteGroups({ groups: ["test.ingress"] });
    await write("OMS_expired", idsFrom("x", 5, 8).map(fill));
    const again = await started({ from: "OMS_expired" });
    await until(() => idsOf(again.broker, "x"), idsFrom("x", 0, 8));
    expect(again.service.metrics.counter("distribution_ingress_records_total", { topic: "OMS_expired" }).value).toBe(3);
  });

  test.each(["running", "away"])(
    "a topic that is deleted and created again is told of, while the service is %s",
    async (how) => {
      const topic = `OMS_again_${how}`;
      const prefix = `a-${how}-`;
      await create(topic);
      await write(topic, idsFrom(prefix, 0, 5).map(fill));
      const first = await started({ from: topic });
      await until(() => idsOf(first.broker, prefix), idsFrom(prefix, 0, 5));
      if (how === "away") await first.stop();
      await admin.deleteTopics({ topics: [topic] });
      await vi.waitFor(() => create(topic), { timeout: 20_000, interval: 200 });
      await vi.waitFor(() => write(topic, idsFrom(prefix, 5, 8).map(fill)), { timeout: 20_000, interval: 200 });
      const { service, broker } = how === "away" ? await started({ from: topic }) : first;
      await until(() => idsOf(broker, prefix), idsFrom(prefix, 0, 8));
      expect(service.health.reasons()).toContainEqual(expect.stringContaining("created again or cut back"));
      const labels = { topic, reason: "reset" };
      expect(service.metrics.counter("distribution_ingress_breaks_total", labels).value).toBe(1);
    },
  );

  test.each(["gzip", "zstd", "lz4", "snappy"] as const)(
    "a %s bomb becomes a dead letter, and the rest goes on",
    async (compression) => {
      const topic = `OMS_bomb_${compression}`;
      const prefix = `b-${compression}-`;
      await create(topic);
      const bombs = new Producer({ ...clientOf(), acks: ProduceAcks.ALL, compression });
      onTestFinished(() => bombs.close());
      await write(topic, [fill(`${prefix}0`)]);
      await bombs.send({ messages: [{ topic, partition: 0, value: Buffer.alloc(12 << 20, "{") }] });
      await write(topic, [fill(`${prefix}1`)]);
      const { broker } = await started({ from: topic }, { maxDecompressedBytes: 4 << 20 });
      await until(() => idsOf(broker, prefix), idsFrom(prefix, 0, 2));
      const [letter, ...others] = await lettersOf(broker, topic);
      expect(others).toEqual([]);
      expect(letter).toMatchObject({ code: "record_damaged", offset: "1" });
      expect(letter!["message"]).toMatch(/unpack to more than maxDecompressedBytes, 4194304/);
      expect(String(letter!["value"]).length).toBeGreaterThan(50);
    },
  );
});
