/** The port on npm's `pulsar-client`, on a Pulsar in memory; native.installed.test.ts has it on the real thing, where that is installed. */

import { systemRuntime } from "@distribution/core/runtime";
import { describeBrokerConformance } from "@distribution/testkit/broker";
import { describe, expect, onTestFinished, test } from "vitest";
import { composePulsarBroker, createPulsarBroker } from "../../src/broker.ts";
import { nativePortOn } from "../../src/native/port.ts";
import { received } from "../../src/native/properties.ts";
import { type PulsarBrokerOptions, settingsOf } from "../../src/options.ts";
import type { PortMessage, PortReader, PulsarPort } from "../../src/port.ts";
import { createTokenSource } from "../../src/token.ts";
import { FakePulsar } from "../fake/pulsar.ts";
import { createFakeNative, type FakeNative } from "./client.ts";
import { isInstalled } from "./installed.ts";

const openBroker = (pulsar: FakePulsar, native: FakeNative) => {
  const settings = settingsOf({ serviceUrl: "pulsar://127.0.0.1:1", adminUrl: pulsar.adminUrl });
  const token = createTokenSource(undefined);
  return composePulsarBroker(settings, nativePortOn(native, settings, token), token);
};

describeBrokerConformance(
  "the Pulsar broker by the native client, on a Pulsar in memory,",
  {
    async create() {
      const pulsar = await FakePulsar.start();
      const native = createFakeNative(pulsar);
      native.dropped = 1;
      let broker = await openBroker(pulsar, native);
      return {
        broker,
        async restart() {
          await broker.close();
          broker = await openBroker(pulsar, native);
          return broker;
        },
        async close() {
          await broker.close();
          await pulsar.stop();
        },
      };
    },
  },
  { quietMs: 500 },
);

interface Opened {
  readonly pulsar: FakePulsar;
  readonly native: FakeNative;
  readonly port: PulsarPort;
}

const TOPIC = "persistent://public/default/t-partition-0";
const PRODUCE = { topic: TOPIC, batches: false, compression: "zstd", timeoutMs: 1000 } as const;
const READ = { topic: TOPIC, queueBytes: 100_000, compacted: false } as const;

async function open(options: Partial<PulsarBrokerOptions> = {}): Promise<Opened> {
  const pulsar = await FakePulsar.start();
  const native = createFakeNative(pulsar);
  const settings = settingsOf({ serviceUrl: "pulsar://127.0.0.1:1", adminUrl: pulsar.adminUrl, ...options });
  const port = nativePortOn(native, settings, createTokenSource(settings.token));
  await fetch(`${pulsar.adminUrl}/admin/v2/persistent/public/default/t/partitions`, {
    ...{ method: "PUT", body: JSON.stringify({ partitions: 1 }) },
  });
  onTestFinished(async () => {
    await port.close();
    await pulsar.stop();
  });
  return { pulsar, native, port };
}

const message = (text: string, properties: Record<string, string> = {}) => ({ data: Buffer.from(text), properties });
const texts = (messages: readonly PortMessage[]): string[] => messages.map(({ data }) => Buffer.from(data).toString());

async function send(port: PulsarPort, from: number, count: number): Promise<void> {
  const producer = await port.produce(PRODUCE);
  for (let at = from; at < from + count; at += 1) await producer.send(message(`m${at}`));
  await producer.close();
}

async function readTexts(reader: PortReader, count: number): Promise<string[]> {
  const read: string[] = [];
  while (read.length < count) read.push(...texts(await reader.receive(1)));
  return read;
}

const named = (from: number, count: number): string[] => Array.from({ length: count }, (_, at) => `m${from + at}`);

