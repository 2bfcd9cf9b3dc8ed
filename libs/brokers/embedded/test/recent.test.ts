/** Which of the newest batches are kept in memory: those that a reader has still to read, within the bound. */
import { systemRuntime } from "@distribution/core/runtime";
import { batchOf, readEvents } from "@distribution/testkit/broker";
import { expect, test } from "vitest";
import type { Log } from "../src/log/log.ts";
import { emptyState, Partition } from "../src/log/partition.ts";
import { createReader } from "../src/log/reader.ts";
import { RecentBatches } from "../src/log/recent.ts";
import { Stored } from "../src/log/stored.ts";
import { openBroker, put, topicOf } from "./support.ts";

const BATCH = batchOf([
  { id: "a", key: "k" },
  { id: "b", key: "k" },
]);
/** Of each batch. */
const EVENTS = 2;

/** Partitions with a bound of so many batches over all of them. */
function open(batches: number, count = 1) {
  const recents = new RecentBatches(batches * BATCH.bytes.length);
  const partitions = Array.from({ length: count }, (_, index) => {
    const partition = new Partition({ id: index, topic: "t", index, epoch: "e" }, emptyState(), recents);
    let end = 0;
    return {
      partition,
      append: (): void => {
        partition.remember(new Stored("e", end + 1, 0n, BATCH));
        end += EVENTS;
      },
      join: (next = 1) => {
        const reader = { next };
        partition.addReader(reader);
        return {
          leave: () => partition.removeReader(reader),
          goTo: (offset: number) => {
            reader.next = offset;
            partition.letGo();
          },
        };
      },
      kept: () => Array.from({ length: partition.recent.length }, (_, at) => partition.recent.at(at)!.base),
    };
  });
  return partitions as [(typeof partitions)[0], ...typeof partitions];
}

test("nothing is kept without a reader", () => {
  const [{ append, kept }] = open(10);
  append();
  expect(kept()).toEqual([]);
});

test("a batch is kept until its last event was read, and no longer", () => {
  const [{ append, join, kept }] = open(10);
  const reader = join();
  for (let batch = 0; batch < 3; batch += 1) append();
  expect(kept()).toEqual([1, 3, 5]);
  reader.goTo(4);
  expect(kept()).toEqual([3, 5]);
  reader.goTo(7);
  expect(kept()).toEqual([]);
});

test("the slowest of the readers is who counts, until it leaves", () => {
  const [{ append, join, kept }] = open(10);
  const [slow, quick] = [join(), join()];
  for (let batch = 0; batch < 3; batch += 1) append();
  quick.goTo(7);
  expect(kept()).toEqual([1, 3, 5]);
  slow.goTo(3);
  expect(kept()).toEqual([3, 5]);
  slow.leave();
  expect(kept()).toEqual([]);
});

test("beyond the bound the oldest of all partitions goes, whoever has still to read it", () => {
  const [first, second] = open(3, 2) as [ReturnType<typeof open>[0], ReturnType<typeof open>[0]];
  for (const { join } of [first, second]) join();
  for (const { append } of [first, second, first, second, first]) append();
  expect([first.kept(), second.kept()]).toEqual([[3, 5], [3]]);
});

test("what was let go of leaves its room to others", () => {
  const [first, second] = open(3, 2) as [ReturnType<typeof open>[0], ReturnType<typeof open>[0]];
  second.join();
  const reader = first.join();
  for (let batch = 0; batch < 3; batch += 1) first.append();
  reader.goTo(7);
  for (let batch = 0; batch < 3; batch += 1) second.append();
  expect([first.kept(), second.kept()]).toEqual([[], [1, 3, 5]]);
  for (let batch = 0; batch < 2; batch += 1) first.append();
  expect([first.kept(), second.kept()]).toEqual([[7, 9], [5]]);
});

test("a reader lets go of what it took up, though it gives it out in parts", async () => {
  const [{ partition, append, kept }] = open(10);
  const reader = createReader({
    ...{ partition, next: 1, runtime: systemRuntime, onClose: () => undefined },
    // Not asked: all of it is in memory.
    log: {} as Log,
  });
  partition.staged = { ...partition.state, end: 2 * EVENTS };
  partition.promote();
  append();
  append();
  const oneEvent = BATCH.bytes.length - 1;
  for (const offset of ["1", "2", "3", "4"]) {
    const [given] = await reader.next(oneEvent);
    expect([given!.batch.count, given!.offsetAt(0)]).toEqual([1, offset]);
  }
  expect(kept()).toEqual([]);
  await reader.close();
});

test("readers of a broker let go of what they read, one behind the other, and both get all of it", async () => {
  const broker = await openBroker();
  const topic = await topicOf(broker, "recent");
  const ids = Array.from({ length: 6 }, (_, at) => `e${at}`);
  const [one, other] = [await broker.read(topic, 0, { at: "latest" }), await broker.read(topic, 0, { at: "latest" })];
  for (const id of ids.slice(0, 3)) await put(broker, topic, [id]);
  const read = [await readEvents(one, 3)];
  for (const id of ids.slice(3)) await put(broker, topic, [id]);
  read.push(await readEvents(one, 3), await readEvents(other, 6));
  expect(read.map((events) => events.map(({ id }) => id))).toEqual([ids.slice(0, 3), ids.slice(3), ids]);
});
