/** What other systems write onto Pulsar comes in: through whole services whose own logs are on the same Pulsar. */
import { join } from "node:path";
import { createPulsarBroker } from "@distribution/broker-pulsar";
import { preparePython, startPulsar } from "@distribution/brokers";
import { createDistributionService, type DistributionService } from "@distribution/core";
import type { Broker } from "@distribution/core/brokers";
import { type IngressTopic, plainRecords } from "@distribution/core/ingress";
import { createLogger } from "@distribution/core/observability";
import { messageOf } from "@distribution/proto-types/descriptors";
import { NormalizedMarketDataEvent } from "@distribution/proto-types/market_data/v1/market_data";
import { logOf, startWithPython } from "@distribution/testkit/broker";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { batched, bytes, number, type RawEntry, writeRaw } from "./support/raw-producer.ts";

const CLIENT = join(import.meta.dirname, "interop/client.py");
const LONG_MS = 180_000;
const FILLS = {
  ...{ name: "test.fills", description: "Fills", partitions: 1, retention: {}, compaction: false },
  ...{ eventTypes: [], ringBytes: 1 << 20 },
};

const real = startWithPython(startPulsar, () => preparePython(["pulsar-client==3.13.0"]));

/** Another namespace than the services' own. */
const addressOf = (topic: string): string => `persistent://public/oms/${topic}`;

