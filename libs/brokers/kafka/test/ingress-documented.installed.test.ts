/** Ingress as docs/brokers.md shows it: its lines in the execution service's compose.ts, on a real Kafka that others write to. */
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createKafkaBroker } from "@distribution/broker-kafka";
import { startKafka } from "@distribution/brokers";
import { logOf } from "@distribution/testkit/broker";
import { askUntil, serviceRunner, until } from "@distribution/testkit/service";
import { Admin, ProduceAcks, Producer } from "@platformatic/kafka";
import { expect, test, vi } from "vitest";

const ROOT = fileURLToPath(new URL("../../../../", import.meta.url));
const ROUTES = "routes: EXECUTION_ROUTES,";

/** The service with the document's lines in it, outside of the checkout. */
async function compose(): Promise<{ readonly folder: string; readonly main: string }> {
  const [, section = ""] = (await readFile(join(ROOT, "docs/brokers.md"), "utf8")).split("\n## Ingress");
  const [, lines = ""] = /^```ts\n([\s\S]*?)^```$/m.exec(section) ?? [];
  expect(section).toContain("startDomainService({ …, ingress: INGRESS })");
  const folder = await mkdtemp(join(tmpdir(), "documented-ingress-"));
  await cp(join(ROOT, "apps/execution-distribution/src"), join(folder, "src"), { recursive: true });
  await symlink(join(ROOT, "node_modules"), join(folder, "node_modules"));
  const file = join(folder, "src/compose.ts");
  const text = await readFile(file, "utf8");
  expect(text).toContain(ROUTES);
  await writeFile(file, `${text.replace(ROUTES, `${ROUTES} ingress: INGRESS,`)}\n${lines}`);
  return { folder, main: join(folder, "src/main.ts") };
}

const ABOUT = { portfolioId: "p-1", instrument: "coinbase:BTC-USD", eventTime: "1795442400000000000" };
const TERMS = { side: "SIDE_BUY", type: "ORDER_TYPE_MARKET", quantity: "2", timeInForce: "TIME_IN_FORCE_DAY" };
const TRADED = { side: "SIDE_BUY", lastQuantity: "2", lastPrice: "50", fee: "0" };
const SUMS = { filledQuantity: "2", filledValue: "100", remainingQuantity: "0" };

type Life = readonly (readonly [string, object])[];
const BEGUN: Life = [
  ["order-new", { orderNew: TERMS }],
  ["order-acknowledged", { orderAcknowledged: { venueOrderId: "v-1" } }],
];
const FILLED: Life = [["order-filled", { fill: { executionId: "e-1", ...TRADED, ...SUMS } }]];
const CONFIRMED = { confirmationId: "c-1", executionId: "e-1", side: "SIDE_BUY", quantity: "2", price: "50", fee: "0" };

interface Letter {
  readonly key: string;
  readonly value: string;
  readonly headers: readonly { readonly name: string; readonly value: string }[];
  readonly code: string;
  readonly message: string;
}

test("the document's example takes orders and confirmations in, and again what came too early", {
  timeout: 120_000,
}, async () => {
  const kafka = await startKafka();
  const { folder, main } = await compose();
  const options = { clientId: "oms", bootstrapBrokers: [kafka.bootstrap] };
  const admin = new Admin(options);
  const producer = new Producer({ ...options, acks: ProduceAcks.ALL });
  const broker = await createKafkaBroker({ brokers: [kafka.bootstrap] });
  try {
    const { startProcess } = serviceRunner({ name: "execution", main, start: () => Promise.reject(new Error("No.")) });
    const settings = { FEED: "none", BROKER: "kafka", KAFKA_BROKERS: kafka.bootstrap, DATA_DIR: join(folder, "data") };
    await using service = await startProcess(settings);
    const absent = /OMS_orders: the broker has no such topic\. Whoever writes to it has to create it/;
    const readiness = `http://127.0.0.1:${service.ports.admin}/readyz`;
    await until("the readiness names the topic that is not there", async () =>
      absent.test(await (await fetch(readiness)).text()),
    );
    await admin.createTopics({ topics: ["OMS_orders", "clearing-confirmations"], partitions: 2, replicas: 1 });

    const write = (topic: string, key: string, value: Buffer, headers: readonly (readonly [string, Buffer])[] = []) => {
      const named = new Map(headers.map(([name, bytes]) => [Buffer.from(name), bytes]));
      return producer.send({ messages: [{ topic, key: Buffer.from(key), value, headers: named }] });
    };
    const tell = async (orderId: string, life: Life): Promise<void> => {
      for (const [type, payload] of life) {
        const attributes = { ce_specversion: "1.0", ce_id: `${orderId}/${type}`, ce_source: "/oms" };
        const named = { ...attributes, ce_type: `execution.${type}.v1`, "content-type": "application/json" };
        const headers = Object.entries(named).map(([name, value]) => [name, Buffer.from(value)] as const);
        await write("OMS_orders", orderId, Buffer.from(JSON.stringify({ orderId, ...ABOUT, ...payload })), headers);
      }
    };
    const comes = (path: string, shown: string) =>
      askUntil(service.ports, path, ({ status, body }) => status === 200 && JSON.stringify(body).includes(shown));

    await tell("o-1", [...BEGUN, ...FILLED]);
    await comes("/orders/o-1", '"state":"filled"');
    const confirmation = { ...ABOUT, orderId: "o-1", tradeConfirmed: { ...CONFIRMED, settlementDate: "2026-11-25" } };
    await write("clearing-confirmations", "o-1", Buffer.from(JSON.stringify(confirmation)));
    await comes("/confirmations?order_id=o-1", '"c-1"');

    await tell("o-2", FILLED);
    const letters = async (): Promise<readonly Letter[]> =>
      (await logOf(broker, "execution.dead-letters")).map(({ data }) => JSON.parse(Buffer.from(data!).toString()));
    await vi.waitFor(async () => expect(await letters()).toHaveLength(1), { timeout: 30_000, interval: 50 });
    await tell("o-2", BEGUN);
    await comes("/orders/o-2", '"state":"acknowledged"');
    const [{ code, key, value, headers }] = (await letters()) as [Letter];
    expect(code).toBe("illegal_transition");
    const bytes = (text: string): Buffer => Buffer.from(text, "base64");
    const kept = headers.map(({ name, value: of }) => [name, bytes(of)] as const);
    await write("OMS_orders", bytes(key).toString(), bytes(value), kept);
    await comes("/orders/o-2", '"state":"filled"');
  } finally {
    await Promise.all([producer.close(), admin.close(), broker.close()]);
    await kafka.remove();
    await rm(folder, { recursive: true, force: true });
  }
});
