/** Appends on a real Pulsar whose outcome hangs on what else happens: the topic ends meanwhile, or its admin API is away. */
import { createPulsarBroker, type PulsarBrokerOptions } from "@distribution/broker-pulsar";
import { createFaultProxy, type FaultProxy, type Pulsar, startPulsar } from "@distribution/brokers";
import { type Appended, AppendUnsettled, type Broker, type Stored } from "@distribution/core/brokers";
import { batchOf } from "@distribution/testkit/broker";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { isInstalled } from "../native/installed.ts";

const START_MS = 200_000;

let proxy: FaultProxy;
let adminProxy: FaultProxy;
let pulsar: Pulsar;
beforeAll(async () => {
  proxy = await createFaultProxy();
  adminProxy = await createFaultProxy();
  // A ledger of its own for every few entries.
  const properties = { managedLedgerMaxEntriesPerLedger: 2, managedLedgerMinLedgerRolloverTimeMinutes: 0 };
  pulsar = await startPulsar({ proxy, properties });
  adminProxy.forwardTo(Number(new URL(pulsar.direct.adminUrl).port));
}, START_MS);
afterAll(async () => {
  await pulsar.remove();
  await proxy.close();
  await adminProxy.close();
});

const open = async (topic: string, options: Partial<PulsarBrokerOptions>): Promise<Broker> => {
  const { serviceUrl } = pulsar;
  const broker = await createPulsarBroker({ serviceUrl, adminUrl: pulsar.direct.adminUrl, ...options });
  onTestFinished(() => broker.close());
  await broker.admin.ensureTopic({ name: topic, partitions: 1, retention: {}, compaction: false });
  return broker;
};

const append = async (broker: Broker, topic: string, id: string): Promise<Appended> => {
  const [appended] = await broker.append([{ topic, partition: 0, batch: batchOf([{ id, key: "k" }]) }]);
  return appended!;
};

test("while the admin API is away, what is stored is confirmed, in new ledgers too", async () => {
  const topic = "outcome.admin";
  const broker = await open(topic, { adminUrl: `http://127.0.0.1:${adminProxy.port}`, appendTimeoutMs: 5000 });
  const { epoch } = await append(broker, topic, "first");
  adminProxy.refuse();
  adminProxy.cut();
  const ledgers = new Set<string>();
  while (ledgers.size < 3) {
    const appended = await append(broker, topic, "next");
    expect(appended.epoch).toBe(epoch);
    ledgers.add(appended.offsetAt(0).split(".")[0]!);
  }
  await adminProxy.accept();
}, 60_000);

const CLIENTS = isInstalled ? (["protocol", "native"] as const) : (["protocol"] as const);
const CASES = CLIENTS.flatMap((client) => (["stored", "lost"] as const).map((outcome) => ({ client, outcome })));

test.each(CASES)(
  "a topic that is terminated while an append is open, $client: $outcome",
  async ({ client, outcome }) => {
    const topic = `outcome.${client}.${outcome}`;
    const broker = await open(topic, { client, appendTimeoutMs: 700 });
    await append(broker, topic, "before");
    const arrived = outcome === "stored" ? proxy.swallow(1, (request) => request.includes("doubtful")) : proxy.stall();
    const unsettled = append(broker, topic, "doubtful").catch((failure: unknown) => failure);
    await arrived;
    proxy.refuse();
    const failure = (await unsettled) as AppendUnsettled;
    expect(failure).toBeInstanceOf(AppendUnsettled);
    proxy.cut();
    proxy.flow();
    const path = `persistent/public/default/${encodeURIComponent(topic)}-partition-0/terminate`;
    const terminated = await fetch(`${pulsar.direct.adminUrl}/admin/v2/${path}`, { method: "POST" });
    expect(terminated.ok).toBe(true);
    await proxy.accept();
    const [stored]: readonly (Stored | undefined)[] = await failure.settled;
    expect(stored?.has(0)).toBe(outcome === "stored" ? true : undefined);
    await expect(append(broker, topic, "after")).rejects.toMatchObject({ code: "unknown_topic" });
  },
  60_000,
);