const create = async (topic: string, partitions = 0): Promise<void> => {
  const put = async (path: string, body?: unknown): Promise<void> => {
    const headers = { "content-type": "application/json" };
    const answer = await fetch(`${real.engine.adminUrl}/admin/v2/${path}`, {
      ...{ method: "PUT", headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    expect([204, 409]).toContain(answer.status);
  };
  await put("namespaces/public/oms");
  if (partitions === 0) await put(`persistent/public/oms/${topic}`);
  else await put(`persistent/public/oms/${topic}/partitions`, partitions);
};

interface Written {
  readonly key?: string;
  readonly value: string | Uint8Array;
  readonly headers?: readonly (readonly [name: string, value: string])[];
}

/** By Pulsar's C++ client, in batches. */
const write = async (topic: string, records: readonly Written[], compression = "none"): Promise<void> => {
  const encoded = records.map((record) => ({ ...record, value: Buffer.from(record.value).toString("base64") }));
  const request = { do: "write", url: real.engine.serviceUrl, topic: addressOf(topic), records: encoded, compression };
  expect(await real.python(CLIENT, request)).toEqual({ failures: [] });
};

const fill = (id: string): Written => ({ key: "k", value: JSON.stringify({ fill: { id }, account: "a-1" }) });

const FORM = plainRecords({
  ...{ type: "test.fill.v1", source: "/oms", contentType: "application/json", id: "fill.id", key: "account" },
});

interface Replica {
  readonly service: DistributionService;
  readonly broker: Broker;
}

async function started(ingress: IngressTopic, options = {}): Promise<Replica> {
  const { serviceUrl, adminUrl } = real.engine;
  const broker = await createPulsarBroker({ serviceUrl, adminUrl, topicRefreshMs: 500, ...options });
  const service = await createDistributionService({
    ...{
      broker,
      topics: [FILLS],
      ingress: [ingress],
      secret: new Uint8Array(32),
      logger: createLogger("test", "silent"),
    },
    service: { name: "test", version: "1.0.0", description: "Takes fills from Pulsar." },
    listen: { port: 0, grpcPort: 0, adminPort: 0 },
  });
  onTestFinished(async () => {
    await service.stop();
    await broker.close();
  });
  return { service, broker };
}

const until = (probe: () => Promise<unknown>, expected: unknown): Promise<void> =>
  vi.waitFor(async () => expect(await probe()).toEqual(expected), { timeout: 60_000, interval: 100 });

const idsOf = async (broker: Broker, prefix: string): Promise<string[]> =>
  (await logOf(broker, FILLS.name)).map(({ id }) => id).filter((id) => id.startsWith(prefix));

/** What of the topic became dead letters, with the reasons. */
const lettersOf = async (broker: Broker, topic: string) =>
  (await logOf(broker, "test.dead-letters"))
    .filter(({ key }) => key === `${addressOf(topic)}/0`)
    .map(({ data }) => JSON.parse(Buffer.from(data!).toString()) as { code: string; message: string; value: string });

describe("ingress from Pulsar", () => {
  test("a Python system's CloudEvents and plain JSON become events, and what is none a dead letter", {
    timeout: LONG_MS,
  }, async () => {
    await create("plain");
    await create("cloud");
    const plain = await started({ from: addressOf("plain"), into: FILLS.name, form: FORM });
    await write("plain", [fill("p1"), { value: "no JSON" }, fill("p2")], "zlib");
    await write("plain", [fill("p3")], "zstd");
    // As much, and as much alike, as takes every kind of copy.
    const many = Array.from({ length: 200 }, (_, at) => fill(`p${at + 4}${"-".repeat(at % 90)}`));
    await write("plain", many.slice(0, 100), "lz4");
    await write("plain", many.slice(100), "snappy");
    const ids = [
      "p1",
      "p2",
      "p3",
      ...many.map(({ value }) => (JSON.parse(String(value)) as { fill: { id: string } }).fill.id),
    ];
    await until(() => idsOf(plain.broker, "p"), ids);
    expect((await logOf(plain.broker, FILLS.name)).find(({ id }) => id === "p1")).toMatchObject({
      ...{ key: "a-1", source: "/oms", type: "test.fill.v1" },
    });
    await until(
      async () => (await lettersOf(plain.broker, "plain")).map(({ value }) => value),
      [Buffer.from("no JSON").toString("base64")],
    );
    await plain.service.stop();

    const { broker } = await started({ from: addressOf("cloud"), into: FILLS.name, form: "events" });
    const attributes = { "ce-specversion": "1.0", "ce-id": "c1", "ce-source": "/oms", "ce-type": "test.fill.v1" };
    const structured = { specversion: "1.0", id: "c2", source: "/oms", type: "test.fill.v1", data: { a: 1 } };
    await write("cloud", [
      { key: "k", value: "{}", headers: Object.entries({ ...attributes, "content-type": "application/json" }) },
      { value: JSON.stringify(structured), headers: [["content-type", "application/cloudevents+json"]] },
      { value: "of no form" },
    ]);
    await until(() => idsOf(broker, "c"), ["c1", "c2"]);
    expect((await logOf(broker, FILLS.name)).find(({ id }) => id === "c1")).toMatchObject({ key: "k" });
    await until(async () => (await lettersOf(broker, "cloud")).length, 1);
  });

  test("what unpacks to more than the bound is a dead letter with its reason, and what follows comes in", {
    timeout: LONG_MS,
  }, async () => {
    await create("bomb");
    const ingress = { from: addressOf("bomb"), into: FILLS.name, form: FORM };
    const { broker } = await started(ingress, { maxDecompressedBytes: 10_000 });
    await write("bomb", [{ value: "x".repeat(60_000) }], "zlib");
    await write("bomb", [fill("b1")]);
    await until(() => idsOf(broker, "b"), ["b1"]);
    const [letter] = await lettersOf(broker, "bomb");
    expect(letter!.message).toContain("maxDecompressedBytes is 10000");
  });

  test("protobuf of a schema that its writer registered becomes events by a mapping, and what is none a dead letter", {
    timeout: LONG_MS,
  }, async () => {
    await create("proto");
    const fields = [{ name: "venue", type: "string" }];
    const schema = { type: "record", name: "Trade", namespace: "venues", fields };
    const registered = await fetch(`${real.engine.adminUrl}/admin/v2/schemas/public/oms/proto/schema`, {
      ...{ method: "POST", headers: { "content-type": "application/json" } },
      body: JSON.stringify({ type: "PROTOBUF", schema: JSON.stringify(schema), properties: {} }),
    });
    expect(registered.ok, `${registered.status} ${await registered.text()}`).toBe(true);
    const message = messageOf("market_data.v1.NormalizedMarketDataEvent");
    const form = plainRecords({
      ...{ type: "test.trade.v1", source: "/venue", contentType: "application/protobuf", message },
      ...{ id: "trade.tradeId", key: "instrument" },
    });
    const { broker } = await started({ from: addressOf("proto"), into: FILLS.name, form });
    const trade = (tradeId: string): Uint8Array =>
      NormalizedMarketDataEvent.encode(
        NormalizedMarketDataEvent.fromPartial({ instrument: "v:s", payload: { $case: "trade", value: { tradeId } } }),
      ).finish();
    // A text of five bytes that ends after one.
    const cut = Buffer.of(0x0a, 5, 0x76);
    const values = [trade("t1"), cut, Buffer.of(), trade("t2")];
    await write(
      "proto",
      values.map((value) => ({ value })),
      "zlib",
    );
    await until(() => idsOf(broker, "t"), ["t1", "t2"]);
    const event = (await logOf(broker, FILLS.name)).find(({ id }) => id === "t2")!;
    expect(event).toMatchObject({ key: "v:s", source: "/venue", contentType: "application/protobuf" });
    expect(Buffer.from(event.data!).equals(trade("t2"))).toBe(true);
    const letters = await lettersOf(broker, "proto");
    expect(letters).toMatchObject([
      { code: "invalid_event", value: cut.toString("base64") },
      { code: "invalid_event", message: expect.stringContaining("value.trade.tradeId") as unknown },
    ]);
  });

  test("what is broken on the wire, or packed in a way that nobody knows, is a dead letter, and holds up nothing", {
    timeout: LONG_MS,
  }, async () => {
    await create("broken");
    const { broker } = await started({ from: addressOf("broken"), into: FILLS.name, form: FORM });
    await write("broken", [fill("w1")]);
    // A KeyValue that says it has nine bytes, and has three.
    const property = Buffer.concat([Buffer.of(0x0a, 9), bytes(1, "p")]);
    const endless = Buffer.concat([bytes(1, Buffer.of(0x0a, 9, 0x70)), bytes(2, "k")]);
    const text = (id: string): string => String(fill(id).value);
    const entries: RawEntry[] = [
      { payload: Buffer.concat([batched(text("w2")), batched(text("x1"), endless), batched(text("w3"))]), count: 3 },
      { payload: Buffer.concat([batched(text("w4")), batched(text("x2"), property)]), count: 2 },
      { payload: Buffer.from(text("x3")), metadata: Buffer.concat([number(8, 9), number(9, 64)]) },
      { payload: Buffer.from("not zlib's"), metadata: Buffer.concat([number(8, 2), number(9, 64)]) },
      { payload: batched(text("w5")).subarray(0, 9), count: 2 },
      { payload: Buffer.from(text("x4")), metadata: bytes(13, Buffer.concat([bytes(1, "key"), bytes(2, "secret")])) },
    ];
    await writeRaw(real.engine.serviceUrl, addressOf("broken"), entries);
    await write("broken", [fill("w6")]);
    await until(() => idsOf(broker, "w"), ["w1", "w2", "w3", "w4", "w6"]);
    const letters = await lettersOf(broker, "broken");
    const broken = "a value of 9 bytes that does not end";
    expect(letters.map(({ code, message }) => [code, message])).toEqual(
      [
        ...[broken, broken, "compression of number 9, which is not known", "cannot be decompressed"],
        ...["claims 2 messages, more than its bytes can hold", "is encrypted"],
      ].map((reason) => ["record_damaged", expect.stringContaining(reason)]),
    );
    // Its neighbours in the batch came in; of what cannot be taken apart at all the letter has the whole.
    const values = letters.map(({ value }) => Buffer.from(value, "base64").toString("latin1"));
    expect([values[0], values[3]]).toEqual([text("x1"), "not zlib's"]);
    expect(values[1]).toContain(text("x2"));
  });

  test("two replicas share the partitions; Pulsar is killed and one replica goes: every record comes in once, in order", {
    timeout: LONG_MS,
  }, async () => {
    await create("kill", 2);
    const ingress = { from: addressOf("kill"), into: FILLS.name, form: FORM };
    const one = await started(ingress);
    const two = await started(ingress);
    const ids = Array.from({ length: 400 }, (_, at) => `k${at}`);
    for (let at = 0; at < 400; at += 50) {
      await write("kill", ids.slice(at, at + 50).map(fill));
      if (at === 100) {
        await real.engine.kill();
        await real.engine.start();
      }
      if (at === 250) await one.service.stop();
    }
    // Python's client spreads what has a key by it: all are in one partition, in order.
    await until(() => idsOf(two.broker, "k"), ids);
    await vi.waitFor(() => expect(two.service.health.reasons()).toEqual([]), { timeout: 30_000 });
  });
});
