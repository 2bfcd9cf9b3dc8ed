import { describe, expect, it } from "vitest";
import type { Broker, PartitionWrite } from "../../src/brokers/contract.ts";
import { DistributionError } from "../../src/errors.ts";
import { createTokenCodec, cursorsTopic, openCursors } from "../../src/qos/index.ts";
import { Ledger } from "../../src/qos/ledger.ts";
import { systemRuntime } from "../../src/runtime/index.ts";
import { createSealer } from "../../src/security/index.ts";
import { createRecorder, openEmbedded, openSimulated } from "../tail/support.ts";

const TOPIC = cursorsTopic("test");
const at = (offset: number) => [{ topic: "t", partition: 0, epoch: "e", offset: String(offset) }];

async function openTimed(more = {}) {
  const { runtime, broker } = openSimulated();
  await broker.admin.ensureTopic(TOPIC);
  const logger = createRecorder();
  const options = { broker, topic: TOPIC, runtime, logger, service: "test", ...more };
  const cursors = await openCursors(options);
  const appended = async () => (await broker.admin.partitions(TOPIC.name))[0]!.events;
  return { runtime, broker, logger, cursors, appended, reopen: () => openCursors(options) };
}

/** Behind a broker that refuses larger batches; `onBatch` is told what each batch measures. */
async function openBounded(maxBatchBytes: number, onBatch: (bytes: number) => void = () => undefined) {
  const { runtime, broker: inner } = openSimulated();
  await inner.admin.ensureTopic(TOPIC);
  const logger = createRecorder();
  const broker: Broker = {
    ...inner,
    capabilities: { ...inner.capabilities, maxBatchBytes },
    async append(writes) {
      const [{ batch }] = writes as [PartitionWrite];
      onBatch(batch.bytes.length);
      if (batch.bytes.length > maxBatchBytes) throw new DistributionError("batch_too_large", "too large");
      return inner.append(writes);
    },
  };
  const options = { broker, topic: TOPIC, runtime, logger, service: "test" };
  return { runtime, logger, cursors: await openCursors(options), reopen: () => openCursors(options) };
}

/** A position that takes this many bytes. */
const large = (offset: number, bytes: number) => [{ ...at(offset)[0]!, epoch: "e".repeat(bytes) }];

