/** Bytes: numbers, tables, checksums, frames, compression; what is written is read back, what is broken is named. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ackFrame } from "../src/receive/acks.ts";
import * as wire from "../src/wire/commands.ts";
import { COMPRESSION_NUMBER, compress, decompress } from "../src/wire/compression.ts";
import { crc32c } from "../src/wire/crc32c.ts";
import { createFrameSplitter } from "../src/wire/frames.ts";
import { WireReader } from "../src/wire/reader.ts";
import { decode, encode, type Table } from "../src/wire/schema.ts";
import { varint64Size, varintSize, writeVarint, writeVarint64 } from "../src/wire/writer.ts";

const EVERYTHING = {
  uint: [1, "uint"],
  int: [2, "int"],
  u64: [3, "u64"],
  i64: [4, "i64"],
  yes: [5, "bool"],
  text: [6, "string"],
  bytes: [7, "bytes"],
  words: [8, "i64s"],
  id: [100, wire.MESSAGE_ID],
  ids: [101, [wire.MESSAGE_ID]],
} as const satisfies Table;

const idOf = fc.record({
  ledgerId: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  entryId: fc.bigInt({ min: -1n, max: 2n ** 63n - 1n }),
  partition: fc.integer({ min: -1, max: 1000 }),
});

describe("protobuf", () => {
  it("of numbers is read as it was written, in the size that was foretold", () => {
    fc.assert(
      fc.property(
        fc.maxSafeInteger().map(Math.abs),
        fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }),
        (small, large) => {
          const into = Buffer.alloc(20);
          const middle = writeVarint(into, 0, small);
          expect(middle).toBe(varintSize(small));
          expect(writeVarint64(into, middle, large)).toBe(middle + varint64Size(large));
          const reader = new WireReader(into);
          expect(reader.varint()).toBe(small);
          const at = reader.pos;
          expect(reader.uint64()).toBe(BigInt.asUintN(64, large));
          reader.pos = at;
          expect(reader.int64()).toBe(BigInt.asIntN(64, large));
        },
      ),
    );
  });

  it("of tables is read as it was written, and unknown fields are skipped", () => {
    const message = fc.record(
      {
        uint: fc.nat(),
        int: fc.integer(),
        u64: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
        i64: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
        yes: fc.boolean(),
        text: fc.string({ unit: "grapheme" }),
        bytes: fc.uint8Array().map((bytes) => Buffer.from(bytes)),
        words: fc.array(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), { minLength: 1 }),
        id: idOf,
        ids: fc.array(idOf, { minLength: 1 }),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(message, (value) => {
        const bytes = encode(EVERYTHING, value);
        expect(decode(EVERYTHING, bytes)).toEqual(value);
        expect(decode({ text: EVERYTHING.text }, bytes)).toEqual("text" in value ? { text: value.text } : {});
      }),
    );
  });

  it("packed or not, and of fixed size, is understood", () => {
    expect(decode(EVERYTHING, Buffer.from([0x42, 3, 1, 2, 3])).words).toEqual([1n, 2n, 3n]);
    const fixed = Buffer.from([0x0d, 1, 2, 3, 4, 0x09, 1, 2, 3, 4, 5, 6, 7, 8, 0x28, 1]);
    expect(decode(EVERYTHING, fixed)).toEqual({ yes: true });
  });

  it.each([
    ["a number that does not end", [0x08, 0x80]],
    ["a number of eleven bytes", [0x08, ...Array.from({ length: 10 }, () => 0x80), 1]],
    ["a length beyond the end", [0x32, 9, 65]],
    ["field 0", [0x00]],
    ["a group", [0x0b]],
    ["a fixed value beyond the end", [0x0d, 1]],
    ["a text that is a number", [0x30, 1]],
  ])("with %s is refused", (_, bytes) => {
    expect(() => decode(EVERYTHING, Buffer.from(bytes))).toThrow(expect.objectContaining({ code: "protocol" }));
  });
});

describe("crc32c", () => {
  it("has the standard's value, and does not depend on where the bytes lie", () => {
    expect(crc32c(Buffer.from("123456789"))).toBe(0xe3069283);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat({ max: 9 }), (bytes, offset) => {
        let crc = 0xffffffff;
        for (const byte of bytes) {
          crc ^= byte;
          for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
        }
        const shifted = Buffer.concat([Buffer.alloc(offset, 7), bytes, Buffer.alloc(3)]);
        expect(crc32c(shifted, offset, offset + bytes.length)).toBe(~crc >>> 0);
      }),
    );
  });
});

describe("frames", () => {
  it("come out whole however the stream is cut", () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ minLength: 4, maxLength: 600 })),
        fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1 }),
        (frames, cuts) => {
          const stream = Buffer.concat(
            frames.flatMap((frame) => {
              const head = Buffer.alloc(4);
              head.writeUInt32BE(frame.length);
              return [head, frame];
            }),
          );
          const got: Uint8Array[] = [];
          const splitter = createFrameSplitter(600, (bytes, start, end) =>
            got.push(Uint8Array.from(bytes.subarray(start, end))),
          );
          for (let at = 0, i = 0; at < stream.length; i++) {
            const size = cuts[i % cuts.length]!;
            splitter.push(stream.subarray(at, at + size));
            at += size;
          }
          expect(got).toEqual(frames);
        },
      ),
    );
  });

  it.each([
    [3, false],
    [4, true],
    [600, true],
    [601, false],
  ])("of %i bytes are within the bounds: %s", (size, fine) => {
    const head = Buffer.alloc(4);
    head.writeUInt32BE(size);
    const push = (): void => createFrameSplitter(600, () => undefined).push(head);
    if (fine) push();
    else expect(push).toThrow(expect.objectContaining({ code: "protocol" }));
  });

  it("take memory for what arrived, not for what was announced", () => {
    const head = Buffer.alloc(4);
    head.writeUInt32BE(1 << 30);
    const before = process.memoryUsage().arrayBuffers;
    const splitters = Array.from({ length: 50 }, () => createFrameSplitter(2 ** 31, () => undefined));
    for (const splitter of splitters) splitter.push(Buffer.concat([head, Buffer.alloc(10)]));
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(100 * 1024 * 1024);
    const whole: number[] = [];
    const growing = createFrameSplitter(2 ** 31, (bytes) => whole.push(bytes.length));
    head.writeUInt32BE(1_000_000);
    growing.push(head);
    for (let i = 0; i < 10; i++) growing.push(Buffer.alloc(100_000));
    expect(whole).toEqual([1_000_000]);
  });
});

describe("compression", () => {
  it.each([
    ["none", 0],
    ["zlib", 2],
    ["zstd", 3],
  ] as const)("%s is undone", (name, number) => {
    const bytes = Buffer.from("abc".repeat(1000));
    const packed = compress(bytes, name);
    expect(decompress(packed, number, bytes.length, 10_000)).toEqual(bytes);
  });

  it.each([
    ["what is no LZ4", 1, 10, "entry_corrupt", "cannot"],
    ["what is no Snappy", 4, 10, "entry_corrupt", "cannot"],
    ["another", 9, 10, "unsupported", "number 9"],
    ["more than allowed", 2, 10_001, "entry_corrupt", "10000"],
    ["more than it claims", 2, 2_999, "entry_corrupt", "decompressed"],
    ["less than it claims", 3, 3_001, "entry_corrupt", "3001"],
  ])("refuses %s", (_, number, claimed, code, message) => {
    const packed = compress(Buffer.from("abc".repeat(1000)), number === 3 ? "zstd" : "zlib");
    const unpack = (): unknown => decompress(packed, number, claimed, 10_000);
    expect(unpack).toThrow(expect.objectContaining({ code, message: expect.stringContaining(message) }));
    expect(decompress(Buffer.from("x"), 2, 0, 10).length).toBe(0);
  });

  it("makes no more bytes than were claimed before it gives up", () => {
    for (const name of ["zlib", "zstd"] as const) {
      const bomb = compress(Buffer.alloc(10_000_000), name);
      const unpack = (): unknown => decompress(bomb, COMPRESSION_NUMBER[name], 1_000, 10_000);
      expect(unpack).toThrow(
        expect.objectContaining({ cause: expect.objectContaining({ code: "ERR_BUFFER_TOO_LARGE" }) }),
      );
    }
  });
});

describe("ACK", () => {
  it("is what the table says", () => {
    const table = {
      consumerId: [1, "uint"],
      type: [2, "uint"],
      ids: [3, [wire.MESSAGE_ID]],
      requestId: [8, "uint"],
    } as const;
    fc.assert(
      fc.property(
        fc.nat(),
        fc.nat(),
        fc.array(fc.tuple(idOf, fc.array(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })), fc.nat({ max: 900 }))),
        (consumerId, requestId, ids) => {
          const given = ids.map(([{ ledgerId, entryId }, openBits, batchSize]) => ({
            ledgerId,
            entryId,
            openBits,
            batchSize,
          }));
          const frame = ackFrame(consumerId, 1, given, requestId);
          const reader = new WireReader(frame, 11);
          const end = frame.length;
          expect(frame.readUInt32BE(0)).toBe(end - 4);
          expect(reader.varint()).toBe(end - reader.pos);
          const read = decode(table, frame, reader.pos, end);
          expect(read).toMatchObject({ consumerId, type: 1, requestId });
          expect(
            (read.ids ?? []).map(({ ledgerId, entryId, ackSet = [], batchSize = 0 }) => ({
              ledgerId,
              entryId,
              openBits: ackSet,
              batchSize,
            })),
          ).toEqual(given);
        },
      ),
    );
  });
});
