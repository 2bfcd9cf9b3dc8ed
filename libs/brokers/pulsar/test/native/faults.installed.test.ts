/** Faults on a real Pulsar through npm's `pulsar-client`, wherever that is installed. */
import { createPulsarBroker } from "@distribution/broker-pulsar";
import { createFaultProxy, type FaultProxy, type Pulsar, startPulsar } from "@distribution/brokers";
import type { Broker } from "@distribution/core/brokers";
import { batchOf, eventsOf, positionsOf, readEvents } from "@distribution/testkit/broker";
import { assertFaultless, createHistory } from "@distribution/testkit/history";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { loseReceipt } from "../support/lost-receipt.ts";
import { isInstalled } from "./installed.ts";

const START_MS = 200_000;
const LONG_MS = 120_000;

type Options = Partial<Parameters<typeof createPulsarBroker>[0]>;

const open = async ({ serviceUrl, adminUrl }: Pulsar, options: Options = {}): Promise<Broker> => {
  const broker = await createPulsarBroker({ serviceUrl, adminUrl, client: "native", ...options });
  onTestFinished(() => broker.close());
  return broker;
};

const ensure = (broker: Broker, name: string) =>
  broker.admin.ensureTopic({ name, partitions: 1, retention: {}, compaction: false });

const write = (broker: Broker, topic: string, id: string) =>
  broker.append([{ topic, partition: 0, batch: batchOf([{ id, key: "k" }]) }]);

const named = (count: number): string[] => Array.from({ length: count }, (_, at) => `e${at}`);

