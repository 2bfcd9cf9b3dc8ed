/** What other systems write onto Kafka comes in: through a whole service whose own logs are on the same Kafka. */
import { createKafkaBroker } from "@distribution/broker-kafka";
import { type Kafka, startKafka } from "@distribution/brokers";
import { createDistributionService, type DistributionService } from "@distribution/core";
import type { Broker } from "@distribution/core/brokers";
import { type IngressTopic, plainRecords } from "@distribution/core/ingress";
import { createLogger } from "@distribution/core/observability";
import { logOf } from "@distribution/testkit/broker";
import { Admin, ProduceAcks, Producer } from "@platformatic/kafka";
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";

const FILLS = {
  ...{ name: "test.fills", description: "Fills", partitions: 1, retention: {}, compaction: false },
  ...{ eventTypes: [], ringBytes: 1 << 20 },
};

let kafka: Kafka;
let admin: Admin;
let producer: Producer;

beforeAll(async () => {
  kafka = await startKafka();
  const common = { clientId: "oms", bootstrapBrokers: [kafka.bootstrap], retries: 1_000, retryDelay: 100 };
  admin = new Admin(common);
  producer = new Producer({ ...common, acks: ProduceAcks.ALL, idempotent: true });
});
afterAll(async () => {
  await producer.close();
  await admin.close();
  await kafka.remove();
});

const fill = (id: string): Buffer => Buffer.from(JSON.stringify({ fill: { id }, account: "a-1" }));

const write = (topic: string, values: readonly Buffer[], headers: Record<string, string> = {}): Promise<unknown> => {
  const named = new Map(Object.entries(headers).map(([name, value]) => [Buffer.from(name), Buffer.from(value)]));
  return producer.send({
    messages: values.map((value) => ({ topic, partition: 0, key: Buffer.from("k"), value, headers: named })),
  });
};

async function started(ingress: IngressTopic): Promise<{ service: DistributionService; broker: Broker }> {
  const broker = await createKafkaBroker({ brokers: [kafka.bootstrap] });
  const service = await createDistributionService({
    ...{
      broker,
      topics: [FILLS],
      ingress: [ingress],
      secret: new Uint8Array(32),
      logger: createLogger("test", "silent"),
    },
    service: { name: "test", version: "1.0.0", description: "Takes fills from Kafka." },
    listen: { port: 0, grpcPort: 0, adminPort: 0 },
  });
  onTestFinished(async () => {
    await service.stop();
    await broker.close();
  });
  return { service, broker };
}

const until = (probe: () => Promise<unknown>, expected: unknown): Promise<void> =>
  vi.waitFor(async () => expect(await probe()).toEqual(expected), { timeout: 50_000, interval: 50 });

const idsOf = async (broker: Broker, prefix: string): Promise<string[]> =>
  (await logOf(broker, FILLS.name)).map(({ id }) => id).filter((id) => id.startsWith(prefix));

describe("ingress from Kafka", () => {
  test("plain JSON becomes events by a mapping, CloudEvents as they are, and the rest dead letters", async () => {
    await admin.createTopics({ topics: ["OMS_plain", "OMS_cloud"], partitions: 1, replicas: 1 });
    const form = plainRecords({
      ...{ type: "test.fill.v1", source: "/oms", contentType: "application/json", id: "fill.id", key: "account" },
    });
    const { service, broker } = await started({ from: "OMS_plain", into: FILLS.name, form });
    await write("OMS_plain", [fill("p1"), Buffer.from("no JSON"), fill("p2")]);
    await until(() => idsOf(broker, "p"), ["p1", "p2"]);
    expect((await logOf(broker, FILLS.name)).find(({ id }) => id === "p1")).toMatchObject({
      key: "a-1",
      source: "/oms",
    });
    await until(async () => (await logOf(broker, "test.dead-letters")).map(({ key }) => key), ["OMS_plain/0"]);
    await service.stop();

    const cloud = await started({ from: "OMS_cloud", into: FILLS.name, form: "events" });
    const attributes = { ce_specversion: "1.0", ce_id: "c1", ce_source: "/oms", ce_type: "test.fill.v1" };
    await write("OMS_cloud", [Buffer.from("{}")], { ...attributes, "content-type": "application/json" });
    await until(() => idsOf(cloud.broker, "c"), ["c1"]);
    expect((await logOf(cloud.broker, FILLS.name)).at(-1)).toMatchObject({ id: "c1", key: "k", type: "test.fill.v1" });
  });

  test("Kafka is killed in the middle: every record comes in once, in order", async () => {
    await admin.createTopics({ topics: ["OMS_kill"], partitions: 1, replicas: 1 });
    const form = plainRecords({ type: "t.v1", source: "/oms", contentType: "application/json", id: "fill.id" });
    const { service, broker } = await started({ from: "OMS_kill", into: FILLS.name, form });
    const ids = Array.from({ length: 600 }, (_, at) => `k${at}`);
    for (let at = 0; at < 600; at += 60) {
      await write("OMS_kill", ids.slice(at, at + 60).map(fill));
      if (at % 240 !== 120) continue;
      await kafka.kill();
      await kafka.start();
    }
    await until(() => idsOf(broker, "k"), ids);
    await vi.waitFor(() => expect(service.health.reasons()).toEqual([]), { timeout: 20_000 });
  });
});
