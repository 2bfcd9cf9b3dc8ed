/** Entries: what a producer sends is what a receiver gets, and what is broken is named. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type OutgoingMessage, PulsarError, type ReceivedBytes } from "../src/index.ts";
import { batchedSize, encodeSend } from "../src/producer/encode.ts";
import { Entry } from "../src/receive/entry.ts";
import { EntryQueue } from "../src/receive/queue.ts";
import * as wire from "../src/wire/commands.ts";
import { decode, encode, type Table } from "../src/wire/schema.ts";

const outgoing: fc.Arbitrary<OutgoingMessage> = fc.record(
  {
    data: fc.option(fc.uint8Array({ maxLength: 300 })),
    key: fc.string({ unit: "grapheme", maxLength: 20 }),
    orderingKey: fc.uint8Array({ maxLength: 20 }),
    properties: fc.dictionary(
      fc.string({ unit: "grapheme", maxLength: 9 }),
      fc.string({ unit: "grapheme", maxLength: 200 }),
      { maxKeys: 4 },
    ),
    eventTime: fc.bigInt({ min: 1n, max: 2n ** 53n }),
  },
  { requiredKeys: ["data"] },
);

/** What a broker makes of a SEND: the entry as a consumer gets it. */
function entryOf(frame: Buffer): Entry {
  expect(frame.readUInt32BE(0)).toBe(frame.length - 4);
  const id = encode({ id: [2, wire.MESSAGE_ID] }, { id: { ledgerId: 3n, entryId: 4n } });
  const body = frame.subarray(8 + frame.readUInt32BE(4));
  const whole = Buffer.concat([Buffer.alloc(5), id, body]);
  const entry = new Entry("t", 1, whole, 5, 5 + id.length);
  entry.readBody(5 + id.length, whole.length);
  return entry;
}

const queueOf = (entry: Entry): EntryQueue => {
  const queue = new EntryQueue({ maxDecompressedBytes: 100_000, left: () => undefined, given: () => undefined });
  queue.push(entry);
  return queue;
};

/** Data and properties as the received bytes have them. */
function partsOf(received: ReceivedBytes): readonly unknown[] {
  const { bytes, dataStart, dataEnd } = received;
  const places = new Int32Array(4 * 64);
  const count = received.findProperties(places);
  if (count > 0) expect(received.findProperties(new Int32Array(4 * (count - 1)))).toBe(-1);
  const textAt = (at: number): string => bytes.toString("utf8", places[at]!, places[at + 1]!);
  const properties = Array.from({ length: count }, (_, index) => [textAt(4 * index), textAt(4 * index + 2)]);
  for (const place of places) expect(place).toBeLessThanOrEqual(bytes.length);
  return [bytes.subarray(dataStart, dataEnd), ...properties];
}