describe("reading", () => {
  test("what the client drops before the reader is there is given", async () => {
    const { native, port } = await open();
    await send(port, 0, 5);
    native.dropped = 2;
    const reader = await port.read({ ...READ, from: { at: "earliest" } });
    expect(await readTexts(reader, 5)).toEqual(named(0, 5));
    await reader.close();
    expect(await reader.receive(1)).toEqual([]);
  });

  test("it goes back again when the client passed over what it counts as acknowledged", async () => {
    const { native, port, pulsar } = await open();
    await send(port, 0, 5);
    const opening = port.read({ ...READ, from: { at: "earliest" } });
    // Comes while the reader is at the end, and is in hand when it goes back.
    const entry = pulsar.log(TOPIC).store([message("m5")], false);
    native.inHand = { ...entry, batchIndex: -1, batchSize: 0 };
    pulsar.log(TOPIC).store([message("m6")], false);
    expect(await readTexts(await opening, 7)).toEqual(named(0, 7));
  });

  test("a reader that is not taken from holds up no other, and loses nothing", async () => {
    const { port } = await open();
    await send(port, 0, 60);
    const slow = await port.read({ ...READ, queueBytes: 1024, from: { at: "earliest" } });
    const other = await port.read({ ...READ, from: { at: "earliest" } });
    expect(await readTexts(other, 60)).toEqual(named(0, 60));
    expect(await readTexts(slow, 60)).toEqual(named(0, 60));
  });

  test("an entry that the client passed over is told, after what lies before it", async () => {
    const { port, pulsar } = await open();
    await send(port, 0, 3);
    const log = pulsar.log(TOPIC);
    log.compacted.add(log.ledgers[0]!.entries[1]!);
    const reader = await port.read({ ...READ, from: { at: "earliest" } });
    expect(await readTexts(reader, 1)).toEqual(["m0"]);
    const { id: ledger } = log.ledgers[0]!;
    await expect(reader.receive(1)).rejects.toMatchObject({ code: "damaged", entry: { ledger, entry: 1n } });
    const compacted = await port.read({ ...READ, compacted: true, from: { at: "earliest" } });
    expect(await readTexts(compacted, 2)).toEqual(["m0", "m2"]);
  });

  test("a topic that is deleted ends its readers", async () => {
    const { port, pulsar } = await open();
    const reader = await port.read({ ...READ, from: { at: "earliest" } });
    const log = pulsar.log(TOPIC);
    pulsar.topics.delete("t");
    log.delete();
    await expect(reader.receive(1)).rejects.toMatchObject({ code: "unknown_topic" });
    await expect(port.read({ ...READ, from: { at: "earliest" } })).rejects.toMatchObject({ code: "unknown_topic" });
  });
});

