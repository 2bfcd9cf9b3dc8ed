/** Appends that are refused while a part of them is in the log, or may be, on a Pulsar in memory. */
import { type Appended, AppendUnsettled, type Stored } from "@distribution/core/brokers";
import { batchOf, logOf } from "@distribution/testkit/broker";
import { expect, test } from "vitest";
import { MOST_IN_FLIGHT } from "../src/append/writer.ts";
import { PortError } from "../src/port.ts";
import { open, put, TOPIC } from "./fake/support.ts";

const away = () => new PortError("unavailable", "it is away");

const failureOf = (append: Promise<unknown>): Promise<unknown> =>
  append.then(
    () => undefined,
    (error: unknown) => error,
  );

/** What became of it: of each write, whether it is in the log. */
const settled = async (append: Promise<unknown>): Promise<readonly (Stored | undefined)[]> => {
  const failure = await failureOf(append);
  if (!(failure instanceof AppendUnsettled)) throw failure;
  return failure.settled;
};

const writesOf = (id: string) =>
  [0, 1].map((partition) => ({ topic: TOPIC, partition, batch: batchOf([{ id, key: `k${partition}` }]) }));

const idsIn = async (fake: Awaited<ReturnType<typeof open>>, partition = 0): Promise<string[]> =>
  (await logOf(fake.broker, TOPIC, partition)).map(({ id }) => id);

test("what was sent and is not confirmed goes on; what waits behind it is refused and nowhere", async () => {
  const fake = await open({ appendTimeoutMs: 100 });
  await put(fake.broker, ["first"]);
  const { promise, resolve } = Promise.withResolvers<void>();
  fake.port.hold = promise;
  const names = Array.from({ length: MOST_IN_FLIGHT }, (_, at) => `sent ${at}`);
  const sent: Promise<unknown>[] = [];
  for (const name of names) {
    sent.push(put(fake.broker, [name]));
    // Each in a message of its own.
    await new Promise((done) => setImmediate(done));
  }
  const waiting = put(fake.broker, ["waits"]);
  const refused = await Promise.all(sent.map(failureOf));
  for (const failure of refused) expect(failure).toBeInstanceOf(AppendUnsettled);
  expect(refused[0]).toMatchObject({ code: "unavailable", message: expect.stringContaining(`${TOPIC}/0`) });
  expect(await failureOf(waiting)).not.toBeInstanceOf(AppendUnsettled);
  const behind = await failureOf(put(fake.broker, ["c"]));
  expect(behind).toMatchObject({ code: "unavailable", message: expect.stringContaining("has not answered for") });
  expect(behind).not.toBeInstanceOf(AppendUnsettled);
  const inDoubt = `${MOST_IN_FLIGHT} refused appends may be in the log: Pulsar does not answer.`;
  expect(fake.broker.health().reasons).toEqual([inDoubt]);
  fake.port.hold = undefined;
  resolve();
  const [stored] = await settled(sent[0]!);
  expect(stored!.has(0)).toBe(true);
  for (const one of sent) await settled(one);
  await put(fake.broker, ["last"]);
  expect(fake.broker.health().reasons).toEqual([]);
  expect(await idsIn(fake)).toEqual(["first", ...names, "last"]);
});

test("an append of which one partition has its part goes on with the other when that can be reached again", async () => {
  const fake = await open({ appendTimeoutMs: 1000 }, { partitions: 2 });
  fake.port.failProduce = (url) => (url.endsWith("-1") ? away() : undefined);
  const { promise, resolve } = Promise.withResolvers<void>();
  fake.port.hold = promise;
  await failureOf(put(fake.broker, ["opens the other"], 1));
  fake.port.hold = undefined;
  await put(fake.broker, ["first"]);
  fake.port.hold = promise;
  const both = fake.broker.append(writesOf("both"));
  await expect(both).rejects.toMatchObject({ code: "unavailable", message: expect.stringContaining("it is away") });
  fake.port.failProduce = () => undefined;
  fake.port.hold = undefined;
  resolve();
  expect((await settled(both)).map((stored) => stored?.has(0))).toEqual([true, true]);
  expect([await idsIn(fake, 0), await idsIn(fake, 1)]).toEqual([["first", "both"], ["both"]]);
});