describe.skipIf(!isInstalled)("the native client", () => {
  let proxy: FaultProxy;
  let pulsar: Pulsar;
  beforeAll(async () => {
    proxy = await createFaultProxy();
    pulsar = await startPulsar({ proxy });
  }, START_MS);
  afterAll(async () => {
    await pulsar.remove();
    await proxy.close();
  });

  test("a process that is busy while its reader opens is given everything", { timeout: LONG_MS }, async () => {
    const broker = await open(pulsar);
    const topic = "native.busy";
    await ensure(broker, topic);
    for (const id of named(20)) await write(broker, topic, id);
    for (let round = 0; round < 5; round += 1) {
      const opening = broker.read(topic, 0, { at: "earliest" });
      const timer = setInterval(() => {
        const until = performance.now() + 40;
        while (performance.now() < until);
      }, 1);
      const reader = await opening;
      clearInterval(timer);
      expect((await readEvents(reader, 20)).map(({ id }) => id)).toEqual(named(20));
      await reader.close();
    }
  });

  test("an append whose receipt was lost is stored once, and its position is found", { timeout: LONG_MS }, async () => {
    await loseReceipt(await open(pulsar), proxy, "native.receipt");
  });

  test("connections that are cut under a tail, its publisher and a group lose and double nothing", {
    timeout: LONG_MS,
  }, async () => {
    const broker = await open(pulsar);
    const topic = "native.cut";
    await ensure(broker, topic);
    const history = createHistory();
    const tail = history.observer("the tail");
    const worked = history.observer("the group");
    const reader = await broker.read(topic, 0, { at: "earliest" });
    const member = await broker.group({ name: "workers", topics: [topic], from: "earliest", ackTimeoutMs: 60_000 });
    let seen = 0;
    let settled = 0;
    const following = (async () => {
      for (let batches = await reader.next(1 << 20); batches.length > 0; batches = await reader.next(1 << 20)) {
        for (const { id } of batches.flatMap(eventsOf)) {
          tail.saw(id);
          seen += 1;
        }
      }
    })();
    const working = (async () => {
      for (let batches = await member.next(20); batches.length > 0; batches = await member.next(20)) {
        for (const given of batches) {
          for (const { id } of eventsOf(given)) worked.saw(id);
          await member.ack(positionsOf(given));
          settled += given.batch.count;
        }
      }
    })();
    for (let round = 0; round < 5; round += 1) {
      for (let at = 0; at < 50; at += 1) {
        const id = `e${round}.${at}`;
        history.publish(id, "k");
        const writing = write(broker, topic, id);
        if (at === 20) proxy.cut();
        await writing;
        history.settle(id, "acknowledged");
      }
    }
    await expect.poll(() => [seen, settled], { timeout: 60_000 }).toEqual([250, 250]);
    await broker.close();
    await Promise.all([following, working]);
    assertFaultless(history.report());
  });

  test("a group's partition goes to the process that is left", { timeout: LONG_MS }, async () => {
    const [first, second] = [await open(pulsar), await open(pulsar)];
    const topic = "native.group";
    await ensure(first, topic);
    const options = { name: "workers", topics: [topic], from: "earliest", ackTimeoutMs: 30_000 } as const;
    const took: string[] = [];
    const work = async (broker: Broker): Promise<void> => {
      const member = await broker.group(options);
      for (let batches = await member.next(20); batches.length > 0; batches = await member.next(20)) {
        for (const given of batches) {
          await member.ack(positionsOf(given));
          took.push(...eventsOf(given).map(({ id }) => id));
        }
      }
    };
    const working = [work(first)];
    await write(second, topic, "e0");
    await expect.poll(() => took, { timeout: 30_000 }).toEqual(["e0"]);
    working.push(work(second));
    await write(second, topic, "e1");
    await expect.poll(() => took, { timeout: 30_000 }).toEqual(["e0", "e1"]);
    await first.close();
    await write(second, topic, "e2");
    await expect.poll(() => took, { timeout: 30_000 }).toEqual(named(3));
    await second.close();
    await Promise.all(working);
  });

  test("a reader that is slow is given everything, and holds up no other", { timeout: LONG_MS }, async () => {
    const broker = await open(pulsar, { readAheadBytes: 1024 });
    const topic = "native.slow";
    await ensure(broker, topic);
    for (const id of named(100)) await write(broker, topic, id);
    const slow = await broker.read(topic, 0, { at: "earliest" });
    for (const reader of [await broker.read(topic, 0, { at: "earliest" }), slow]) {
      expect((await readEvents(reader, 100)).map(({ id }) => id)).toEqual(named(100));
    }
  });

  test("Pulsar is killed and started again: health says so, and nothing is lost", { timeout: LONG_MS }, async () => {
    const broker = await open(pulsar);
    const topic = "native.kill";
    await ensure(broker, topic);
    await write(broker, topic, "e0");
    const reader = await broker.read(topic, 0, { at: "earliest" });
    await pulsar.kill();
    await expect.poll(() => broker.health().ready, { timeout: 20_000 }).toBe(false);
    const [writing] = [write(broker, topic, "e1"), await pulsar.start()];
    await writing;
    await expect.poll(() => broker.health(), { timeout: 60_000 }).toEqual({ ready: true, reasons: [] });
    expect((await readEvents(reader, 2)).map(({ id }) => id)).toEqual(named(2));
  });
});

describe.skipIf(!isInstalled)("the native client gets in", () => {
  const roundTrip = async (pulsar: Pulsar, options: Options): Promise<void> => {
    const broker = await open(pulsar, options);
    expect(broker.health()).toEqual({ ready: true, reasons: [] });
    await ensure(broker, "native.access");
    await write(broker, "native.access", "a");
    const reader = await broker.read("native.access", 0, { at: "earliest" });
    expect((await readEvents(reader, 1))[0]!.id).toBe("a");
  };

  test("with a token; a wrong one is one clear error", { timeout: LONG_MS }, async () => {
    await using pulsar = await startPulsar({ auth: true });
    const { token = "" } = pulsar;
    await roundTrip(pulsar, { token });
    const wrong = await open(pulsar, { token: `${token.slice(0, -6)}AAAAAA` });
    expect(wrong.health()).toMatchObject({ ready: false, reasons: [expect.stringContaining("token")] });
    await expect(write(wrong, "native.access", "b")).rejects.toMatchObject({
      ...{ code: "unavailable", message: expect.stringContaining("token") },
    });
  });

  test("over TLS, verified against its authority", { timeout: LONG_MS }, async () => {
    await using pulsar = await startPulsar({ tls: true });
    await roundTrip(pulsar, { tls: { ca: pulsar.certificates!.authority } });
    const stranger = await open(pulsar, { connectTimeoutMs: 2000 });
    expect(stranger.health().ready).toBe(false);
  });
});
