/** Topics that others write to on a real Pulsar: what lies in them, who has which partition, and what is kept until it is settled. */
import { createPulsarBroker } from "@distribution/broker-pulsar";
import { type Pulsar, startPulsar } from "@distribution/brokers";
import type { Broker, ForeignPartition, ForeignRecord, ForeignTopics, ReadFrom } from "@distribution/core/brokers";
import { connectPulsar, type PulsarClient } from "@distribution/pulsar-protocol";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";

const START_MS = 200_000;
const LONG_MS = 120_000;

let pulsar: Pulsar;
let others: PulsarClient;
beforeAll(async () => {
  // Nothing is kept that every subscription has let go of: Pulsar's default. Looked at every second; the same for what was
  // acknowledged within a second after something else, which Pulsar keeps in memory for a minute first.
  const properties = { retentionCheckIntervalInSeconds: 1, managedLedgerCursorPositionFlushSeconds: 1 };
  pulsar = await startPulsar({ properties });
  others = connectPulsar({ serviceUrl: pulsar.serviceUrl });
}, START_MS);
afterAll(async () => {
  await others.close();
  await pulsar.remove();
});

const open = async (options = {}): Promise<Broker & { readonly foreign: ForeignTopics }> => {
  const { serviceUrl, adminUrl } = pulsar;
  const broker = await createPulsarBroker({ serviceUrl, adminUrl, topicRefreshMs: 200, ...options });
  onTestFinished(() => broker.close());
  return broker as Broker & { readonly foreign: ForeignTopics };
};

