/** Readers, and what they share with consumers, against a broker that lets go, damages and floods. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { MessageId, Reader } from "../src/index.ts";
import { PulsarError } from "../src/index.ts";
import * as wire from "../src/wire/commands.ts";
import { encode } from "../src/wire/schema.ts";
import { type FakeBroker, newest, take, texts, until, withBroker } from "./support/fake-broker.ts";

const read = (broker: FakeBroker, options: object = {}): Promise<Reader> =>
  broker.client().createReader({ topic: "t-partition-0", from: { at: "earliest" }, ...options });

describe("receiving", () => {
  it("gives what came within the limits, and the rest of a batch at the next call", () =>
    withBroker({}, async (broker) => {
      const reader = await read(broker);
      const { peer, id } = newest(broker);
      peer.message(id, 0n, { texts: ["aaaa", "bbbb", "cccc"] });
      peer.message(id, 1n, { texts: ["dddd"] });
      expect(texts(await take(reader, 1))).toEqual(["aaaa"]);
      expect(texts(await reader.receive({ maxBytes: 1 }))).toEqual(["bbbb"]);
      expect(reader.position).toMatchObject({ entryId: 0n, batchIndex: 1, batchSize: 3 });
      expect(texts(await take(reader, 2))).toEqual(["cccc", "dddd"]);
      expect(await reader.receive({ waitMs: 0 })).toEqual([]);
      expect(await reader.receive({ waitMs: 1 })).toEqual([]);
      const waiting = reader.receive();
      await expect(reader.receive()).rejects.toMatchObject({ code: "invalid_argument" });
      peer.message(id, 2n, { texts: ["ee", "ff"] });
      expect(texts(await waiting)).toEqual(["ee", "ff"]);
      const iterated: string[] = [];
      peer.message(id, 3n, { texts: ["g", "h"] });
      for await (const message of reader) {
        iterated.push(message.data.toString());
        if (iterated.length === 2) break;
      }
      expect(iterated).toEqual(["g", "h"]);
      const last = reader.receive();
      await reader.close();
      expect(await last).toEqual([]);
      expect(await reader.receive()).toEqual([]);
    }));

  it("asks for more when half is used, and never for more than its bounds", () =>
    withBroker({}, async (broker) => {
      const reader = await read(broker, { queueMessages: 10, queueBytes: 1_600 });
      await until(() => broker.all("flow").length === 1);
      expect(broker.all("flow")[0]?.permits).toBe(10);
      const { peer, id } = newest(broker);
      for (let n = 0n; n < 5n; n++) peer.message(id, n, { texts: ["x"] });
      await take(reader, 5);
      await until(() => broker.all("flow").length === 2);
      expect(broker.all("flow").reduce((sum, { permits }) => sum + permits!, 0)).toBeLessThanOrEqual(15);
    }));

  it("names an entry that cannot be read, once, and goes on after it", () =>
    withBroker({}, async (broker) => {
      const reader = await read(broker);
      const { peer, id } = newest(broker);
      peer.message(id, 0n, { texts: ["good"] });
      peer.message(id, 1n, {
        texts: ["damaged"],
        damage: (bytes) => Buffer.concat([bytes.subarray(0, -1), Buffer.from("!")]),
      });
      peer.message(id, 2n, { texts: ["ends early"], damage: (bytes) => bytes.subarray(0, 9) });
      peer.message(id, 3n, { texts: ["good again"] });
      expect(texts(await take(reader, 1))).toEqual(["good"]);
      await expect(reader.receive()).rejects.toMatchObject({ code: "checksum_mismatch", messageId: { entryId: 1n } });
      await expect(reader.receive()).rejects.toMatchObject({ code: "checksum_mismatch", messageId: { entryId: 2n } });
      expect(texts(await take(reader, 1))).toEqual(["good again"]);
    }));

  it("survives whatever a MESSAGE may hold", () =>
    withBroker({}, async (broker) => {
      const client = broker.client();
      const some = fc.uint8Array({ maxLength: 120 }).map((bytes) => Buffer.from(bytes));
      await fc.assert(
        fc.asyncProperty(some, some, async (command, body) => {
          const reader = await client.createReader({ topic: "t-partition-0", from: { at: "earliest" } });
          const { peer, id } = newest(broker);
          const fields = Buffer.concat([encode({ id: [1, "uint"] }, { id }), command]);
          const frame = wire.commandFrame(wire.COMMAND.message, fields);
          frame.writeUInt32BE(frame.length - 4 + body.length, 0);
          peer.socket.write(Buffer.concat([frame, body]));
          const got = await reader.receive({ waitMs: 5 }).catch((error: unknown) => error);
          if (!Array.isArray(got)) expect(got).toBeInstanceOf(PulsarError);
          await reader.close();
          const after = await client.createReader({ topic: "t-partition-0", from: { at: "earliest" } });
          const good = newest(broker);
          good.peer.message(good.id, 5n, { texts: ["good"] });
          expect(texts(await take(after, 1))).toEqual(["good"]);
          await after.close();
        }),
        { numRuns: 60 },
      );
    }));

  it("waits, attached again, until what overran its bounds was received", () =>
    withBroker({}, async (broker) => {
      const reader = await read(broker, { queueBytes: 1_024 });
      const { peer, id } = newest(broker);
      const large = "x".repeat(1_000);
      for (let n = 0n; n < 7n; n++) peer.message(id, n, { texts: [large] });
      await until(() => broker.all("closeConsumer").length === 1);
      const before = await take(reader, 5);
      await until(() => broker.all("subscribe").length === 2);
      const { startMessageId, consumerId } = broker.all("subscribe")[1]!;
      const lastQueued = startMessageId!.entryId!;
      for (let n = lastQueued + 1n; n < 7n; n++) newest(broker).peer.message(consumerId!, n, { texts: [large] });
      const after = await take(reader, 2);
      expect([...before, ...after].map(({ id: { entryId } }) => entryId)).toEqual([0n, 1n, 2n, 3n, 4n, 5n, 6n]);
    }));
});

describe("a reader's place", () => {
  it("is the beginning of all without a partition, by which the broker knows it, and one of the partition after it", () =>
    withBroker({}, async (broker) => {
      const reader = await read(broker);
      const { peer, id } = newest(broker);
      expect(broker.all("subscribe")[0]?.startMessageId).toEqual({ ledgerId: -1n, entryId: -1n });
      peer.message(id, 0n, { texts: ["a"] });
      await take(reader, 1);
      peer.write("closeConsumer", wire.CLOSE, { id, requestId: 0 });
      await until(() => broker.all("subscribe").length === 2);
      expect(broker.all("subscribe")[1]?.startMessageId).toMatchObject({ partition: 0 });
    }));

  it("goes on after the last entry that it was given, under another name, and takes nothing twice", () =>
    withBroker({}, async (broker) => {
      const reader = await read(broker, { name: "r" });
      let { peer, id } = newest(broker);
      peer.message(id, 0n, { texts: ["a", "b"] });
      expect(texts(await take(reader, 1))).toEqual(["a"]);
      peer.write("closeConsumer", wire.CLOSE, { id, requestId: 0 });
      await until(() => broker.all("subscribe").length === 2 && reader.attached);
      expect(broker.all("subscribe").map(({ subscription }) => subscription)).toEqual(["r.1", "r.2"]);
      expect(broker.all("subscribe")[1]?.startMessageId).toMatchObject({ ledgerId: 1n, entryId: 0n });
      // Late, for the last attachment.
      peer.message(id, 1n, { texts: ["nobody's"] });
      ({ peer, id } = newest(broker));
      peer.message(id, 0n, { texts: ["a", "b"] });
      peer.message(id, 1n, { texts: ["c"] });
      expect(texts(await take(reader, 2))).toEqual(["b", "c"]);
    }));

  const at = (batchIndex: number): MessageId => ({ ledgerId: 1n, entryId: 5n, partition: 0, batchIndex, batchSize: 3 });
  it.each([
    ["after an entry", { id: at(-1) }, ["x"]],
    ["from an entry", { id: at(-1), inclusive: true }, ["a", "b", "c", "x"]],
    ["after a message in a batch", { id: at(1) }, ["c", "x"]],
    ["from a message in a batch", { id: at(1), inclusive: true }, ["b", "c", "x"]],
    ["after the last of a batch", { id: at(2) }, ["x"]],
  ])("starts %s", (_, from, expected) =>
    withBroker({}, async (broker) => {
      const reader = await read(broker, { from });
      const { peer, id } = newest(broker);
      peer.message(id, 4n, { texts: ["before"] });
      peer.message(id, 5n, { texts: ["a", "b", "c"] });
      peer.message(id, 6n, { texts: ["x"] });
      expect(texts(await take(reader, expected.length))).toEqual(expected);
    }),
  );

  it("remembers where `latest` was, should the connection be lost before the first message", () =>
    withBroker(
      {
        lastMessageId: (peer, { requestId }) =>
          peer.write("lastMessageIdResponse", wire.LAST_MESSAGE_ID_RESPONSE, {
            requestId,
            messageId: { ledgerId: 1n, entryId: 7n, batchIndex: 1 },
          }),
      },
      async (broker) => {
        const client = broker.client();
        const reader = await client.createReader({ topic: "t", from: { at: "latest" } });
        expect(reader.position).toMatchObject({ ledgerId: 1n, entryId: 7n, batchIndex: 1 });
        newest(broker).peer.socket.destroy();
        await until(() => broker.all("subscribe").length === 2 && reader.attached);
        expect(broker.all("subscribe")[1]?.startMessageId).toMatchObject({ ledgerId: 1n, entryId: 7n, batchIndex: 1 });
        expect(await client.lastMessageId("t")).toMatchObject({ entryId: 7n });
        expect(await reader.lastMessageId()).toMatchObject({ entryId: 7n });
      },
    ));

  it("leaves no half-made attachment behind", () => {
    let times = 0;
    return withBroker(
      {
        lastMessageId: (peer, { requestId }) => {
          if (++times === 1) peer.error(requestId, 6);
          else
            peer.write("lastMessageIdResponse", wire.LAST_MESSAGE_ID_RESPONSE, {
              requestId,
              messageId: { ledgerId: 1n, entryId: 7n },
            });
        },
      },
      async (broker) => {
        await read(broker, { from: { at: "latest" } });
        const [first] = broker.all("subscribe");
        await until(() => broker.all("closeConsumer").length === 1);
        expect(broker.all("closeConsumer")[0]?.id).toBe(first?.consumerId);
      },
    );
  });

  it("starts at a time exactly, though the broker goes by entries", () =>
    withBroker({}, async (broker) => {
      const reader = await read(broker, { from: { time: 50n } });
      expect(broker.all("seek")).toMatchObject([{ publishTime: 50n }]);
      const { peer, id } = newest(broker);
      peer.message(id, 0n, { texts: ["early"], publishTime: 49n });
      peer.message(id, 1n, { texts: ["on time"], publishTime: 50n });
      peer.message(id, 2n, { texts: ["of another clock"], publishTime: 40n });
      expect(texts(await take(reader, 2))).toEqual(["on time", "of another clock"]);
      await expect(read(broker, { from: { time: -1n } })).rejects.toMatchObject({ code: "invalid_argument" });
    }));

  it("drops at a seek what waited, and starts there", () =>
    withBroker({}, async (broker) => {
      const reader = await read(broker);
      const { peer, id } = newest(broker);
      peer.message(id, 0n, { texts: ["old", "older"] });
      await take(reader, 1);
      let answered: boolean | undefined;
      const subscribedAfter: (boolean | undefined)[] = [];
      broker.script = {
        closeConsumer: (one, { requestId }) => {
          answered = false;
          setTimeout(() => {
            answered = true;
            one.success(requestId);
          }, 20);
        },
        subscribe: (one, { requestId }) => {
          subscribedAfter.push(answered);
          one.success(requestId);
        },
      };
      await reader.seek({ id: at(2) });
      // Not before the broker has let go of the last one.
      expect(subscribedAfter).toEqual([true]);
      expect(broker.all("subscribe").at(-1)?.startMessageId).toMatchObject({ entryId: 5n, batchIndex: 2 });
      const now = newest(broker);
      now.peer.message(now.id, 5n, { texts: ["a", "b", "c"] });
      expect(texts(await take(reader, 1))).toEqual(["c"]);
      await reader.seek({ at: "earliest" });
      expect(reader.position).toMatchObject({ ledgerId: -1n });
    }));
});

describe("the id of the last message", () => {
  it("is asked for again when the connection is lost before the answer", () => {
    let times = 0;
    return withBroker(
      {
        lastMessageId: (peer, { requestId }) => {
          if (++times === 1) peer.socket.destroy();
          else if (times === 2) peer.error(requestId, 6);
          else
            peer.write("lastMessageIdResponse", wire.LAST_MESSAGE_ID_RESPONSE, {
              requestId,
              messageId: { ledgerId: 2n, entryId: 3n },
            });
        },
      },
      async (broker) => {
        const reader = await read(broker);
        expect(await reader.lastMessageId()).toMatchObject({ ledgerId: 2n, entryId: 3n, partition: 0 });
        expect(times).toBe(3);
      },
    );
  });
});