describe("durable cursors", () => {
  it("are what was saved last for each name, also for the next to open them", async () => {
    const broker = await openEmbedded();
    await broker.admin.ensureTopic(TOPIC);
    const options = { broker, topic: TOPIC, runtime: systemRuntime, logger: createRecorder(), service: "test" };
    const cursors = await openCursors(options);
    expect(cursors.load("a")).toBeUndefined();
    cursors.save("a", at(1));
    cursors.save("b", at(2));
    await cursors.flush();
    cursors.save("a", at(3));
    expect(cursors.load("a")).toEqual(at(3));
    await cursors.close();
    const again = await openCursors(options);
    expect([again.load("a"), again.load("b"), again.load("c")]).toEqual([at(3), at(2), undefined]);
    await again.close();
  });

  it("that are forgotten are as if they had never been, also for the next to open them, until they are saved again", async () => {
    const broker = await openEmbedded();
    await broker.admin.ensureTopic(TOPIC);
    const options = { broker, topic: TOPIC, runtime: systemRuntime, logger: createRecorder(), service: "test" };
    const cursors = await openCursors(options);
    cursors.forget("never");
    cursors.save("a", at(1));
    await cursors.flush();
    cursors.forget("a");
    expect(cursors.load("a")).toBeUndefined();
    cursors.forget("a");
    await cursors.flush();
    expect((await broker.admin.partitions(TOPIC.name))[0]!.events).toBe(2);
    const again = await openCursors(options);
    expect(again.load("a")).toBeUndefined();
    again.save("a", at(3));
    await again.close();
    await broker.admin.maintain();
    const third = await openCursors(options);
    expect(third.load("a")).toEqual(at(3));
    await Promise.all([third.close(), cursors.close()]);
  });

  it("are written together, once a second at most, however often they are saved", async () => {
    const { runtime, cursors, appended } = await openTimed();
    for (let offset = 0; offset < 100; offset += 1) cursors.save("a", at(offset));
    cursors.save("b", at(1));
    await runtime.run(999);
    expect(await appended()).toBe(0);
    await runtime.run(10);
    expect(await appended()).toBe(2);
    await runtime.run(10_000);
    expect(await appended()).toBe(2);
  });

  it("that could not be written are tried again, with what was saved since", async () => {
    const { runtime, broker, logger, cursors, reopen } = await openTimed();
    broker.faults = {
      ...broker.faults,
      failure: (operation) => (operation === "append" ? new DistributionError("unavailable", "away") : undefined),
    };
    cursors.save("a", at(1));
    await runtime.run(2_500);
    expect(logger.lines.map(({ level }) => level)).toEqual(["warn", "warn"]);
    cursors.save("a", at(2));
    broker.faults = { ...broker.faults, failure: () => undefined };
    await runtime.run(1_100);
    expect((await reopen()).load("a")).toEqual(at(2));
  });

  it("are written in several batches when one would be over the broker's bound, and each is saved", async () => {
    const sizes: number[] = [];
    const { cursors, runtime, reopen } = await openBounded(1_000, (bytes) => void sizes.push(bytes));
    for (let name = 0; name < 100; name += 1) cursors.save(`n${name}`, at(name));
    await runtime.run(1_100);
    expect(sizes.length).toBeGreaterThan(10);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(1_000);
    const again = await reopen();
    for (let name = 0; name < 100; name += 1) expect(again.load(`n${name}`)).toEqual(at(name));
    await runtime.run(10_000);
    expect(sizes.length).toBeLessThan(30);
  });

  it("are written at most 1 MiB at a time, whatever the broker takes", async () => {
    const sizes: number[] = [];
    const { cursors, runtime } = await openBounded(64 * 1024 * 1024, (bytes) => void sizes.push(bytes));
    for (let name = 0; name < 5; name += 1) cursors.save(`n${name}`, large(name, 300 * 1024));
    await runtime.run(1_100);
    expect(sizes).toHaveLength(2);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(1024 * 1024);
  });

  it("that alone are over the bound keep no others from being saved", async () => {
    const { cursors, runtime, logger, reopen } = await openBounded(1_000);
    cursors.save("a", at(1));
    cursors.save("b", large(1, 2_000));
    cursors.save("c", at(1));
    await runtime.run(1_100);
    expect(logger.lines.map(({ fields }) => (fields as { names: number }).names)).toEqual([1]);
    const again = await reopen();
    expect([again.load("a"), again.load("b"), again.load("c")]).toEqual([at(1), undefined, at(1)]);
    cursors.save("b", at(2));
    await runtime.run(1_100);
    expect((await reopen()).load("b")).toEqual(at(2));
    expect(logger.lines).toHaveLength(1);
  });

  it("that cannot be encoded keep no others from being saved, now or later, and reject nothing", async () => {
    const { runtime, cursors, logger, reopen } = await openTimed();
    cursors.save("bad", [{ ...at(1)[0]!, partition: 1n as never }]);
    cursors.save("good", at(1));
    await runtime.run(1_100);
    cursors.save("later", at(2));
    await runtime.run(1_100);
    expect(logger.lines.map(({ level }) => level)).toEqual(["warn", "warn"]);
    const again = await reopen();
    expect([again.load("bad"), again.load("good"), again.load("later")]).toEqual([undefined, at(1), at(2)]);
    const closed = cursors.close();
    await runtime.run(10);
    await closed;
  });

  it("that are saved while they are being written are written once more, with the newest", async () => {
    const { runtime, broker, cursors, appended, reopen } = await openTimed();
    broker.faults = { ...broker.faults, appendDelay: () => 500 };
    cursors.save("a", at(1));
    await runtime.run(1_100);
    cursors.save("a", at(2));
    await runtime.run(5_000);
    expect(await appended()).toBe(2);
    expect((await reopen()).load("a")).toEqual(at(2));
  });

  it("that did not move are not written again", async () => {
    const { runtime, cursors, appended } = await openTimed();
    const places = (offset: number) => [...at(1), { ...at(offset)[0]!, partition: 1 }];
    cursors.save("a", places(1));
    await runtime.run(1_100);
    cursors.save("a", places(1));
    await runtime.run(1_100);
    expect(await appended()).toBe(1);
    for (const moved of [places(2), at(1), [], at(2), [{ ...at(2)[0]!, epoch: "f" }]]) cursors.save("a", moved);
    await runtime.run(1_100);
    expect(await appended()).toBe(2);
  });

  it("are as many names of one identity as there may be, also after a restart; others and known names go on", async () => {
    const { runtime, cursors, reopen } = await openTimed({ maxNamesPerIdentity: 2 });
    const refused = expect.objectContaining({ code: "limit_exceeded", message: expect.stringContaining("reuse") });
    cursors.save("me/a", at(1));
    cursors.save("me/b/c", at(1));
    expect(() => cursors.save("me/d", at(1))).toThrow(refused);
    cursors.save("me/a", at(2));
    cursors.save("you/a", at(1));
    await runtime.run(1_100);
    const again = await reopen();
    expect(() => again.save("me/d", at(1))).toThrow(refused);
    again.save("you/b", at(1));
    expect(() => again.save("you/c", at(1))).toThrow(refused);
  });

  it("make room for another name when one is forgotten, as often as an identity may have names, also after a restart", async () => {
    const { runtime, cursors, reopen } = await openTimed({ maxNamesPerIdentity: 2 });
    for (const name of ["a", "b"]) {
      cursors.save(`me/${name}`, at(1));
      cursors.forget(`me/${name}`);
    }
    cursors.save("me/c", at(1));
    const refused = expect.objectContaining({
      code: "limit_exceeded",
      message: expect.stringMatching(/2 forgotten names, the most .* use one of those again/),
    });
    expect(() => cursors.forget("me/c")).toThrow(refused);
    expect(cursors.load("me/c")).toEqual(at(1));
    await runtime.run(1_100);
    const again = await reopen();
    expect(() => again.forget("me/c")).toThrow(refused);
    again.save("me/a", at(2));
    again.forget("me/c");
    again.save("me/b", at(2));
    expect(() => again.save("me/c", at(2))).toThrow(expect.objectContaining({ code: "limit_exceeded" }));
  });

  it("count as names of the service when they are forgotten, and take no second place when they are used again", async () => {
    const { cursors } = await openTimed({ maxNames: 2 });
    cursors.save("a", at(1));
    cursors.forget("a");
    cursors.save("b", at(1));
    expect(() => cursors.save("c", at(1))).toThrow(expect.objectContaining({ code: "limit_exceeded" }));
    cursors.save("a", at(2));
    expect(cursors.load("a")).toEqual(at(2));
  });

  it("are a thousand names of one identity unless told otherwise", async () => {
    const { cursors } = await openTimed();
    for (let name = 0; name < 1_000; name += 1) cursors.save(`me/${name}`, at(1));
    expect(() => cursors.save("me/1000", at(1))).toThrow(expect.objectContaining({ code: "limit_exceeded" }));
  });

  it("are as many names as there is room for, and no more; known names go on", async () => {
    const { cursors } = await openTimed({ maxNames: 2 });
    cursors.save("a", at(1));
    cursors.save("b", at(1));
    expect(() => cursors.save("c", at(1))).toThrow(expect.objectContaining({ code: "limit_exceeded" }));
    cursors.save("a", at(2));
    expect([cursors.load("a"), cursors.load("c")]).toEqual([at(2), undefined]);
  });

  it("write nothing when there is nothing to write", async () => {
    const { runtime, cursors, appended } = await openTimed();
    const closed = cursors.close();
    await runtime.run(10);
    await closed;
    expect(await appended()).toBe(0);
  });

  it("are on a topic that keeps the latest of every name", () => {
    expect(TOPIC).toMatchObject({ name: "test.cursors", partitions: 1, compaction: true, retention: {} });
  });
});

