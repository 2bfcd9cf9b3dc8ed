/** What networks do between us and Kafka: answers lost, connections cut, nothing passing, nobody there. */
import { createKafkaBroker } from "@distribution/broker-kafka";
import { createFaultProxy, startKafka } from "@distribution/brokers";
import type { Broker } from "@distribution/core/brokers";
import { batchOf, readEvents } from "@distribution/testkit/broker";
import { assertFaultless, createHistory } from "@distribution/testkit/history";
import { observeAll, startLoad, startTails } from "@distribution/testkit/load";
import { expect, test } from "vitest";

const PRODUCE = 0;
const isProduce = (request: Buffer): boolean => request.length > 6 && request.readInt16BE(4) === PRODUCE;

const ensure = (broker: Broker, name: string, partitions = 1): Promise<void> =>
  broker.admin.ensureTopic({ name, partitions, retention: {}, compaction: false });

const append = (broker: Broker, topic: string, id: string) =>
  broker.append([{ topic, partition: 0, batch: batchOf([{ id, key: "k" }]) }]);

/** All that is in the log now. */
const readIds = async (broker: Broker, topic: string): Promise<string[]> => {
  const [info] = await broker.admin.partitions(topic);
  const reader = await broker.read(topic, 0, { at: "earliest" });
  const ids: string[] = [];
  for (let at = info!.start; broker.compareOffsets(at, info!.end) < 0; ) {
    for (const { id, offset } of await readEvents(reader, 1, 1)) {
      ids.push(id);
      at = offset;
    }
  }
  await reader.close();
  return ids;
};

test("an append whose answer is lost is there once, before what follows it", async () => {
  await using proxy = await createFaultProxy();
  await using kafka = await startKafka({ proxy });
  const broker = await createKafkaBroker({ brokers: [kafka.bootstrap] });
  await ensure(broker, "faults.swallowed");
  await append(broker, "faults.swallowed", "warm");
  for (const round of [1, 2, 3]) {
    const swallowed = proxy.swallow(1, isProduce);
    const names = ["w", "a", "b", "c"].map((name) => `${name}${round}`);
    const first = append(broker, "faults.swallowed", names[0]!);
    await swallowed;
    const appended = await Promise.all([
      first,
      ...names.slice(1).map((name) => append(broker, "faults.swallowed", name)),
    ]);
    expect(new Set(appended.map(([one]) => one!.offsetAt(0))).size).toBe(4);
  }
  const expected = ["warm", ...[1, 2, 3].flatMap((round) => ["w", "a", "b", "c"].map((name) => `${name}${round}`))];
  expect(await readIds(broker, "faults.swallowed")).toEqual(expected);
  await broker.close();
});

test("after an append that was given up, its late arrival never comes behind what was appended later", async () => {
  await using proxy = await createFaultProxy();
  await using kafka = await startKafka({ proxy });
  const patient = await createKafkaBroker({ brokers: [kafka.bootstrap] });
  await ensure(patient, "faults.late");
  const broker = await createKafkaBroker({ brokers: [kafka.bootstrap], appendTimeoutMs: 400, requestTimeoutMs: 300 });
  const eventually = async (id: string): Promise<void> => {
    await append(broker, "faults.late", id).catch(async () => {
      await new Promise((resolve) => setImmediate(resolve));
      await eventually(id);
    });
  };
  await eventually("before");
  proxy.stall();
  await expect(append(broker, "faults.late", "given up")).rejects.toMatchObject({
    code: "unavailable",
    message: expect.stringContaining("appendTimeoutMs"),
  });
  proxy.flow();
  await eventually("later");
  const ids = await readIds(patient, "faults.late");
  expect(ids).toContain("before");
  expect(ids.slice(ids.indexOf("later"))).not.toContain("given up");
  await broker.close();
  await patient.close();
});

test("connections cut over and over under load cost nothing but time", async () => {
  await using proxy = await createFaultProxy();
  await using kafka = await startKafka({ proxy });
  const broker = await createKafkaBroker({ brokers: [kafka.bootstrap] });
  await ensure(broker, "faults.cut", 2);
  const history = createHistory();
  const tails = await startTails(broker, "faults.cut", 2, history.observer("the tail"));
  const load = startLoad(broker, history, { topic: "faults.cut", partitions: 2 });
  for (let cut = 0; cut < 10; cut += 1) {
    await load.more(60);
    proxy.cut();
  }
  await load.stop();
  await tails.finish();
  await observeAll(broker, "faults.cut", 2, history.observer("a reader from the beginning"));
  await broker.close();
  expect(load.refusals).toEqual([]);
  assertFaultless(history.report());
});

test("with nobody there at start it resolves, says why it is not ready, and goes on when somebody comes", async () => {
  await using proxy = await createFaultProxy();
  const broker = await createKafkaBroker({
    brokers: [`127.0.0.1:${proxy.port}`],
    connectTimeoutMs: 200,
    requestTimeoutMs: 500,
  });
  const { ready, reasons } = broker.health();
  expect({ ready, reasons }).toMatchObject({ ready: false, reasons: [expect.stringContaining("Kafka is away")] });
  await expect(broker.read("faults.late-start", 0, { at: "earliest" })).rejects.toMatchObject({ code: "unavailable" });
  await using kafka = await startKafka({ proxy });
  await expect.poll(() => broker.health().ready, { timeout: 30_000 }).toBe(true);
  await ensure(broker, "faults.late-start");
  await append(broker, "faults.late-start", "a");
  expect(await readIds(broker, "faults.late-start")).toEqual(["a"]);
  await broker.close();
  await kafka.stop();
});
