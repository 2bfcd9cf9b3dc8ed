/**
 * Services' own tests on real brokers: `TEST_BROKER=kafka`, `pulsar` or `production`, where each service has the one it has there,
 * before vitest. Without it they run on the embedded one.
 */
import { createHash } from "node:crypto";
import { type Kafka, startKafka } from "./kafka/kafka.ts";
import { BrokerFailure } from "./process/failure.ts";
import { PRODUCTION } from "./production.ts";
import { type Pulsar, startPulsar } from "./pulsar/pulsar.ts";

type Settings = Readonly<Record<string, string>>;

/** Kafka has no namespaces, so each data folder has one of its own; those of earlier tests are let go of. */
const KAFKAS = 4;
const kafkas = new Map<string, Promise<Kafka>>();
let pulsar: Promise<Pulsar> | undefined;

/** Settings, without a service's prefix, of the broker for a service with this data folder: with it, its logs come again. */
export async function acceptanceBroker(folder: string, service: string): Promise<Settings> {
  const set = process.env["TEST_BROKER"] ?? "embedded";
  const wanted = set === "production" ? PRODUCTION[service] : set;
  if (wanted === "embedded") return {};
  if (wanted === "kafka") return { BROKER: "kafka", KAFKA_BROKERS: (await kafkaOf(folder)).bootstrap };
  if (wanted !== "pulsar")
    throw new BrokerFailure(
      `TEST_BROKER is ${set}, which is no broker for ${service}; set embedded, kafka, pulsar or production.`,
    );
  pulsar ??= startPulsar();
  const { serviceUrl, adminUrl } = await pulsar;
  const namespace = createHash("sha256").update(folder).digest("hex").slice(0, 16);
  return {
    ...{ BROKER: "pulsar", PULSAR_URL: serviceUrl, PULSAR_ADMIN_URL: adminUrl },
    PULSAR_NAMESPACE: `public/${namespace}`,
  };
}

async function kafkaOf(folder: string): Promise<Kafka> {
  const known = kafkas.get(folder);
  const kafka = known ?? startKafka();
  // The last used is the last to go.
  kafkas.delete(folder);
  kafkas.set(folder, kafka);
  for (const [oldest, started] of kafkas) {
    if (kafkas.size <= KAFKAS) break;
    kafkas.delete(oldest);
    await (await started).remove();
  }
  return kafka;
}
