/** Record batches as we write them and as we read them, and all that can be wrong with those of others. */
import type { OutgoingRecord } from "@distribution/broker-common";
import fc from "fast-check";
import { expect, test } from "vitest";
import { encodeBatch, nextSequence, recordBytes, stamp } from "../src/append/record-batch.ts";
import { checksum } from "../src/checksum.ts";
import { COMPRESSIONS, type Compression } from "../src/options.ts";
import { walkBatches } from "../src/read/record-batches.ts";

const MOST = 1 << 20;

const record = (text: string): OutgoingRecord => ({
  ...{ key: Buffer.from(`key ${text}`), value: Buffer.from(text), events: 1 },
  headers: [["header", Buffer.from(text)]],
});

interface Given {
  readonly base?: bigint;
  readonly compression?: Compression;
  readonly attributes?: number;
  readonly producer?: bigint;
  readonly leaderEpoch?: number;
}

/** As the broker would give it out. */
function batchAt(records: readonly OutgoingRecord[], given: Given = {}): Buffer {
  const { base = 0n, compression = "none", attributes = 0, producer = 7n, leaderEpoch = 3 } = given;
  const batch = Buffer.from(encodeBatch(records, compression, 1_700_000_000_000n));
  stamp(batch, { id: producer, epoch: 1, sequence: 5 });
  batch.writeBigInt64BE(base, 0);
  batch.writeInt32BE(leaderEpoch, 12);
  batch.writeInt16BE(batch.readInt16BE(21) | attributes, 21);
  batch.writeUInt32BE(checksum(batch.subarray(21)), 17);
  return batch;
}

const texts = ({ records }: ReturnType<typeof walkBatches>): string[] =>
  records.map(({ value }) => Buffer.from(value ?? []).toString());

const bytes = fc.uint8Array({ maxLength: 300 });
const outgoing = fc.record({
  key: fc.option(bytes, { nil: undefined }),
  value: fc.option(bytes, { nil: null }),
  headers: fc.array(fc.tuple(fc.string({ unit: "grapheme", maxLength: 80 }), bytes), { maxLength: 5 }),
  events: fc.constant(1),
});

test.each(COMPRESSIONS)("records come back as they were given: %s", (compression) => {
  fc.assert(
    fc.property(fc.array(outgoing, { minLength: 1, maxLength: 20 }), (records) => {
      const walked = walkBatches(batchAt(records, { compression, base: 40n }), 40n, [], MOST);
      expect(walked).toMatchObject({
        damage: undefined,
        cutOff: 0,
        leaderEpoch: 3,
        next: 40n + BigInt(records.length),
      });
      expect(walked.records.map(({ offset }) => offset)).toEqual(records.map((_, at) => 40n + BigInt(at)));
      for (const [at, { headers, value, time }] of walked.records.entries()) {
        const given = records[at]!;
        expect(value == null ? null : Buffer.from(value)).toEqual(
          given.value === null ? null : Buffer.from(given.value),
        );
        expect(headers.map(([name, text]) => [name, Buffer.from(text as Uint8Array)])).toEqual(
          given.headers.map(([name, text]) => [name, Buffer.from(text)]),
        );
        expect(time).toBe(1_700_000_000_000n);
      }
    }),
    { numRuns: 30 },
  );
});

test("a record takes no more than is counted for it, and hardly less", () => {
  fc.assert(
    fc.property(fc.array(outgoing, { minLength: 1, maxLength: 8 }), (records) => {
      const counted = records.reduce((sum, one) => sum + recordBytes(one), 61);
      const batch = encodeBatch(records, "none", 0n);
      expect(batch.length).toBeLessThanOrEqual(counted);
    }),
  );
});

test("reading begins within a batch, and goes over several", () => {
  const log = Buffer.concat([
    batchAt([record("a"), record("b")]),
    batchAt([record("c")], { base: 2n, leaderEpoch: 4 }),
  ]);
  const walked = walkBatches(log, 1n, [], MOST);
  expect(texts(walked)).toEqual(["b", "c"]);
  expect(walked).toMatchObject({ next: 3n, leaderEpoch: 4 });
});

test("a batch that is cut off waits for the rest, and says how large it is", () => {
  const [first, second] = [batchAt([record("a")]), batchAt([record("b")], { base: 1n })];
  for (const length of [1, 11, 12, 61, second.length - 1]) {
    const walked = walkBatches(Buffer.concat([first, second.subarray(0, length)]), 0n, [], MOST);
    expect(texts(walked)).toEqual(["a"]);
    expect(walked).toMatchObject({ next: 1n, damage: undefined, cutOff: length < 12 ? 12 : second.length });
  }
});

