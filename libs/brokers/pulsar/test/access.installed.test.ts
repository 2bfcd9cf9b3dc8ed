/** Getting in: tokens, TLS, and a Pulsar that is away when the service starts. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createPulsarBroker } from "@distribution/broker-pulsar";
import { createFaultProxy, freePorts, startPulsar } from "@distribution/brokers";
import { batchOf, readEvents } from "@distribution/testkit/broker";
import { expect, onTestFinished, test } from "vitest";

const LONG_MS = 240_000;

const optionNames = (option: string): string => `X_${option}`;

/** Of one that is not let in: the reason for not being ready. */
async function refused(options: Parameters<typeof createPulsarBroker>[0]): Promise<string> {
  const broker = await createPulsarBroker({ connectTimeoutMs: 3000, optionNames, ...options });
  const { ready, reasons } = broker.health();
  expect(ready).toBe(false);
  await broker.close();
  return reasons.join();
}

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
  const check = "check X_token: the token is missing, wrong or expired";
  expect(await refused({ serviceUrl, adminUrl, token: "nonsense" })).toContain(check);
  expect(await refused({ serviceUrl, adminUrl })).toContain(check);
  const file = join(mkdtempSync(join(tmpdir(), "access-")), "token");
  onTestFinished(() => rmSync(dirname(file), { recursive: true }));
  writeFileSync(file, "");
  const empty = await refused({ serviceUrl, adminUrl, token: { file } });
  expect(empty).toBe(`X_token: ${file} is empty; write the token into it.`);
  expect(await refused({ serviceUrl, adminUrl, token, tenant: "nobody" })).toMatch(
    /X_tenant: nobody\/default is not there, .*; create the tenant or name one that is there, and see that X_adminUrl is/,
  );
});

test("over TLS, verified against its authority", { timeout: LONG_MS }, async () => {
  await using pulsar = await startPulsar({ tls: true });
  const { serviceUrl, adminUrl, certificates } = pulsar;
  await roundTrip({ serviceUrl, adminUrl, tls: { ca: certificates!.authority } });
  const stranger = await refused({ serviceUrl, adminUrl });
  expect(stranger).toMatch(/not trusted \([A-Z_]+\); set X_tls\.ca to the certificate of the authority/);
  expect(stranger).not.toContain("--use-system-ca");
  const plain = await refused({ serviceUrl: serviceUrl.replace("pulsar+ssl:", "pulsar:"), adminUrl });
  expect(plain).toContain(
    "closed the connection instead of answering; check X_serviceUrl: pulsar+ssl://host:port where",
  );
  const tls = { ca: certificates!.authority };
  expect(await refused({ serviceUrl, adminUrl: adminUrl.replace("https:", "http:"), tls })).toMatch(
    /Pulsar's admin API at http:.*; check X_adminUrl/,
  );
});

test("what has no TLS, and addresses of something else, are told with the setting", { timeout: LONG_MS }, async () => {
  await using pulsar = await startPulsar({});
  const { serviceUrl, adminUrl } = pulsar;
  expect(await refused({ serviceUrl: serviceUrl.replace("pulsar:", "pulsar+ssl:"), adminUrl })).toMatch(
    /; (check X_serviceUrl|if the port speaks no TLS, set X_serviceUrl to pulsar:)/,
  );
  expect(await refused({ serviceUrl, adminUrl: adminUrl.replace("http:", "https:") })).toContain(
    "if the port speaks no TLS, set X_adminUrl to http://host:port",
  );
  expect(await refused({ serviceUrl: adminUrl.replace("http:", "pulsar:"), adminUrl })).toMatch(
    /; check .*X_serviceUrl/,
  );
  const [port] = (await freePorts(1)) as [number];
  const nobody = `start it, or set X_adminUrl to where it is`;
  expect(await refused({ serviceUrl, adminUrl: `http://127.0.0.1:${port}` })).toContain(nobody);
  expect(await refused({ serviceUrl: `pulsar://127.0.0.1:${port}`, adminUrl })).toContain(
    `ECONNREFUSED 127.0.0.1:${port}; start it, or set X_serviceUrl to where it is`,
  );
});

test("an outage is a few lines of the log, however many topics are used", { timeout: LONG_MS }, async () => {
  await using pulsar = await startPulsar({});
  const warned: string[] = [];
  const warn = (_: object, message: string): void => void warned.push(message);
  const logger = { debug() {}, info() {}, warn, error: warn };
  const broker = await createPulsarBroker({ serviceUrl: pulsar.serviceUrl, adminUrl: pulsar.adminUrl, logger });
  onTestFinished(() => broker.close());
  const topics = Array.from({ length: 20 }, (_, at) => `outage.t${at}`);
  for (const topic of topics) {
    await broker.admin.ensureTopic({ name: topic, partitions: 1, retention: {}, compaction: false });
    await broker.append([{ topic, partition: 0, batch: batchOf([{ id: "a", key: "k" }]) }]);
    const reader = await broker.read(topic, 0, { at: "earliest" });
    onTestFinished(() => reader.close());
    await readEvents(reader, 1);
  }
  warned.length = 0;
  await pulsar.kill();
  await expect.poll(() => broker.health().ready, { timeout: 10_000 }).toBe(false);
  await pulsar.start();
  await expect.poll(() => broker.health(), { timeout: 60_000 }).toEqual({ ready: true, reasons: [] });
  for (const topic of topics) await broker.append([{ topic, partition: 0, batch: batchOf([{ id: "b", key: "k" }]) }]);
  const lost = warned.filter((message) => message.startsWith("Not connected to Pulsar"));
  expect(lost.length).toBeGreaterThan(0);
  // While it starts it may close what it took: each time is an outage.
  expect(lost.length).toBeLessThanOrEqual(3);
  // Each producer and each reader may be told once that the broker which is back does not serve its topic yet.
  expect(warned.length).toBeLessThanOrEqual(1 + 2 * topics.length);
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
