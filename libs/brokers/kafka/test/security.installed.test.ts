/** Who is let in, and what somebody with the wrong credentials is told, and how often they ask. */
import { createServer } from "node:net";
import { createKafkaBroker, type KafkaBrokerOptions, type SaslOptions } from "@distribution/broker-kafka";
import { createFaultProxy, freePorts, type Kafka, startKafka } from "@distribution/brokers";
import { batchOf, readEvents } from "@distribution/testkit/broker";
import { expect, onTestFinished, test } from "vitest";

const saslOf = ({ credentials }: Kafka): SaslOptions => credentials as SaslOptions;

async function works(options: KafkaBrokerOptions): Promise<void> {
  const broker = await createKafkaBroker(options);
  expect(broker.health()).toEqual({ ready: true, reasons: [] });
  await broker.admin.ensureTopic({ name: "secure.events", partitions: 1, retention: {}, compaction: false });
  await broker.append([{ topic: "secure.events", partition: 0, batch: batchOf([{ id: "a", key: "k" }]) }]);
  const reader = await broker.read("secure.events", 0, { at: "earliest" });
  expect((await readEvents(reader, 1))[0]!.id).toBe("a");
  await reader.close();
  await broker.close();
}

/** One that is not let in: its reason for not being ready. */
async function refused(options: KafkaBrokerOptions): Promise<string> {
  const broker = await createKafkaBroker({ connectTimeoutMs: 2000, ...options });
  const { ready, reasons } = broker.health();
  expect(ready).toBe(false);
  const append = broker.append([{ topic: "secure.events", partition: 0, batch: batchOf([{ id: "a", key: "k" }]) }]);
  await expect(append).rejects.toMatchObject({ code: "unavailable" });
  await broker.close();
  return reasons.join();
}

for (const auth of ["plain", "scram"] as const) {
  test(`SASL ${auth}: the right password is let in, a wrong one is told so`, async () => {
    await using kafka = await startKafka({ auth });
    const brokers = [kafka.bootstrap];
    await works({ brokers, sasl: saslOf(kafka) });
    await works({ brokers, sasl: { ...saslOf(kafka), password: async () => kafka.credentials!.password } });
    expect(await refused({ brokers, sasl: { ...saslOf(kafka), password: "wrong" } })).toContain("sasl.password");
  });
}

test("wrong credentials are not tried over and over", async () => {
  await using proxy = await createFaultProxy();
  await using kafka = await startKafka({ auth: "plain", proxy });
  const told: string[] = [];
  const logger = { debug() {}, info() {}, warn() {}, error: (_: object, message: string) => void told.push(message) };
  const broker = await createKafkaBroker({
    ...{ brokers: [kafka.bootstrap], logger, requestTimeoutMs: 500, appendTimeoutMs: 500 },
    sasl: { ...saslOf(kafka), password: "wrong" },
  });
  const before = proxy.accepted;
  const batch = batchOf([{ id: "a", key: "k" }]);
  for (let round = 0; round < 20; round += 1) {
    await expect(broker.append([{ topic: "secure.events", partition: 0, batch }])).rejects.toMatchObject({
      code: "unavailable",
      message: expect.stringContaining("sasl.password"),
    });
    await expect(broker.read("secure.events", 0, { at: "earliest" })).rejects.toMatchObject({ code: "unavailable" });
  }
  expect(proxy.accepted).toBe(before);
  expect(before).toBeLessThanOrEqual(2);
  expect(told).toHaveLength(1);
  await broker.close();
});

test("TLS: who trusts the authority is let in, who does not or speaks none is told so", async () => {
  await using kafka = await startKafka({ tls: true });
  const brokers = [kafka.bootstrap];
  await works({ brokers, tls: { ca: kafka.certificates!.authority } });
  expect(await refused({ brokers, tls: true })).toMatch(/certificate is not trusted \(.*\); set tls\.ca to/);
  expect(await refused({ brokers, requestTimeoutMs: 1000 })).toContain("the cluster wants TLS; set tls");
  const sasl = { mechanism: "PLAIN", username: "u", password: "p" } as const;
  const login = await refused({ brokers, sasl, requestTimeoutMs: 1000 });
  expect(login).toMatch(/gives no answer: .*TLS \(tls\)/);
});

test("mutual TLS: a client's certificate is wanted, and named when it lacks", async () => {
  await using kafka = await startKafka({ tls: "mutual" });
  const brokers = [kafka.bootstrap];
  const { authority, client } = kafka.certificates!;
  await works({ brokers, tls: { ca: authority, cert: client.certificate, key: client.key } });
  expect(await refused({ brokers, tls: { ca: authority } })).toContain("check tls.cert and tls.key");
});

test("what is told names the service's settings: no login, TLS where there is none, nobody there, no Kafka", async () => {
  await using kafka = await startKafka({ auth: "plain" });
  const optionNames = (option: string): string => `EXECUTION_${option}`;
  const told = (options: Partial<KafkaBrokerOptions>): Promise<string> =>
    refused({ brokers: [kafka.bootstrap], optionNames, requestTimeoutMs: 1000, ...options });
  expect(await told({})).toMatch(/gives no answer: .* login \(EXECUTION_sasl\.mechanism\)/);
  expect(await told({ tls: true })).toContain("switch EXECUTION_tls off, or set EXECUTION_brokers");
  const [port] = (await freePorts(1)) as [number];
  expect(await told({ brokers: [`127.0.0.1:${port}`] })).toContain(
    `ECONNREFUSED 127.0.0.1:${port}; start it, or set EXECUTION_brokers to where it is`,
  );
  const server = createServer((socket) => void socket.on("error", () => undefined).end("HTTP/1.1 400 No\r\n\r\n"));
  server.listen(port, "127.0.0.1");
  onTestFinished(() => void server.close());
  expect(await told({ brokers: [`127.0.0.1:${port}`] })).toContain("no Kafka (EXECUTION_brokers)");
});
