/** Laws of `append` and of offsets. */
import { AppendUnsettled } from "@distribution/core/brokers";
import { DistributionError } from "@distribution/core/errors";
import { expect, test } from "vitest";
import type { LawContext } from "./law-context.ts";
import { batchOf, bytesOf, readEvents } from "./support.ts";

const numbered = (prefix: string, count: number) =>
  Array.from({ length: count }, (_, at) => ({ id: `${prefix}${at}`, key: `k${at}` }));

export function appendLaws(context: LawContext): void {
  test("resolves with the position of every event, in the order of the writes", async () => {
    const topic = await context.topic({ partitions: 2 });
    const appended = await context.broker.append([
      { topic, partition: 1, batch: batchOf(numbered("a", 2)) },
      { topic, partition: 0, batch: batchOf(numbered("b", 1)) },
    ]);
    expect(appended).toHaveLength(2);
    for (const [partition, at, ids] of [
      [1, 0, ["a0", "a1"]],
      [0, 1, ["b0"]],
    ] as const) {
      const reader = await context.broker.read(topic, partition, { at: "earliest" });
      const read = await readEvents(reader, ids.length);
      expect(read.map(({ id, epoch, offset }) => ({ id, epoch, offset }))).toEqual(
        ids.map((id, event) => ({ id, epoch: appended[at]!.epoch, offset: appended[at]!.offsetAt(event) })),
      );
      await reader.close();
    }
  });

  test("answers with positions alone: they are kept long after the events have left the memory", async () => {
    const topic = await context.topic();
    const [appended] = await context.broker.append([{ topic, partition: 0, batch: batchOf(numbered("a", 2)) }]);
    expect(appended).not.toHaveProperty("batch");
  });

  test("writes of one call to one partition keep their order", async () => {
    const topic = await context.topic();
    await context.broker.append(
      ["a", "b", "c"].map((id) => ({ topic, partition: 0, batch: batchOf([{ id, key: "k" }]) })),
    );
    const reader = await context.broker.read(topic, 0, { at: "earliest" });
    expect((await readEvents(reader, 3)).map(({ id }) => id)).toEqual(["a", "b", "c"]);
    await reader.close();
  });

  test("calls keep their order, also when none waits for the one before", async () => {
    const topic = await context.topic();
    const ids = numbered("e", 40);
    await Promise.all(ids.map((event) => context.broker.append([{ topic, partition: 0, batch: batchOf([event]) }])));
    const reader = await context.broker.read(topic, 0, { at: "earliest" });
    expect((await readEvents(reader, 40)).map(({ id }) => id)).toEqual(ids.map(({ id }) => id));
    await reader.close();
  });

  test("offsets rise along a partition, and equal offsets are the same event", async () => {
    const topic = await context.topic();
    const appended = await context.broker.append([
      { topic, partition: 0, batch: batchOf(numbered("a", 3)) },
      { topic, partition: 0, batch: batchOf(numbered("b", 3)) },
    ]);
    const offsets = appended.flatMap((one) => [0, 1, 2].map((at) => one.offsetAt(at)));
    for (let at = 1; at < offsets.length; at += 1) {
      expect(context.broker.compareOffsets(offsets[at - 1]!, offsets[at]!)).toBeLessThan(0);
      expect(context.broker.compareOffsets(offsets[at]!, offsets[at - 1]!)).toBeGreaterThan(0);
    }
    expect(context.broker.compareOffsets(offsets[4]!, offsets[4]!)).toBe(0);
    expect(new Set(offsets).size).toBe(6);
  });

  test("compareOffsets throws invalid_request on what is no offset", () => {
    expect(() => context.broker.compareOffsets("no offset", "no offset")).toThrow(
      expect.objectContaining({ code: "invalid_request" }),
    );
  });

  test("the events come back with the very bytes that were given", async () => {
    const topic = await context.topic();
    const data = Uint8Array.from({ length: 5000 }, (_, at) => (at * 37) & 255);
    const batch = batchOf([
      { id: "binary", key: "schlüssel", data },
      { id: "empty", key: "" },
      { id: "last", key: "k", data },
    ]);
    const before = bytesOf(batch);
    await context.broker.append([{ topic, partition: 0, batch }]);
    const reader = await context.broker.read(topic, 0, { at: "earliest" });
    const after: string[] = [];
    while (after.length < 3) for (const stored of await reader.next(1 << 20)) after.push(...bytesOf(stored.batch));
    expect(after).toEqual(before);
    await reader.close();
  });

  test("a batch of exactly maxBatchBytes is taken, one byte more is refused with batch_too_large", async () => {
    const topic = await context.topic();
    const { maxBatchBytes } = context.broker.capabilities;
    const smaller = batchOf([{ id: "large", key: "k", data: new Uint8Array(maxBatchBytes - 1000) }]);
    const sized = (bytes: number) =>
      batchOf([{ id: "large", key: "k", data: new Uint8Array(maxBatchBytes - 1000 + bytes - smaller.bytes.length) }]);
    expect(sized(maxBatchBytes).bytes.length).toBe(maxBatchBytes);
    const refused = context.broker.append([{ topic, partition: 0, batch: sized(maxBatchBytes + 1) }]);
    await expect(refused).rejects.toMatchObject({
      code: "batch_too_large",
      message: expect.stringContaining(`${maxBatchBytes}`),
    });
    await context.broker.append([{ topic, partition: 0, batch: sized(maxBatchBytes - 1) }]);
    await context.broker.append([{ topic, partition: 0, batch: sized(maxBatchBytes) }]);
    const reader = await context.broker.read(topic, 0, { at: "earliest" });
    expect((await readEvents(reader, 2, 1)).map(({ id }) => id)).toEqual(["large", "large"]);
    await reader.close();
  });

  test("a topic that does not exist is refused with unknown_topic", async () => {
    const write = { topic: "conformance.no-such-topic", partition: 0, batch: batchOf([{ id: "a", key: "k" }]) };
    const failure = await context.broker.append([write]).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(DistributionError);
    expect(failure).toMatchObject({ code: "unknown_topic" });
  });

  test("a partition that the topic does not have is refused, and nothing is written elsewhere", async () => {
    const topic = await context.topic();
    for (const partition of [1, 99, -1, 0.5]) {
      const refused = context.broker.append([{ topic, partition, batch: batchOf([{ id: "a", key: "k" }]) }]);
      await expect(refused).rejects.toMatchObject({ code: "invalid_request" });
    }
    expect((await context.broker.admin.partitions(topic))[0]?.events).toBe(0);
  });

  test("after a refusal that is no AppendUnsettled nothing of the call is in the log", async () => {
    const topic = await context.topic({ partitions: 2 });
    const refused = context.broker.append([
      { topic, partition: 0, batch: batchOf([{ id: "refused", key: "k" }]) },
      { topic: "conformance.no-such-topic", partition: 0, batch: batchOf([{ id: "refused", key: "k" }]) },
    ]);
    const failure = await refused.catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: "unknown_topic" });
    expect(failure).not.toBeInstanceOf(AppendUnsettled);
    await context.broker.append([{ topic, partition: 0, batch: batchOf([{ id: "taken", key: "k" }]) }]);
    const reader = await context.broker.read(topic, 0, { at: "earliest" });
    expect((await readEvents(reader, 1)).map(({ id }) => id)).toEqual(["taken"]);
    await reader.close();
  });

  test("no writes at all resolve with nothing", async () => {
    expect(await context.broker.append([])).toEqual([]);
  });
}
