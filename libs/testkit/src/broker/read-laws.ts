/** Laws of `read` and of partition readers. */
import type { PartitionReader, ReadFrom } from "@distribution/core/brokers";
import { expect, test } from "vitest";
import type { LawContext } from "./law-context.ts";
import { batchOf, type ReadEvent, readEvents, within } from "./support.ts";

export function readLaws(context: LawContext): void {
  /** Appends batches of these ids, one call each; all in partition 0. */
  const fill = async (topic: string, batches: readonly (readonly string[])[]): Promise<void> => {
    for (const ids of batches) {
      await context.broker.append([{ topic, partition: 0, batch: batchOf(ids.map((id) => ({ id, key: "k" }))) }]);
    }
  };

  const using = async <T>(topic: string, from: ReadFrom, use: (reader: PartitionReader) => Promise<T>): Promise<T> => {
    const reader = await context.broker.read(topic, 0, from);
    try {
      return await use(reader);
    } finally {
      await reader.close();
    }
  };

  const readAll = (topic: string, count: number, from: ReadFrom = { at: "earliest" }): Promise<ReadEvent[]> =>
    using(topic, from, (reader) => readEvents(reader, count));

  const after = ({ epoch, offset }: ReadEvent): ReadFrom => ({ after: { epoch, offset } });

  test("earliest gives every event in log order", async () => {
    const topic = await context.topic();
    await fill(topic, [["a", "b"], ["c"], ["d", "e", "f"]]);
    expect((await readAll(topic, 6)).map(({ id }) => id)).toEqual(["a", "b", "c", "d", "e", "f"]);
  });

  test("latest gives what is appended after it was opened, and nothing older", async () => {
    const topic = await context.topic();
    await fill(topic, [["old"]]);
    const read = await using(topic, { at: "latest" }, async (reader) => {
      await fill(topic, [["new"], ["newer"]]);
      return readEvents(reader, 2);
    });
    expect(read.map(({ id }) => id)).toEqual(["new", "newer"]);
  });

  test("next waits at the head and is woken by an append", async () => {
    const topic = await context.topic();
    await using(topic, { at: "latest" }, async (reader) => {
      const next = readEvents(reader, 1);
      expect(await within(next, context.quietMs)).toBe("waiting");
      await fill(topic, [["late"]]);
      expect((await next)[0]?.id).toBe("late");
    });
  });

  test("a position gives the events that follow it, also within a batch", async () => {
    const topic = await context.topic();
    await fill(topic, [["a", "b", "c"], ["d"]]);
    const all = await readAll(topic, 4);
    for (let at = 0; at < 3; at += 1) {
      const rest = await readAll(topic, 3 - at, after(all[at]!));
      expect(rest).toEqual(all.slice(at + 1));
    }
  });

  test("the newest position gives nothing until something is appended", async () => {
    const topic = await context.topic();
    await fill(topic, [["a"]]);
    const [newest] = await readAll(topic, 1);
    await using(topic, after(newest!), async (reader) => {
      const next = readEvents(reader, 1);
      expect(await within(next, context.quietMs)).toBe("waiting");
      await fill(topic, [["b"]]);
      expect((await next)[0]?.id).toBe("b");
    });
  });

  test("a reader's start is what `after` would have to be to read the same", async () => {
    const topic = await context.topic();
    await fill(topic, [["a", "b"], ["c"]]);
    const starts: ReadFrom[] = [{ at: "earliest" }, after((await readAll(topic, 1))[0]!), { time: 0n }];
    for (const from of starts) {
      const reader = await context.broker.read(topic, 0, from);
      const count = from === starts[1] ? 2 : 3;
      const read = await readEvents(reader, count);
      await reader.close();
      expect(await readAll(topic, count, { after: reader.start })).toEqual(read);
    }
  });

  test("a partition's start and end are positions to read after", async () => {
    const topic = await context.topic();
    const [empty] = await context.broker.admin.partitions(topic);
    expect(empty!.end).toBe(empty!.start);
    await fill(topic, [["a"]]);
    expect(await readAll(topic, 1, { after: { epoch: empty!.epoch, offset: empty!.start } })).toHaveLength(1);
    const [info] = await context.broker.admin.partitions(topic);
    expect(info!.end).toBe((await readAll(topic, 1))[0]!.offset);
  });

  test("a time gives the first event appended at or after it", async () => {
    const topic = await context.topic();
    for (const id of ["a", "b", "c", "d"]) {
      await fill(topic, [[id]]);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    const all = await readAll(topic, 4);
    for (const [at, { appendedAt }] of all.entries()) {
      expect((await readAll(topic, 4 - at, { time: appendedAt }))[0]).toEqual(all[at]);
      if (at < 3) expect((await readAll(topic, 3 - at, { time: appendedAt + 1n }))[0]).toEqual(all[at + 1]);
    }
  });

  test("a time after the newest event waits for what comes", async () => {
    const topic = await context.topic();
    await fill(topic, [["a"]]);
    const [newest] = await readAll(topic, 1);
    await using(topic, { time: newest!.appendedAt + 1n }, async (reader) => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      await fill(topic, [["b"]]);
      expect((await readEvents(reader, 1))[0]?.id).toBe("b");
    });
  });

  test("the time of appending is the broker's wall clock and never decreases along a partition", async () => {
    const topic = await context.topic();
    const before = BigInt(Date.now() - 2000) * 1_000_000n;
    await fill(
      topic,
      Array.from({ length: 20 }, (_, at) => [`e${at}`]),
    );
    const times = (await readAll(topic, 20)).map(({ appendedAt }) => appendedAt);
    expect(times[0]! > before).toBe(true);
    expect(times.at(-1)! < BigInt(Date.now() + 2000) * 1_000_000n).toBe(true);
    for (let at = 1; at < times.length; at += 1) expect(times[at]! >= times[at - 1]!).toBe(true);
  });

  test("next gives at most maxBytes of events, but at least one batch", async () => {
    const topic = await context.topic();
    const data = new Uint8Array(900);
    for (let at = 0; at < 6; at += 1) {
      const events = Array.from({ length: 5 }, (_, event) => ({ id: `${at}-${event}`, key: "k", data }));
      await context.broker.append([{ topic, partition: 0, batch: batchOf(events) }]);
    }
    for (const maxBytes of [1, 1000, 3000, 12_000]) {
      let events = 0;
      await using(topic, { at: "earliest" }, async (reader) => {
        while (events < 30) {
          const batches = await reader.next(maxBytes);
          const bytes = batches.reduce((sum, { batch }) => sum + batch.bytes.length, 0);
          expect(batches.length).toBeGreaterThan(0);
          if (batches.length > 1) expect(bytes).toBeLessThanOrEqual(maxBytes);
          events += batches.reduce((sum, { batch }) => sum + batch.count, 0);
        }
      });
      expect(events).toBe(30);
    }
  });

  test("every reader has its own place", async () => {
    const topic = await context.topic();
    await fill(topic, [["a"], ["b"]]);
    const [first] = await readAll(topic, 1);
    expect((await readAll(topic, 2)).map(({ id }) => id)).toEqual(["a", "b"]);
    expect((await readAll(topic, 1, after(first!)))[0]?.id).toBe("b");
  });

  test("partitions are separate logs", async () => {
    const topic = await context.topic({ partitions: 2 });
    await context.broker.append([
      { topic, partition: 0, batch: batchOf([{ id: "zero", key: "k" }]) },
      { topic, partition: 1, batch: batchOf([{ id: "one", key: "k" }]) },
    ]);
    const reader = await context.broker.read(topic, 1, { at: "earliest" });
    expect((await readEvents(reader, 1)).map(({ id }) => id)).toEqual(["one"]);
    expect(await within(reader.next(1000), context.quietMs)).toBe("waiting");
    await reader.close();
  });

  test("a reader that waits resolves with nothing when it is closed, and so does every later next", async () => {
    const topic = await context.topic();
    const reader = await context.broker.read(topic, 0, { at: "latest" });
    const next = reader.next(1000);
    await within(next, 20);
    await reader.close();
    expect(await next).toEqual([]);
    expect(await reader.next(1000)).toEqual([]);
    await reader.close();
  });

  test("a position of another epoch is refused with position_gone", async () => {
    const topic = await context.topic();
    await fill(topic, [["a"]]);
    const [{ offset } = { offset: "" }] = await readAll(topic, 1);
    const refused = context.broker.read(topic, 0, { after: { epoch: "another", offset } });
    await expect(refused).rejects.toMatchObject({ code: "position_gone" });
  });

  test("a position whose following events were deleted is refused with position_gone", async () => {
    const topic = await context.topic();
    await fill(topic, [["a"], ["b"], ["c"]]);
    const [a, b] = await readAll(topic, 3);
    await context.broker.admin.truncate({ topic, partition: 0, epoch: b!.epoch, offset: b!.offset });
    await expect(context.broker.read(topic, 0, after(a!))).rejects.toMatchObject({ code: "position_gone" });
    expect((await readAll(topic, 1, after(b!)))[0]?.id).toBe("c");
  });

  test("a reader that was overtaken by deletion is told position_gone and is closed", async () => {
    const topic = await context.topic();
    await fill(topic, [["a"], ["b"], ["c"]]);
    const [, , c] = await readAll(topic, 3);
    const reader = await context.broker.read(topic, 0, { at: "earliest" });
    await context.broker.admin.truncate({ topic, partition: 0, epoch: c!.epoch, offset: c!.offset });
    await expect(readEvents(reader, 3)).rejects.toMatchObject({ code: "position_gone" });
    expect(await reader.next(1000)).toEqual([]);
  });

  test("reading an unknown topic or partition is refused", async () => {
    const topic = await context.topic();
    const from = { at: "earliest" } as const;
    await expect(context.broker.read("conformance.no-such", 0, from)).rejects.toMatchObject({ code: "unknown_topic" });
    await expect(context.broker.read(topic, 1, from)).rejects.toMatchObject({ code: "invalid_request" });
  });
}