describe("producing", () => {
  test("a message that was confirmed without its place is found in the log", async () => {
    const { native, port } = await open();
    await send(port, 0, 3);
    const producer = await port.produce(PRODUCE);
    const places = [await producer.send(message("a"))];
    native.duplicates = 2;
    const other = await port.produce(PRODUCE);
    const found = [producer.send(message("b")), producer.send(message("c"))];
    await other.send(message("x"));
    places.push(...(await Promise.all(found)), await producer.send(message("d")));
    expect(places.map(({ entry }) => Number(entry))).toEqual([3, 4, 5, 7]);
    expect(native.configs.length).toBe(1);
  });

  test("of a topic that was terminated, the log says what is stored", async () => {
    const { native, port } = await open();
    const producer = await port.produce(PRODUCE);
    await producer.send(message("before"));
    native.failing = { result: "TopicTerminated", stored: true };
    const there = producer.send(message("there"));
    native.failing = { result: "TopicTerminated", stored: false };
    const nowhere = producer.send(message("nowhere"));
    expect(await there).toMatchObject({ entry: 1n });
    await expect(nowhere).rejects.toMatchObject({ code: "unknown_topic" });
    await producer.close();
  });

  test("of what fails for another reason, it does so as well, once the broker has given up what it was storing", async () => {
    let now = 0;
    const clock = { ...systemRuntime.clock, monotonicMs: () => now };
    const { native, port } = await open({ runtime: { ...systemRuntime, clock } });
    const producer = await port.produce(PRODUCE);
    native.failing = { result: "UnknownError", stored: true };
    expect(await producer.send(message("there"))).toMatchObject({ entry: 0n });
    native.failing = { result: "UnknownError", stored: false };
    const nowhere = [1, 2].map((at) => producer.send(message(`nowhere ${at}`)));
    const told = nowhere.map((one) => expect(one).rejects.toMatchObject({ code: "ended" }));
    await new Promise((resolve) => setImmediate(resolve));
    now = 30_000;
    await Promise.all(told);
    const given = expect(producer.send(message("open"))).rejects.toMatchObject({ code: "closed" });
    await producer.close();
    await given;
  });

  test("properties come back in their order and whole, and keys of control characters stay apart", async () => {
    const { port, pulsar } = await open();
    const properties = {
      "ce-zeta": "1",
      "ce-alpha": "two\0three",
      "ce-specversion": "1.0",
      "content-type": "text/plain",
    };
    const producer = await port.produce(PRODUCE);
    await producer.send({ ...message("odd", properties), key: "\0/a\0" + "1" });
    await producer.send({
      ...message("even", { "ce-specversion": "1.0", "ce-id": "i", "ce-source": "s", "ce-x": "" }),
    });
    const reader = await port.read({ ...READ, from: { at: "earliest" } });
    const [odd] = await reader.receive(1);
    const [even] = await reader.receive(1);
    expect(odd!.properties()).toEqual(Object.entries(properties));
    expect(odd!.key()).toBe("\x01/a\x01" + "1");
    expect(even!.properties().map(([name]) => name)).toEqual(["ce-specversion", "ce-id", "ce-source", "ce-x"]);
    expect(Object.keys(pulsar.log(TOPIC).ledgers[0]!.entries[1]!.messages[0]!.properties)).not.toContain(
      "distribution-properties",
    );
  });
});

test("a property of others that has the name of ours is one like any other", () => {
  const given = { "ce-id": "i", "distribution-properties": "no JSON" };
  expect(received(given)).toEqual(Object.entries(given));
});

describe("connecting", () => {
  test.skipIf(isInstalled)("where the client is not installed, the setting and the remedy are named", async () => {
    const options = { serviceUrl: "pulsar://127.0.0.1:1", adminUrl: "http://127.0.0.1:1" } as const;
    const remedy = expect.stringMatching(/npm install .*pulsar-client.* set client to protocol/);
    await expect(createPulsarBroker({ ...options, client: "native" })).rejects.toMatchObject({
      ...{ code: "invalid_request", errors: [{ path: "client", message: remedy }] },
    });
  });

  test("a token that is refused and one that cannot be read are told, and what any answer is does not matter", async () => {
    const { native, port } = await open({ token: { file: "/no/such/token" } });
    native.lookup = "TopicNotFound";
    expect(await port.ready()).toEqual({ maxMessageBytes: 5 * 1024 * 1024 });
    native.lookup = "TimeOut";
    await expect(port.ready()).rejects.toMatchObject({ message: expect.stringContaining("/no/such/token") });
    const other = await open({ token: "wrong" });
    other.native.lookup = "AuthenticationError";
    await expect(other.port.ready()).rejects.toMatchObject({ code: "refused" });
    other.native.lookup = undefined;
    other.pulsar.intercept = () => ({ status: 401, body: { reason: "no" } });
    await expect(other.port.ready()).rejects.toMatchObject({
      code: "refused",
      message: expect.stringContaining("token"),
    });
    expect(other.port.health()).toMatchObject({ connected: false, reason: expect.stringContaining("127.0.0.1:1") });
  });

  test("certificates are in files of this process, and gone with it", async () => {
    const { native, port } = await open({ serviceUrl: "pulsar+ssl://127.0.0.1:1", tls: { ca: "authority" } });
    const { tlsTrustCertsFilePath: file } = native.configs[0]!;
    const { existsSync, readFileSync, statSync } = await import("node:fs");
    expect(readFileSync(file as string, "utf8")).toBe("authority");
    expect(statSync(file as string).mode & 0o777).toBe(0o600);
    await port.close();
    expect(existsSync(file as string)).toBe(false);
  });
});
