/** Which appends share a record, and where each event then is. */
import { AppendCall, fromRecord, KAFKA_BINDING } from "@distribution/broker-common";
import type { Appended } from "@distribution/core/brokers";
import type { PackedBatch } from "@distribution/core/events";
import { batchOf, bytesOf } from "@distribution/testkit/broker";
import { collectGarbage } from "@distribution/testkit/service";
import { expect, test } from "vitest";
import { type Part, Write } from "../src/append/call.ts";
import { Lane } from "../src/append/lane.ts";
import { layOut } from "../src/append/layout.ts";

const SHARED_BYTES = 64 * 1024;

const batch = (prefix: string, count: number, key = "k"): PackedBatch =>
  batchOf(Array.from({ length: count }, (_, at) => ({ id: `${prefix}${at}`, key })));

const sized = (bytes: number): PackedBatch => {
  const empty = batchOf([{ id: "x", key: "k", data: new Uint8Array(1000) }]).bytes.length - 1000;
  const made = batchOf([{ id: "x", key: "k", data: new Uint8Array(bytes - empty) }]);
  const over = made.bytes.length - bytes;
  return over === 0 ? made : batchOf([{ id: "x", key: "k", data: new Uint8Array(bytes - empty - over) }]);
};

interface Offered {
  readonly parts: readonly Part[];
  readonly appended: Promise<readonly Appended[]>;
}

function offer(content: PackedBatch, form: "packed" | "cloudevents" = "packed", maxBytes = 1 << 20): Offered {
  const nothing = (): void => undefined;
  const call = new AppendCall([{ topic: "t", partition: 0 }], 0, nothing, nothing, nothing);
  return { parts: new Write(call, 0, content, form, maxBytes).parts, appended: call.answer };
}

test("packed batches that wait next to each other share a record, and keep their bytes and places", async () => {
  const batches = [batch("a", 2), batch("b", 1), batch("c", 3)];
  const offered = batches.map((one) => offer(one));
  const parts = offered.flatMap((one) => one.parts);
  const { records, placements, events } = layOut(parts);
  expect(records).toHaveLength(1);
  expect(events).toBe(6);
  expect(Buffer.from(records[0]!.key!).toString()).toBe("k");
  const read = fromRecord({ headers: records[0]!.headers, value: records[0]!.value }, KAFKA_BINDING);
  expect(bytesOf(read)).toEqual(batches.flatMap(bytesOf));
  for (const [at, part] of parts.entries()) part.write.placed(part, "epoch", 7n, placements[at]!);
  const offsets = [];
  for (const [at, { appended }] of offered.entries()) {
    const [one] = await appended;
    for (let event = 0; event < batches[at]!.count; event += 1) offsets.push(one!.offsetAt(event));
  }
  expect(offsets).toEqual(["7.0", "7.1", "7.2", "7.3", "7.4", "7"]);
});

test.each([
  [SHARED_BYTES - 1, 1],
  [SHARED_BYTES, 1],
  [SHARED_BYTES + 1, 2],
])("batches of %d bytes together lie in %d record(s)", (bytes, expected) => {
  const first = sized(30_000);
  const { records } = layOut([...offer(first).parts, ...offer(sized(bytes - first.bytes.length)).parts]);
  expect(records).toHaveLength(expected);
});

test("events with a record each share none, and lie between packed ones in their order", async () => {
  const offered = [offer(batch("a", 2)), offer(batch("b", 3), "cloudevents"), offer(batch("c", 1))];
  const parts = offered.flatMap((one) => one.parts);
  const { records, placements, events } = layOut(parts);
  expect(records).toHaveLength(5);
  expect(events).toBe(6);
  for (const [at, part] of parts.entries()) part.write.placed(part, "epoch", 0n, placements[at]!);
  const [a, b, c] = await Promise.all(offered.map(async ({ appended }) => (await appended)[0]!));
  expect([a!.offsetAt(0), a!.offsetAt(1)]).toEqual(["0.0", "0"]);
  expect([0, 1, 2].map((at) => b!.offsetAt(at))).toEqual(["1", "2", "3"]);
  expect(c!.offsetAt(0)).toBe("4");
});

test("a write that is cut is answered when its last part is there, each event by its part", async () => {
  const { parts, appended } = offer(batch("a", 30), "cloudevents", 1500);
  expect(parts.length).toBeGreaterThan(2);
  let base = 100n;
  for (const part of parts) {
    const { placements, records } = layOut([part]);
    part.write.placed(part, "epoch", base, placements[0]!);
    base += BigInt(records.length) + 10n;
  }
  const [one] = await appended;
  const counts = parts.map(({ records }) => records.length);
  expect(one!.offsetAt(0)).toBe("100");
  expect(one!.offsetAt(counts[0]!)).toBe(String(110 + counts[0]!));
  expect(one!.offsetAt(29)).toBe(String(100 + 29 + 10 * (parts.length - 1)));
});

test("what was sent and placed is not held on to", async () => {
  const lane = new Lane("t", 0, 1 << 20);
  lane.name(1n);
  const topic = { id: "epoch", name: "t", internal: false, seenAt: 0, partitions: [] };
  const pass = (at: number): WeakRef<Part> => {
    const { parts } = offer(batch(`${at}-`, 100), "cloudevents");
    lane.add(parts);
    lane.form("none", 0n);
    lane.sent(0);
    lane.placed(topic, BigInt(100 * at));
    return new WeakRef(parts[0]!);
  };
  const sent = Array.from({ length: 5 }, (_, at) => pass(at));
  await collectGarbage();
  expect(sent.map((part) => part.deref()?.bytes)).toEqual(new Array(5).fill(undefined));
});