test("of an append that one partition refuses for good, it is told which part is in the log", async () => {
  const fake = await open({}, { partitions: 2 });
  for (const partition of [0, 1]) await put(fake.broker, ["warm"], partition);
  fake.port.failMessage = ({ key }) => (key === "k1" ? new PortError("full", "because") : undefined);
  const both = fake.broker.append(writesOf("both"));
  await expect(both).rejects.toMatchObject({ code: "storage_full" });
  expect((await settled(both)).map((stored) => stored?.has(0))).toEqual([true, undefined]);
  expect([await idsIn(fake, 0), await idsIn(fake, 1)]).toEqual([["warm", "both"], ["warm"]]);
});

test("of events in messages of their own, it is told which are in the log", async () => {
  const fake = await open({ recordsOf: () => "cloudevents" });
  fake.port.failMessage = ({ key }) => (key === "b" ? new PortError("too_large", "because") : undefined);
  const append = put(fake.broker, ["a", "b", "c"]);
  await expect(append).rejects.toMatchObject({ code: "batch_too_large" });
  const [stored] = await settled(append);
  expect([0, 1, 2].map((at) => stored!.has(at))).toEqual([true, false, true]);
  const read = await fake.broker.read(TOPIC, 0, { at: "earliest" });
  const batches = await read.next(1 << 20);
  expect([batches[0]!.offsetAt(0), (batches[1] ?? batches[0])!.offsetAt(batches.length > 1 ? 0 : 1)]).toEqual([
    stored!.offsetAt(0),
    stored!.offsetAt(2),
  ]);
  expect(await idsIn(fake)).toEqual(["a", "c"]);
  fake.port.failMessage = () => new PortError("too_large", "because");
  expect(await failureOf(put(fake.broker, ["d", "e"]))).not.toBeInstanceOf(AppendUnsettled);
  fake.port.failMessage = ({ key }) => (key === "g" ? away() : undefined);
  const unknown = await failureOf(put(fake.broker, ["f", "g"]));
  expect(unknown).toBeInstanceOf(AppendUnsettled);
  expect(await idsIn(fake)).toEqual(["a", "c", "f"]);
});

test("what is stored is told when its epoch can be asked for again", async () => {
  const fake = await open({ appendTimeoutMs: 200 });
  const answers: Promise<readonly Appended[]>[] = [];
  for (const form of ["packed", "cloudevents"] as const) {
    const { broker } = await fake.another({ recordsOf: () => form });
    await broker.admin.partitions(TOPIC);
    fake.pulsar.intercept = () => ({ status: 503, body: { reason: "not now" } });
    const append = broker.append([{ topic: TOPIC, partition: 0, batch: batchOf([{ id: form, key: "k" }]) }]);
    answers.push(append);
    expect(await failureOf(append)).toBeInstanceOf(AppendUnsettled);
    fake.pulsar.intercept = () => undefined;
    const [stored] = await settled(append);
    expect(stored!.has(0)).toBe(true);
  }
  expect(await idsIn(fake)).toEqual(["packed", "cloudevents"]);
});

test("a topic that is deleted meanwhile has nothing of it", async () => {
  const fake = await open({ appendTimeoutMs: 100 });
  await put(fake.broker, ["first"]);
  fake.port.hold = new Promise(() => undefined);
  const append = put(fake.broker, ["a"]);
  expect(await failureOf(append)).toBeInstanceOf(AppendUnsettled);
  await fake.broker.admin.deleteTopic(TOPIC);
  expect(await settled(append)).toEqual([undefined]);
});

test("a broker that is closed tells no more of what is not settled, and does not wait for it", async () => {
  const fake = await open({ appendTimeoutMs: 100 });
  await put(fake.broker, ["first"]);
  fake.port.hold = new Promise(() => undefined);
  const append = put(fake.broker, ["a"]);
  expect(await failureOf(append)).toBeInstanceOf(AppendUnsettled);
  await fake.broker.close();
});
