/** Getting in: tokens, TLS, and a Pulsar that is away when the service starts. */
import { createPulsarBroker } from "@distribution/broker-pulsar";
import { createFaultProxy, freePorts, startPulsar } from "@distribution/brokers";
import { batchOf, readEvents } from "@distribution/testkit/broker";
import { expect, onTestFinished, test } from "vitest";

const LONG_MS = 240_000;

const roundTrip = async (options: Parameters<typeof createPulsarBroker>[0]): Promise<void> => {
  const broker = await createPulsarBroker(options);
  onTestFinished(() => broker.close());
  expect(broker.health()).toEqual({ ready: true, reasons: [] });
  await broker.admin.ensureTopic({ name: "access.t", partitions: 1, retention: {}, compaction: false });
  await broker.append([{ topic: "access.t", partition: 0, batch: batchOf([{ id: "a", key: "k" }]) }]);
  const reader = await broker.read("access.t", 0, { at: "earliest" });
  expect((await readEvents(reader, 1))[0]!.id).toBe("a");
};

test("with a token it works; a wrong one is one clear error, tried again slowly", { timeout: LONG_MS }, async () => {
  await using proxy = await createFaultProxy();
  await using pulsar = await startPulsar({ auth: true, proxy });
  const { serviceUrl, adminUrl, token = "" } = pulsar;
  await roundTrip({ serviceUrl, adminUrl, token });
  const before = proxy.accepted;
  const wrong = await createPulsarBroker({ serviceUrl, adminUrl, token: `${token.slice(0, -6)}AAAAAA` });
  onTestFinished(() => wrong.close());
  const health = wrong.health();
  expect(health.ready).toBe(false);
  expect(health.reasons).toEqual([expect.stringContaining("token")]);
  const write = { topic: "access.t", partition: 0, batch: batchOf([{ id: "b", key: "k" }]) };
  for (let call = 0; call < 20; call += 1) {
    await expect(wrong.append([write])).rejects.toMatchObject({
      ...{ code: "unavailable", message: expect.stringContaining("token") },
    });
  }
  await expect(wrong.admin.topics()).rejects.toMatchObject({ code: "unavailable" });
  expect(proxy.accepted - before, "connections that were opened with the wrong token").toBeLessThanOrEqual(2);
  const none = await createPulsarBroker({ serviceUrl, adminUrl });
  onTestFinished(() => none.close());
  expect(none.health()).toMatchObject({ ready: false, reasons: [expect.stringContaining("token")] });
});

test("over TLS, verified against its authority", { timeout: LONG_MS }, async () => {
  await using pulsar = await startPulsar({ tls: true });
  const { serviceUrl, adminUrl, certificates } = pulsar;
  await roundTrip({ serviceUrl, adminUrl, tls: { ca: certificates!.authority } });
  const stranger = await createPulsarBroker({ serviceUrl, adminUrl, connectTimeoutMs: 2000 });
  onTestFinished(() => stranger.close());
  expect(stranger.health().ready).toBe(false);
});

test("away at the start, the broker says so and is there as soon as Pulsar is", { timeout: LONG_MS }, async () => {
  const [port, adminPort] = (await freePorts(2)) as [number, number];
  const broker = await createPulsarBroker({
    serviceUrl: `pulsar://127.0.0.1:${port}`,
    adminUrl: `http://127.0.0.1:${adminPort}`,
    ...{ connectTimeoutMs: 500, appendTimeoutMs: 300 },
  });
  onTestFinished(() => broker.close());
  expect(broker.health()).toMatchObject({ ready: false, reasons: [expect.stringContaining(String(port))] });
  const write = { topic: "access.t", partition: 0, batch: batchOf([{ id: "a", key: "k" }]) };
  await expect(broker.append([write])).rejects.toMatchObject({ code: "unavailable" });
  await using pulsar = await startPulsar({ port, adminPort });
  await expect.poll(() => broker.health(), { timeout: 60_000 }).toEqual({ ready: true, reasons: [] });
  await broker.admin.ensureTopic({ name: "access.t", partitions: 1, retention: {}, compaction: false });
  await broker.append([write]);
  const idle = await createPulsarBroker({ serviceUrl: pulsar.serviceUrl, adminUrl: pulsar.adminUrl });
  onTestFinished(() => idle.close());
  await pulsar.kill();
  await expect.poll(() => idle.health().ready, { timeout: 10_000 }).toBe(false);
  await pulsar.start();
  await expect.poll(() => idle.health(), { timeout: 60_000 }).toEqual({ ready: true, reasons: [] });
});