describe("entries", () => {
  it("hold what was sent: data, keys, properties, times, one message or many, compressed or not", () => {
    fc.assert(
      fc.property(
        fc.array(outgoing, { minLength: 1, maxLength: 20 }),
        fc.constantFrom("none" as const, "zlib" as const, "zstd" as const),
        (messages, compression) => {
          const { frame } = encodeSend({
            producerId: 300,
            producerName: "prödücer",
            firstSequenceId: 1_000n,
            lastSequenceId: 1_000n + BigInt(messages.length - 1),
            publishTime: 1_700_000_000_000n,
            compression,
            messages,
            batchBytes: messages.reduce((sum, message) => sum + batchedSize(message), 0),
            sharedKey: false,
          });
          const got = queueOf(entryOf(frame)).take({});
          expect(got.length).toBe(messages.length);
          for (const [i, message] of got.entries()) {
            const sent = messages[i]!;
            expect(message.data).toEqual(Buffer.from(sent.data ?? []));
            expect(message.tombstone).toBe(sent.data === null);
            expect(message.key).toBe(sent.key);
            expect(message.orderingKey).toEqual(sent.orderingKey && Buffer.from(sent.orderingKey));
            expect(message.eventTime).toBe(sent.eventTime);
            expect({ ...message.properties }).toEqual({ ...sent.properties });
            const sentList = Object.entries(sent.properties ?? {});
            expect(message.propertyList.map(([name, value]) => [name, value.toString()])).toEqual(sentList);
            for (const [name, value] of sentList) expect(message.property(name)).toBe(value);
            expect(message.received && partsOf(message.received)).toEqual(
              messages.length === 1 ? undefined : [Buffer.from(sent.data ?? []), ...sentList],
            );
            expect(message.property("never a property of this name")).toBeUndefined();
            expect(message.sequenceId).toBe(1_000n + BigInt(i));
            const alone = messages.length === 1;
            expect(message.id).toEqual({
              ledgerId: 3n,
              entryId: 4n,
              partition: 1,
              batchIndex: alone ? -1 : i,
              batchSize: alone ? 0 : messages.length,
            });
            expect([message.publishTime, message.producerName, message.topic]).toEqual([
              1_700_000_000_000n,
              "prödücer",
              "t",
            ]);
            expect([message.redeliveryCount, message.brokerTime]).toEqual([0, undefined]);
          }
        },
      ),
    );
  });

  it("tell the key of a batch by key, and the sequence ids that the application gave", () => {
    const messages = [5n, 9n].map((sequenceId) => ({
      data: Buffer.from("x"),
      key: "k",
      orderingKey: Buffer.from("o"),
      sequenceId,
    }));
    const { frame } = encodeSend({
      producerId: 1,
      producerName: "p",
      firstSequenceId: 5n,
      lastSequenceId: 9n,
      publishTime: 1n,
      compression: "none",
      messages,
      batchBytes: messages.reduce((sum, message) => sum + batchedSize(message), 0),
      sharedKey: true,
    });
    const entry = entryOf(frame);
    const meta = decode(
      { key: [6, "string"], ordering: [18, "bytes"], highest: [24, "u64"] },
      entry.frame,
      entry.metaStart,
      entry.metaEnd,
    );
    expect(meta).toEqual({ key: "k", ordering: Buffer.from("o"), highest: 9n });
    expect(
      queueOf(entry)
        .take({})
        .map(({ sequenceId }) => sequenceId),
    ).toEqual([5n, 9n]);
  });

  it("with the broker's own metadata tell its time", () => {
    const { frame } = encodeSend({
      producerId: 1,
      producerName: "p",
      firstSequenceId: 0n,
      lastSequenceId: 0n,
      publishTime: 1n,
      compression: "none",
      messages: [{ data: Buffer.from("x") }],
      batchBytes: 0,
      sharedKey: false,
    });
    const meta = encode({ time: [1, "u64"], index: [2, "u64"] }, { time: 77n, index: 3n });
    const head = Buffer.alloc(6);
    head.writeUInt16BE(0x0e02);
    head.writeUInt32BE(meta.length, 2);
    const body = Buffer.concat([head, meta, frame.subarray(8 + frame.readUInt32BE(4))]);
    const entry = new Entry("t", 0, body, 0, 0);
    entry.readBody(0, body.length);
    expect(queueOf(entry).take({})[0]?.brokerTime).toBe(77n);
  });

  it.each([
    ["encrypted", { keys: [13, "bytes"] }, { keys: Buffer.alloc(1) }, "unsupported"],
    ["in chunks", { chunks: [27, "int"] }, { chunks: 2 }, "unsupported"],
    ["with more messages than bytes", { count: [11, "int"] }, { count: 1_000_000 }, "entry_corrupt"],
    ["whose batch ends early", { count: [11, "int"] }, { count: 2 }, "entry_corrupt"],
  ] as const)("%s are refused by name", (_, table, value, code) => {
    const meta = encode(table as Table, value as never);
    const size = Buffer.alloc(4);
    size.writeUInt32BE(meta.length);
    const body = Buffer.concat([size, meta, Buffer.from("x".repeat(20))]);
    const entry = new Entry("t", 0, body, 0, 0);
    entry.readBody(0, body.length);
    // What it claims is neither counted with nor made room for.
    expect(entry.weight).toBeLessThan(3);
    expect(() => queueOf(entry).take({})).toThrow(
      expect.objectContaining({ code, messageId: expect.objectContaining({ entryId: 0n }) }),
    );
  });

  it("damaged anywhere give whole messages or one error, and never hang", () => {
    const messages = ["a", "bb", "ccc"].map((text) => ({
      data: Buffer.from(text),
      key: text,
      properties: { p: text },
    }));
    const { frame } = encodeSend({
      producerId: 1,
      producerName: "p",
      firstSequenceId: 0n,
      lastSequenceId: 2n,
      publishTime: 1n,
      compression: "none",
      messages,
      batchBytes: messages.reduce((sum, message) => sum + batchedSize(message), 0),
      sharedKey: false,
    });
    // Without its checksum, which would find all of it.
    const body = frame.subarray(8 + frame.readUInt32BE(4) + 6);
    const change = fc.tuple(fc.nat({ max: body.length - 1 }), fc.nat({ max: 255 }));
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), fc.nat({ max: body.length }), (changes, length) => {
        const damaged = Buffer.from(body.subarray(0, length));
        for (const [at, byte] of changes) if (at < length) damaged[at] = byte;
        const entry = new Entry("t", 0, damaged, 0, 0);
        entry.readBody(0, damaged.length);
        const queue = queueOf(entry);
        try {
          for (const message of queue.take({})) {
            void [message.data, message.key, message.properties, message.id];
            void (message.received && partsOf(message.received));
          }
          queue.take({});
        } catch (error) {
          expect(error).toBeInstanceOf(PulsarError);
        }
        expect(queue.length).toBeLessThanOrEqual(1);
      }),
      { numRuns: 2_000 },
    );
  });
});
