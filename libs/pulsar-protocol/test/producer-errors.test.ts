/** What becomes of messages that a broker refuses, or that a producer does not take. */
import { describe, expect, it } from "vitest";
import type { OutgoingMessage } from "../src/index.ts";
import { encodeSend } from "../src/producer/encode.ts";
import * as wire from "../src/wire/commands.ts";
import { type Script, until, withBroker } from "./support/fake-broker.ts";

const message = (text: string): OutgoingMessage => ({ data: Buffer.from(text) });

/** Bytes of metadata and payload of a message by itself, of the producer "p". */
const sizeOf = (size: number, sequenceId: bigint): number =>
  encodeSend({
    producerId: 1,
    producerName: "p",
    firstSequenceId: sequenceId,
    lastSequenceId: sequenceId,
    publishTime: BigInt(Date.now()),
    compression: "none",
    messages: [{ data: Buffer.alloc(size) }],
    batchBytes: 0,
    sharedKey: false,
  }).messageBytes;

describe("errors of one message and of the producer", () => {
  const failing = (error: number): Script => ({
    send: (peer, { producerId, sequenceId }) => {
      if (sequenceId === 0n) peer.write("sendError", wire.SEND_ERROR, { producerId, sequenceId, error, message: "no" });
      else peer.receipt(producerId!, sequenceId!, 5n);
    },
  });

  it.each([
    [9, "checksum_mismatch"],
    [22, "refused"],
  ])("server error %i rejects that message only, as %s", (error, code) =>
    withBroker(failing(error), async (broker) => {
      const producer = await broker.client().createProducer({ topic: "t", batching: "none" });
      const [bad, good] = await Promise.allSettled([producer.send(message("a")), producer.send(message("b"))]);
      expect(bad).toMatchObject({ status: "rejected", reason: { code } });
      expect(good.status).toBe("fulfilled");
      expect(broker.all("producer").length).toBe(1);
    }),
  );

  it("sends again what the broker could not store for now", () => {
    let fail = true;
    return withBroker(
      {
        send: (peer, { producerId, sequenceId }) => {
          if (fail) peer.write("sendError", wire.SEND_ERROR, { producerId, sequenceId, error: 2, message: "disk" });
          else peer.receipt(producerId!, sequenceId!, 0n);
          fail = false;
        },
      },
      async (broker) => {
        const producer = await broker.client().createProducer({ topic: "t" });
        await producer.send(message("a"));
        expect(broker.all("producer").length).toBe(2);
      },
    );
  });

  it("says why the broker did not store it, when that goes on until its time is over", () =>
    withBroker(
      {
        send: (peer, { producerId, sequenceId }) =>
          peer.write("sendError", wire.SEND_ERROR, { producerId, sequenceId, error: 2, message: "the disk is full" }),
      },
      async (broker) => {
        const producer = await broker.client().createProducer({ topic: "t", sendTimeoutMs: 100 });
        await expect(producer.send(message("a"))).rejects.toMatchObject({
          code: "timeout",
          message: expect.stringContaining("the disk is full"),
        });
      },
    ));

  it("says it also where the broker lets go of the producer first, and answers then", () =>
    withBroker(
      {
        send: (peer, { producerId, sequenceId }) => {
          peer.write("closeProducer", wire.CLOSE, { id: producerId, requestId: 1 });
          peer.write("sendError", wire.SEND_ERROR, { producerId, sequenceId, error: 2, message: "the disk is full" });
        },
      },
      async (broker) => {
        const producer = await broker.client().createProducer({ topic: "t", sendTimeoutMs: 100 });
        await expect(producer.send(message("a"))).rejects.toMatchObject({
          code: "timeout",
          message: expect.stringContaining("the disk is full"),
        });
      },
    ));

  it("ends when the topic is terminated", () =>
    withBroker(failing(15), async (broker) => {
      const producer = await broker.client().createProducer({ topic: "t" });
      await expect(producer.send(message("a"))).rejects.toMatchObject({ code: "topic_terminated" });
      await expect(producer.send(message("b"))).rejects.toMatchObject({ code: "topic_terminated" });
      await expect(producer.writable()).rejects.toMatchObject({ code: "topic_terminated" });
      await producer.flush();
      await producer.close();
    }));

  it("rejects what is not confirmed within sendTimeoutMs, and goes on with what comes after", () =>
    withBroker({ send: () => undefined }, async (broker) => {
      const producer = await broker.client().createProducer({ topic: "t", sendTimeoutMs: 30 });
      await expect(producer.send(message("a"))).rejects.toMatchObject({ code: "timeout" });
      broker.script = {};
      for (const peer of broker.peers) peer.receipt(broker.all("producer")[0]!.producerId!, 0n, 0n);
      expect(await producer.send(message("b"))).toMatchObject({ ledgerId: 1n });
    }));

  it("refuses what is larger than the broker takes, at the bound and one above", () =>
    withBroker(
      {
        connect: (peer) =>
          peer.write("connected", wire.CONNECTED, {
            serverVersion: "small",
            protocolVersion: 19,
            maxMessageSize: 2_000,
          }),
      },
      async (broker) => {
        const producer = await broker.client().createProducer({ topic: "t", name: "p" });
        const sizes = await Promise.all(
          [1_900, 2_000, 2_001].map((size) =>
            producer.send({ data: Buffer.alloc(size) }).then(
              () => "sent",
              (error: { code: string }) => error.code,
            ),
          ),
        );
        expect(sizes).toEqual(["sent", "message_too_large", "message_too_large"]);
        for (let size = 1_950; size < 2_000; size++) {
          const whole = sizeOf(size, BigInt(broker.all("send").length));
          const sent = producer.send({ data: Buffer.alloc(size) });
          if (whole <= 2_000) await sent;
          else await expect(sent, `${size}`).rejects.toMatchObject({ code: "message_too_large" });
        }
        expect(sizeOf(1_950, 1n)).toBeLessThan(2_000);
        const packed = await broker.client().createProducer({ topic: "t", compression: "zlib" });
        await packed.send({ data: Buffer.alloc(100_000) });
        expect(producer.pending).toEqual({ messages: 0, bytes: 0 });
      },
    ));

  it("refuses with queue_full at its bounds until it is writable", () =>
    withBroker({ send: () => undefined }, async (broker) => {
      const producer = await broker
        .client()
        .createProducer({ topic: "t", maxPendingMessages: 2, maxPendingBytes: 2_048 });
      const first = [producer.send(message("a")), producer.send(message("b"))];
      await expect(producer.send(message("c"))).rejects.toMatchObject({ code: "queue_full", retriable: true });
      const room = producer.writable();
      await until(() => broker.all("send").length === 1);
      for (const peer of broker.peers) peer.receipt(broker.all("producer")[0]!.producerId!, 0n, 0n);
      await room;
      await Promise.all(first);
      await producer.writable();
      const large = producer.send({ data: Buffer.alloc(5_000) });
      await expect(producer.send(message("c"))).rejects.toMatchObject({ code: "queue_full" });
      const waiting = producer.writable();
      await broker.client().close();
      producer.close().catch(() => undefined);
      await expect(producer.send(message("d"))).rejects.toMatchObject({ code: "closed" });
      for (const peer of broker.peers) peer.receipt(broker.all("producer")[0]!.producerId!, 2n, 0n);
      await Promise.all([large, waiting]);
    }));

  it("wants ascending sequence ids for all messages or none", () =>
    withBroker({}, async (broker) => {
      const client = broker.client();
      const producer = await client.createProducer({ topic: "t" });
      const numbered = (sequenceId: bigint): OutgoingMessage => ({ ...message("x"), sequenceId });
      await Promise.all([producer.send(numbered(4n)), producer.send(numbered(9n))]);
      expect(broker.all("send")).toMatchObject([{ sequenceId: 4n, count: 2 }]);
      expect(producer.lastSequenceId).toBe(9n);
      const code = (wrong: OutgoingMessage): Promise<string> =>
        producer.send(wrong).then(
          () => "sent",
          (error: { code: string }) => error.code,
        );
      expect(await code(numbered(9n))).toBe("invalid_argument");
      expect(await code(numbered(2n ** 63n))).toBe("invalid_argument");
      expect(await code(message("x"))).toBe("invalid_argument");
      const byKey = await client.createProducer({ topic: "t", batching: "by_key" });
      await expect(byKey.send(numbered(1n))).rejects.toMatchObject({ code: "invalid_argument" });
    }));

  it("sends nothing again once it was aborted, also while it closes", () =>
    withBroker({ send: () => undefined }, async (broker) => {
      const events: string[] = [];
      const client = broker.client({ onEvent: ({ type }) => void events.push(type) });
      const producer = await client.createProducer({ topic: "t", sendTimeoutMs: 0 });
      const refused = expect(producer.send(message("a"))).rejects.toMatchObject({ code: "closed" });
      await until(() => broker.all("send").length === 1);
      const closing = producer.close();
      producer.abort();
      await Promise.all([refused, closing]);
      for (const { socket } of broker.peers) socket.destroy();
      await until(() => events.includes("disconnected"));
      const other = await client.createProducer({ topic: "t" });
      expect(broker.all("producer").length).toBe(2);
      expect(broker.all("send").length).toBe(1);
      other.abort();
    }));

  it("rejects what is out when the client is closed, and closes the producer after what it sent when asked itself", () =>
    withBroker({}, async (broker) => {
      const client = broker.client();
      const polite = await client.createProducer({ topic: "t" });
      const sent = polite.send(message("a"));
      await polite.close();
      await expect(sent).resolves.toMatchObject({ ledgerId: 1n });
      await until(() => broker.all("closeProducer").length === 1);
      broker.script = { send: () => undefined };
      const cut = await client.createProducer({ topic: "t" });
      const out = cut.send(message("b"));
      const checked = expect(out).rejects.toMatchObject({ code: "closed" });
      await client.close();
      await client.close();
      await checked;
      await expect(client.createProducer({ topic: "t" })).rejects.toMatchObject({ code: "closed" });
    }));
});