const api = async (method: string, path: string, body?: unknown): Promise<unknown> => {
  const answer = await fetch(`${pulsar.adminUrl}/admin/v2/persistent/public/default/${path}`, {
    method,
    headers: { "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  expect(answer.ok, `${method} ${path}: ${answer.status}`).toBe(true);
  const text = await answer.text();
  return text === "" ? undefined : JSON.parse(text);
};

let topics = 0;
/** As others make theirs; without partitions by default. */
const topicOf = async (partitions = 0): Promise<string> => {
  topics += 1;
  const name = `Others_${topics}`;
  await (partitions === 0 ? api("PUT", name) : api("PUT", `${name}/partitions`, partitions));
  return name;
};

const write = async (topic: string, texts: readonly string[], options = {}): Promise<void> => {
  const producer = await others.createProducer({ topic: `persistent://public/default/${topic}`, ...options });
  await Promise.all(texts.map((text) => producer.send({ data: Buffer.from(text), key: "k", properties: { p: text } })));
  await producer.close();
};

const textOf = ({ value, damage }: ForeignRecord): string => damage ?? Buffer.from(value ?? []).toString();

/** As many records, and where the last one is. */
async function read(broker: Broker, topic: string, count: number, from: ReadFrom = { at: "earliest" }) {
  const reader = await broker.foreign!.read(topic, 0, from);
  const records: ForeignRecord[] = [];
  while (records.length < count) {
    const some = await reader.next(count - records.length);
    expect(some.length, "empty is closed").toBeGreaterThan(0);
    records.push(...some);
  }
  await reader.close();
  return records;
}

/** A member that takes partitions, and lets go of them when it is asked to. */
async function join(broker: Broker, topic: string, name = topic) {
  const owned = new Map<number, ForeignPartition>();
  const member = await broker.foreign!.join({
    name,
    topics: [topic],
    own(partition) {
      owned.set(partition.partition, partition);
      return new Promise((resolve) => {
        partition.ending.addEventListener("abort", () => {
          if (owned.get(partition.partition) === partition) owned.delete(partition.partition);
          resolve();
        });
      });
    },
  });
  onTestFinished(() => member.close());
  return { owned, member };
}

const has = (owned: ReadonlyMap<number, unknown>, partition = 0) =>
  expect.poll(() => owned.has(partition), { timeout: 30_000 }).toBe(true);

describe("what others wrote", () => {
  test("is given as it lies there, message by message, from any of them on: alone, in batches, compressed", async () => {
    const broker = await open();
    const topic = await topicOf();
    await write(topic, ["alone"], { batching: "none" });
    await write(topic, ["b1", "b2", "b3"], { compression: "zlib" });
    await write(topic, ["c1", "c2"], { compression: "zstd" });
    const all = ["alone", "b1", "b2", "b3", "c1", "c2"];
    const records = await read(broker, topic, 6);
    expect(records.map(textOf)).toEqual(all);
    const [first] = records;
    expect(Buffer.from(first!.key!).toString()).toBe("k");
    expect(first!.headers.map(([header, value]) => [header, Buffer.from(value).toString()])).toEqual([["p", "alone"]]);
    expect(Math.abs(Number(first!.time / 1_000_000n) - Date.now())).toBeLessThan(600_000);
    expect(() => first!.events()).toThrow(expect.objectContaining({ code: "invalid_event" }));
    for (const [at, { epoch, offset }] of records.slice(0, -1).entries()) {
      const after = await read(broker, topic, 5 - at, { after: { epoch, offset } });
      expect(after.map(textOf)).toEqual(all.slice(at + 1));
      expect(broker.compareOffsets(offset, records[at + 1]!.offset)).toBeLessThan(0);
    }
    const latest = await broker.foreign.read(topic, 0, { at: "latest" });
    await write(topic, ["new"]);
    expect((await latest.next(10)).map(textOf)).toEqual(["new"]);
    const again = await read(broker, topic, 1, { after: latest.start });
    expect(again.map(textOf)).toEqual(["new"]);
    await latest.close();
    expect(await latest.next(1)).toEqual([]);
  });

  test("is known by partitions, by address in other namespaces, and as unknown", async () => {
    const broker = await open({ namespace: "of-the-service" });
    const topic = await topicOf(3);
    expect(await broker.foreign.partitions(`persistent://public/default/${topic}`)).toBe(3);
    await expect(broker.foreign.partitions(topic)).rejects.toMatchObject({ code: "unknown_topic" });
    await expect(broker.foreign.partitions("a/b")).rejects.toMatchObject({ code: "invalid_request" });
    const bad = broker.foreign.read(`persistent://public/default/${topic}`, 3, { at: "earliest" });
    await expect(bad).rejects.toMatchObject({ code: "invalid_request" });
  });

  test("is one record with its damage and its bytes when it unpacks to more than the bound, and reading goes on", async () => {
    const broker = await open({ maxDecompressedBytes: 10_000 });
    const topic = await topicOf();
    await write(topic, ["before"]);
    await write(topic, ["x".repeat(6000), "y".repeat(6000)], { compression: "zlib" });
    await write(topic, ["after"]);
    const records = await read(broker, topic, 3);
    expect(records.map(textOf)).toEqual(["before", expect.stringContaining("maxDecompressedBytes is 10000"), "after"]);
    const { epoch, offset, value } = records[1]!;
    expect(value!.length).toBeGreaterThan(10);
    expect(value!.length).toBeLessThan(1000);
    expect(() => records[1]!.events()).toThrow("maxDecompressedBytes");
    expect((await read(broker, topic, 1, { after: { epoch, offset } })).map(textOf)).toEqual(["after"]);
    const place = { epoch: records[0]!.epoch, offset: records[0]!.offset };
    expect(await read(broker, topic, 1, { after: place })).toMatchObject([{ offset }]);
  });

  test("is of another epoch when the topic was deleted and created again", { timeout: LONG_MS }, async () => {
    const broker = await open();
    const topic = await topicOf();
    await write(topic, ["old"]);
    const [old] = await read(broker, topic, 1);
    const reader = await broker.foreign.read(topic, 0, { after: old! });
    await api("DELETE", `${topic}?force=true`);
    await api("PUT", topic);
    await write(topic, ["new"]);
    await expect(reader.next(1)).rejects.toMatchObject({ code: expect.stringMatching(/position_gone|unknown_topic/) });
    await expect(broker.foreign.read(topic, 0, { after: old! })).rejects.toMatchObject({ code: "position_gone" });
    expect((await read(broker, topic, 1))[0]!.epoch).not.toBe(old!.epoch);
  });
});

describe("a group on topics of others", () => {
  test("holds what is not settled, lets go of the rest, and goes on where another process was", {
    timeout: LONG_MS,
  }, async () => {
    const [broker, other] = [await open(), await open()];
    const topic = await topicOf();
    const a = await join(broker, topic);
    await has(a.owned);
    const given = a.owned.get(0)!;
    expect(given).toMatchObject({ topic, partition: 0, progress: undefined, begun: false });
    // Before anything was written, and over a restart: its first place is none that could be gone.
    const empty = await broker.foreign.read(topic, 0, { at: "earliest" });
    await given.settle({ ...empty.start, note: "" });
    await empty.close();
    for (const text of ["1", "2", "3"]) {
      await write(topic, [text, `${text}'`], { batching: "none" });
      await api("PUT", `${topic}/unload`);
    }
    const records = await read(broker, topic, 6, { after: empty.start });
    expect(records.map(textOf)).toEqual(["1", "1'", "2", "2'", "3", "3'"]);
    const { epoch, offset } = records[3]!;
    await given.settle({ epoch, offset, note: "begun 1.2.3 4" });
    const oldest = async (): Promise<string> => {
      const reader = await broker.foreign.read(topic, 0, { at: "earliest" });
      await reader.close();
      return reader.start.offset;
    };
    const goneUpTo = (at: number) => async () => broker.compareOffsets(await oldest(), records[at]!.offset) > 0;
    // Settled while the topic was being moved: it is let go of once it is there again, by itself.
    await expect.poll(goneUpTo(1), { timeout: 30_000 }).toBe(true);
    expect(await goneUpTo(3)(), "what goes on behind it is told by its ledger").toBe(false);

    const b = await join(other, topic);
    await a.member.close();
    await expect(given.settle({ epoch, offset, note: "" })).rejects.toMatchObject({ code: "unavailable" });
    await has(b.owned);
    const taken = b.owned.get(0)!;
    expect(taken).toMatchObject({ progress: { epoch, offset, note: "begun 1.2.3 4" }, begun: false });
    expect((await read(other, topic, 2, { after: taken.progress! })).map(textOf)).toEqual(["3", "3'"]);
    const next = { epoch, offset: records[4]!.offset };
    await taken.settle({ ...next, note: "" });
    await expect.poll(goneUpTo(3), { timeout: 30_000, message: "the first of its ledger: those before go" }).toBe(true);
    for (const bad of [{ note: "ä" }, { note: "x".repeat(201) }, { offset: "7" }]) {
      const refused = taken.settle({ epoch, offset, note: "", ...bad });
      await expect(refused).rejects.toMatchObject({ code: "invalid_request" });
    }
  });

  test("passes a partition on when its member is done with it, and shares those that are added", {
    timeout: LONG_MS,
  }, async () => {
    const [broker, other] = [await open(), await open()];
    const topic = await topicOf(2);
    const a = await join(broker, topic);
    await Promise.all([has(a.owned, 0), has(a.owned, 1)]);
    const { start } = await broker.foreign.read(topic, 1, { at: "latest" });
    for (const [partition, given] of a.owned) await given.settle({ ...start, note: `of ${partition}` });
    const b = await join(other, topic);
    await expect.poll(() => [a.owned.size, b.owned.size], { timeout: 30_000 }).toEqual([1, 1]);
    await api("POST", `${topic}/partitions`, 4);
    await expect.poll(() => a.owned.size + b.owned.size, { timeout: 30_000 }).toBe(4);
    const all = new Map([...a.owned, ...b.owned]);
    const [passed] = [...b.owned.keys()].filter((partition) => partition < 2);
    expect(b.owned.get(passed!)).toMatchObject({ progress: { note: `of ${passed}` }, begun: false });
    expect([2, 3].map((partition) => all.get(partition)!)).toMatchObject([
      { progress: undefined, begun: true },
      { progress: undefined, begun: true },
    ]);
    await b.member.close();
    await expect.poll(() => a.owned.size, { timeout: 30_000 }).toBe(4);
  });

  test("loses what is no longer there, and waits for a topic until it is", { timeout: LONG_MS }, async () => {
    const broker = await open();
    const a = await join(broker, "Others_later");
    expect(a.owned.size).toBe(0);
    await api("PUT", "Others_later");
    await has(a.owned);
    const lost = a.owned.get(0)!;
    await api("DELETE", "Others_later?force=true");
    await expect.poll(() => lost.ending.aborted, { timeout: 30_000 }).toBe(true);
    await expect(lost.settle({ epoch: "e", offset: "1.1.1", note: "" })).rejects.toMatchObject({ code: "unavailable" });
    await api("PUT", "Others_later");
    await has(a.owned);
    expect(a.owned.get(0)!.progress).toBeUndefined();
  });

  test("goes on over a kill of Pulsar with what was settled", { timeout: LONG_MS }, async () => {
    const broker = await open();
    const topic = await topicOf();
    await write(topic, ["1", "2"], { batching: "none" });
    const a = await join(broker, topic);
    await has(a.owned);
    const [first] = await read(broker, topic, 1);
    await a.owned.get(0)!.settle({ epoch: first!.epoch, offset: first!.offset, note: "kept" });
    await pulsar.kill();
    await pulsar.start();
    await expect.poll(() => broker.health().ready, { timeout: 30_000 }).toBe(true);
    await has(a.owned);
    expect((await read(broker, topic, 1, { after: first! })).map(textOf)).toEqual(["2"]);
    await a.member.close();
    const b = await join(broker, topic);
    await has(b.owned);
    expect(b.owned.get(0)!.progress).toMatchObject({ offset: first!.offset, note: "kept" });
  });
});