test("damage ends the walk before it, by name", () => {
  const good = batchAt([record("a")]);
  const flipped = batchAt([record("b")], { base: 1n });
  flipped[flipped.length - 2]! ^= 1;
  const old = batchAt([record("b")], { base: 1n });
  old[16] = 1;
  const short = batchAt([record("b")], { base: 1n });
  short.writeInt32BE(10, 8);
  const unknown = batchAt([record("b")], { base: 1n, attributes: 5 });
  const garbled = batchAt([record("b")], { base: 1n, attributes: 1 });
  for (const [batch, why] of [
    [flipped, "fails its checksum"],
    [old, "message format 1"],
    [short, "a length that no record batch has"],
    [unknown, "its compression 5 is not known"],
    [garbled, "cannot be taken apart"],
  ] as const) {
    const walked = walkBatches(Buffer.concat([good, batch]), 0n, [], MOST);
    expect(texts(walked)).toEqual(["a"]);
    expect(walked.next).toBe(1n);
    expect(walked.damage).toContain(why);
  }
});

test("no bytes, however wrong, do more than be refused", () => {
  const good = batchAt([record("a"), record("b")]);
  fc.assert(
    fc.property(fc.nat(good.length - 62), fc.uint8Array({ minLength: 1, maxLength: 8 }), (at, junk) => {
      const batch = Buffer.from(good);
      batch.set(junk.subarray(0, batch.length - 61 - at), 61 + at);
      batch.writeUInt32BE(checksum(batch.subarray(21)), 17);
      const walked = walkBatches(batch, 0n, [], MOST);
      if (walked.damage !== undefined) expect(walked.records).toEqual([]);
    }),
    { numRuns: 500 },
  );
});

test("a batch that says of each record how much later it is, is believed, and one stamped by the broker is not asked", () => {
  const batch = batchAt([record("a")]);
  batch[61 + 2] = 20; // the record's distance, zigzag: 10 ms
  batch.writeUInt32BE(checksum(batch.subarray(21)), 17);
  expect(walkBatches(batch, 0n, [], MOST).records[0]!.time).toBe(1_700_000_000_010n);
  batch.writeInt16BE(0x08, 21);
  batch.writeUInt32BE(checksum(batch.subarray(21)), 17);
  expect(walkBatches(batch, 0n, [], MOST).records[0]!.time).toBe(1_700_000_000_000n);
});

test("two given-up transactions of one producer in one answer are both left out, and what comes between is not", () => {
  const TRANSACTIONAL = 0x10;
  const marker = (base: bigint, commit: number): Buffer => {
    const key = Buffer.of(0, 0, 0, commit);
    return batchAt([{ key, value: Buffer.alloc(6), headers: [], events: 1 }], {
      base,
      attributes: TRANSACTIONAL | 0x20,
    });
  };
  const given = (text: string, base: bigint, producer = 7n): Buffer =>
    batchAt([record(text)], { base, attributes: TRANSACTIONAL, producer });
  const log = Buffer.concat([
    ...[given("x1", 0n), given("other", 1n, 8n), marker(2n, 0), given("y", 3n), marker(4n, 1)],
    ...[given("x2", 5n), marker(6n, 0), given("z", 7n), marker(8n, 1), batchAt([record("plain")], { base: 9n })],
  ]);
  const aborted = [
    { producerId: 7n, firstOffset: 5n },
    { producerId: 7n, firstOffset: 0n },
  ];
  expect(texts(walkBatches(log, 0n, aborted, MOST))).toEqual(["other", "y", "z", "plain"]);
});

test("sequences begin anew after 31 bits", () => {
  expect(nextSequence(2 ** 31 - 2, 1)).toBe(2 ** 31 - 1);
  expect(nextSequence(2 ** 31 - 2, 2)).toBe(0);
  expect(nextSequence(2 ** 31 - 2, 5)).toBe(3);
});

test.each(COMPRESSIONS.filter((each) => each !== "none"))(
  "what unpacks to more than the bound is refused before it does, and told where it ends: %s",
  (compression) => {
    // Of 128 MiB that became a few bytes, so that it would be seen if they were unpacked.
    const large = { ...record("bomb"), value: Buffer.alloc(128 << 20) };
    const bomb = batchAt([large, record("b")], { compression, base: 1n });
    const before = process.memoryUsage().rss;
    const walked = walkBatches(Buffer.concat([batchAt([record("a")]), bomb]), 0n, [], MOST);
    expect(process.memoryUsage().rss - before).toBeLessThan(48 << 20);
    expect(texts(walked)).toEqual(["a"]);
    expect(walked.damage).toBe(
      `cannot be taken apart: its ${bomb.length - 61} bytes unpack to more than maxDecompressedBytes, ${MOST}`,
    );
    expect(walked.damaged).toMatchObject({ last: 2n, time: 1_700_000_000_000n });
  },
);

test("no more is unpacked at a time than the bound, and what is left is asked for again", () => {
  const half = { ...record("half"), value: Buffer.alloc(MOST / 2) };
  const log = Buffer.concat([0n, 1n, 2n, 3n].map((base) => batchAt([half], { compression: "zstd", base })));
  const walked = walkBatches(log, 0n, [], MOST);
  expect(walked).toMatchObject({ next: 2n, damage: undefined, cutOff: 0 });
  expect(walked.records).toHaveLength(2);
});