describe("a resume token", () => {
  it("gives back the positions it was made of, of any topics and partitions", () => {
    const tokens = createTokenCodec(createSealer(new Uint8Array(32), "test"));
    const positions = ["t.a", "t.b"].flatMap((topic) =>
      [0, 1, 1_023].map((partition) => ({ topic, partition, epoch: "é", offset: `${partition}:1:-1` })),
    );
    expect(tokens.read(tokens.issue(positions), "path")).toEqual(positions);
    expect(tokens.read(tokens.issue([]), "path")).toEqual([]);
  });

  it("that was not issued here is refused at the field it came in", () => {
    const tokens = createTokenCodec(createSealer(new Uint8Array(32), "test"));
    expect(() => tokens.read("forged", "subscribe.from.token")).toThrow(
      expect.objectContaining({
        code: "invalid_token",
        errors: [expect.objectContaining({ path: "subscribe.from.token" })],
      }),
    );
  });
});

describe("a subscription's ledger", () => {
  it("makes what is neither delivered, conflated nor dropped the filtered", () => {
    const ledger = new Ledger();
    ledger.add({ published: 10, delivered: 3 });
    ledger.add({ published: 5, delivered: 1, conflated: 2 });
    ledger.add({ published: 4, delivered: 0, dropped: 4 });
    const { published, delivered, counts } = ledger.read();
    expect([published, delivered]).toEqual([19, 4]);
    expect(counts).toEqual({ filtered: 9, conflated: 2, expired: 0, dropped: 4, denied: 0, deadLettered: 0 });
    expect(Object.values(counts).reduce((sum, count) => sum + count, delivered)).toBe(published);
  });
});
