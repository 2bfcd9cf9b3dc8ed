/** Consumers against a broker that lets go, gives again and refuses. */
import { describe, expect, it, vi } from "vitest";
import type { Consumer, Reader } from "../src/index.ts";
import * as wire from "../src/wire/commands.ts";
import { type FakeBroker, newest, take, texts, until, withBroker } from "./support/fake-broker.ts";

const subscribe = (broker: FakeBroker, options: object = {}): Promise<Consumer> =>
  broker.client().subscribe({ topic: "t-partition-0", subscription: "s", batchIndexAcks: true, ...options });
const read = (broker: FakeBroker, options: object = {}): Promise<Reader> =>
  broker.client().createReader({ topic: "t-partition-0", from: { at: "earliest" }, ...options });

describe("acknowledging", () => {
  const acked = (broker: FakeBroker): unknown[] =>
    broker
      .all("ack")
      .flatMap(({ type, ids }) =>
        (ids ?? []).map(({ entryId, ackSet, batchSize }) => ({ type, entryId, ackSet, batchSize })),
      );

  it("tells of one turn's messages in one command, batches by what stays open, and resolves when it is answered", () =>
    withBroker({}, async (broker) => {
      const consumer = await subscribe(broker, { type: "shared" });
      const { peer, id } = newest(broker);
      peer.message(id, 0n, { texts: ["a", "b", "c"] });
      peer.message(id, 1n, { texts: ["d"] });
      const [a, b, c, d] = await take(consumer, 4);
      await Promise.all([consumer.ack(a!.id), consumer.ack([d!.id])]);
      await consumer.ack([c!.id, b!.id]);
      expect(acked(broker)).toEqual([
        { type: 0, entryId: 0n, ackSet: [0b110n], batchSize: 3 },
        { type: 0, entryId: 1n, ackSet: undefined, batchSize: undefined },
        { type: 0, entryId: 0n, ackSet: undefined, batchSize: 3 },
      ]);
      expect(broker.all("ack").length).toBe(2);
    }));

  it("keeps to itself what a broker that counts whole batches would take for all of it", () =>
    withBroker({}, async (broker) => {
      const consumer = await subscribe(broker, { batchIndexAcks: false });
      const { peer, id } = newest(broker);
      peer.message(id, 1n, { texts: ["a", "b"] });
      const [a, b] = await take(consumer, 2);
      await consumer.ack(a!.id);
      expect(broker.all("ack")).toEqual([]);
      await consumer.ack(b!.id);
      await consumer.ackCumulative(a!.id);
      expect(acked(broker)).toMatchObject([
        { type: 0, entryId: 1n, batchSize: 2 },
        { type: 1, entryId: 0n },
      ]);
    }));

  it("acknowledges all up to a message, also within a batch, but not on shared subscriptions", () =>
    withBroker({}, async (broker) => {
      const consumer = await subscribe(broker);
      const { peer, id } = newest(broker);
      peer.message(id, 0n, { texts: ["a", "b", "c"] });
      const [, b, c] = await take(consumer, 3);
      await consumer.ackCumulative(b!.id);
      await consumer.ackCumulative(c!.id);
      expect(acked(broker)).toMatchObject([
        { type: 1, entryId: 0n, ackSet: [0b100n] },
        { type: 1, entryId: 0n, ackSet: undefined },
      ]);
      const shared = await subscribe(broker, { type: "key_shared" });
      await expect(shared.ackCumulative(b!.id)).rejects.toMatchObject({ code: "invalid_argument" });
    }));

  it("rejects when the broker refuses, and when the connection is lost before its answer", () =>
    withBroker(
      {
        ack: (peer, { requestId, consumerId }) =>
          peer.write("ackResponse", wire.ACK_RESPONSE, { requestId, consumerId, error: 22, message: "no" }),
      },
      async (broker) => {
        const consumer = await subscribe(broker);
        const { peer, id } = newest(broker);
        peer.message(id, 0n, { texts: ["a"] });
        const [a] = await take(consumer, 1);
        await expect(consumer.ack(a!.id)).rejects.toMatchObject({ code: "refused" });
        broker.script = { ack: () => peer.socket.destroy() };
        await expect(consumer.ack(a!.id)).rejects.toMatchObject({ code: "disconnected", retriable: true });
        await consumer.close();
        await expect(consumer.ack(a!.id)).rejects.toMatchObject({ code: "closed" });
        await expect(consumer.ackCumulative(a!.id)).rejects.toMatchObject({ code: "closed" });
        await expect(consumer.unsubscribe()).rejects.toMatchObject({ code: "closed" });
        consumer.redeliver();
      },
    ));

  it("rejects when the consumer is detached before what was gathered is sent", () =>
    withBroker({}, async (broker) => {
      const consumer = await subscribe(broker);
      const { peer, id } = newest(broker);
      peer.message(id, 0n, { texts: ["a"] });
      const [a] = await take(consumer, 1);
      let endOfTurn: (() => void) | undefined;
      const held = vi.spyOn(globalThis, "setImmediate").mockImplementationOnce((act: () => void) => {
        endOfTurn = act;
        return undefined as unknown as NodeJS.Immediate;
      });
      const acked = consumer.ack(a!.id);
      held.mockRestore();
      const checked = expect(acked).rejects.toMatchObject({ code: "disconnected" });
      peer.write("closeConsumer", wire.CLOSE, { id, requestId: 0 });
      await until(() => broker.all("subscribe").length === 2 && consumer.attached);
      endOfTurn!();
      await checked;
      expect(broker.all("ack")).toEqual([]);
    }));

  it("does not give what is acknowledged of a batch that comes again", () =>
    withBroker({}, async (broker) => {
      const consumer = await subscribe(broker, { type: "shared" });
      const { peer, id } = newest(broker);
      peer.message(id, 0n, { texts: ["a", "b", "c"], ackSet: [0b101n] });
      const [a, c] = await take(consumer, 2);
      expect(texts([a!, c!])).toEqual(["a", "c"]);
      await consumer.ack(a!.id);
      await consumer.ack(c!.id);
      expect(acked(broker)).toMatchObject([{ ackSet: [0b100n] }, { ackSet: undefined }]);
      // Nothing of it is left: receive waits on.
      peer.message(id, 1n, { texts: ["d", "e"], ackSet: [0n] });
      peer.message(id, 2n, { texts: ["f"] });
      expect(texts(await take(consumer, 1))).toEqual(["f"]);
    }));
});

describe("redelivery", () => {
  it("of everything drops what waits and what was on its way, told by the epoch", () =>
    withBroker({}, async (broker) => {
      const consumer = await subscribe(broker);
      const { peer, id } = newest(broker);
      peer.message(id, 0n, { texts: ["a"] });
      peer.message(id, 1n, { texts: ["b"] });
      await take(consumer, 1);
      consumer.redeliver();
      await until(() => broker.all("redeliver").length === 1);
      expect(broker.all("redeliver")[0]).toMatchObject({ epoch: 1 });
      peer.message(id, 2n, { texts: ["on its way"], epoch: 0 });
      peer.message(id, 0n, { texts: ["a"], epoch: 1 });
      expect(texts(await take(consumer, 1))).toEqual(["a"]);
    }));

  it("of some on a shared subscription names their entries", () =>
    withBroker({}, async (broker) => {
      const consumer = await subscribe(broker, { type: "shared" });
      const { peer, id } = newest(broker);
      peer.message(id, 0n, { texts: ["a", "b"] });
      peer.message(id, 1n, { texts: ["c"] });
      const [a] = await take(consumer, 1);
      consumer.redeliver([]);
      consumer.redeliver([a!.id]);
      await until(() => broker.all("redeliver").length === 1);
      expect(broker.all("redeliver")[0]?.messageIds).toMatchObject([{ ledgerId: 1n, entryId: 0n }]);
      expect(texts(await take(consumer, 1))).toEqual(["c"]);
      consumer.redeliver();
      await until(() => broker.all("redeliver").length === 2);
      expect(broker.all("redeliver")[1]?.messageIds).toBeUndefined();
    }));

  it("follows a lost attachment: what waited is dropped, and the owner is told, who can acknowledge by it at once", () =>
    withBroker({}, async (broker) => {
      const reattached: boolean[] = [];
      const consumer = await subscribe(broker, { onReattached: () => void reattached.push(consumer.attached) });
      const { peer, id } = newest(broker);
      peer.message(id, 0n, { texts: ["a"] });
      peer.message(id, 1n, { texts: ["b"] });
      await take(consumer, 1);
      peer.write("closeConsumer", wire.CLOSE, { id, requestId: 0 });
      await until(() => broker.all("subscribe").length === 2 && consumer.attached);
      const again = newest(broker);
      again.peer.message(again.id, 0n, { texts: ["a"] });
      expect(texts(await take(consumer, 1))).toEqual(["a"]);
      expect(reattached).toEqual([true]);
    }));

  it("of a failover subscription goes to the active one, which is told", () =>
    withBroker({}, async (broker) => {
      const changes: boolean[] = [];
      const consumer = await subscribe(broker, {
        type: "failover",
        name: "c",
        onActiveChange: (active: boolean) => changes.push(active),
      });
      expect(consumer.active).toBe(false);
      const { peer, id } = newest(broker);
      peer.write("activeConsumerChange", wire.ACTIVE_CONSUMER_CHANGE, { consumerId: id, active: true });
      await until(() => consumer.active);
      peer.write("closeConsumer", wire.CLOSE, { id, requestId: 0 });
      await until(() => broker.all("subscribe").length === 2 && consumer.attached);
      expect(changes).toEqual([true, false]);
    }));
});

describe("moving a consumer", () => {
  it("seeks by time and id, again after a lost connection, and waits until it is attached again", () => {
    let failing = true;
    return withBroker(
      {
        seek: (peer, { requestId, consumerId }) => {
          if (failing) {
            failing = false;
            peer.socket.destroy();
            return;
          }
          peer.message(consumerId!, 3n, { texts: ["still on its way"] });
          peer.write("closeConsumer", wire.CLOSE, { id: consumerId!, requestId: 0 });
          peer.success(requestId);
        },
      },
      async (broker) => {
        const consumer = await subscribe(broker);
        const waiting = consumer.receive();
        await consumer.seek({ time: 7n });
        const first = newest(broker);
        first.peer.message(first.id, 9n, { texts: ["of the new place"] });
        expect(texts(await waiting)).toEqual(["of the new place"]);
        expect(broker.all("seek").map(({ publishTime }) => publishTime)).toEqual([7n, 7n]);
        expect(consumer.attached).toBe(true);
        await consumer.seek({ id: { ledgerId: 1n, entryId: 4n, partition: 0, batchIndex: 1, batchSize: 2 } });
        const { peer, id } = newest(broker);
        peer.message(id, 4n, { texts: ["a", "b"] });
        const [b] = await take(consumer, 1);
        expect(b?.data.toString()).toBe("b");
        await consumer.ack(b!.id);
        expect(broker.all("ack")[0]?.ids).toMatchObject([{ entryId: 4n, batchSize: 2 }]);
        await consumer.seek({ at: "latest" });
        expect(broker.all("seek").at(-1)?.messageId).toMatchObject({ ledgerId: 2n ** 63n - 1n });
        await expect(consumer.seek({ time: -1n })).rejects.toMatchObject({ code: "invalid_argument" });
      },
    );
  });

  it("rejects a seek that the broker refuses, and goes on where it was", () =>
    withBroker({ seek: (peer, { requestId }) => peer.error(requestId, 22) }, async (broker) => {
      const consumer = await subscribe(broker);
      await expect(consumer.seek({ at: "earliest" })).rejects.toMatchObject({ code: "refused" });
      await until(() => broker.all("subscribe").length === 2 && consumer.attached);
    }));

  it("unsubscribes and closes", () =>
    withBroker({}, async (broker) => {
      const consumer = await subscribe(broker, {
        properties: { a: "1" },
        subscriptionProperties: { b: "2" },
        initialPosition: "earliest",
      });
      expect(broker.all("subscribe")[0]).toMatchObject({
        metadata: [{ key: "a", value: "1" }],
        subscriptionProperties: [{ key: "b", value: "2" }],
        initialPosition: 1,
      });
      expect(await consumer.lastMessageId()).toMatchObject({ entryId: -1n });
      await consumer.unsubscribe();
      expect(consumer.closed).toBe(true);
      expect(broker.all("unsubscribe").length).toBe(1);
      await expect(subscribe(broker, { subscription: "" })).rejects.toMatchObject({ code: "invalid_argument" });
      await expect(subscribe(broker, { type: "all" })).rejects.toMatchObject({ code: "invalid_argument" });
    }));
});

describe("what ends a subscription, or nearly", () => {
  it("is a topic that is gone: what waits rejects with it, and so does every call after it", () =>
    withBroker({}, async (broker) => {
      const reader = await read(broker);
      const { peer, id } = newest(broker);
      const waiting = reader.receive();
      const checked = expect(waiting).rejects.toMatchObject({ code: "topic_not_found" });
      broker.script = { subscribe: (one, { requestId }) => one.error(requestId, 11) };
      peer.write("closeConsumer", wire.CLOSE, { id, requestId: 0 });
      await checked;
      await expect(reader.receive()).rejects.toMatchObject({ code: "topic_not_found" });
      await expect(reader.lastMessageId()).rejects.toMatchObject({ code: "topic_not_found" });
      await expect(reader.seek({ at: "latest" })).rejects.toMatchObject({ code: "topic_not_found" });
      expect([reader.closed, reader.attached]).toEqual([true, false]);
    }));

  it("is not a right that is taken away for a while", () =>
    withBroker({}, async (broker) => {
      const consumer = await subscribe(broker);
      const { peer, id } = newest(broker);
      let refusals = 0;
      broker.script = {
        subscribe: (one, { requestId }) => {
          if (++refusals < 3) one.error(requestId, 4);
          else one.success(requestId);
        },
      };
      peer.write("closeConsumer", wire.CLOSE, { id, requestId: 0 });
      await until(() => refusals === 3 && consumer.attached);
    }));

  it("is taken back when it was asked for in vain: the broker may have made it all the same", () =>
    withBroker({ subscribe: () => undefined }, async (broker) => {
      const late = broker.client({ operationTimeoutMs: 30 }).subscribe({ topic: "t", subscription: "s" });
      await expect(late).rejects.toMatchObject({ code: "unavailable" });
      await until(() => broker.all("closeConsumer").length > 0);
    }));

  it("is let go when the client closes while it attaches", () =>
    withBroker({ subscribe: () => undefined }, async (broker) => {
      const client = broker.client();
      const pending = client.createReader({ topic: "t-partition-0", from: { at: "earliest" } });
      const checked = expect(pending).rejects.toMatchObject({ code: "closed" });
      await until(() => broker.all("subscribe").length === 1);
      await client.close();
      await checked;
    }));

  it("is not a broker that closes it as soon as it is there", () => {
    let times = 0;
    return withBroker(
      {
        subscribe: (peer, { requestId, consumerId }) => {
          peer.success(requestId);
          if (++times < 3) peer.write("closeConsumer", wire.CLOSE, { id: consumerId!, requestId: 0 });
        },
      },
      async (broker) => {
        const consumer = await subscribe(broker);
        await until(() => times === 3 && consumer.attached);
      },
    );
  });

  it("is waited for by a seek and a last id no longer than the time for operations", () =>
    withBroker({}, async (broker) => {
      const consumer = await broker.client({ operationTimeoutMs: 200 }).subscribe({ topic: "t", subscription: "s" });
      broker.script = { subscribe: (peer, { requestId }) => peer.error(requestId, 6) };
      const { peer, id } = newest(broker);
      peer.write("closeConsumer", wire.CLOSE, { id, requestId: 0 });
      await until(() => !consumer.attached);
      await expect(consumer.lastMessageId()).rejects.toMatchObject({ code: "timeout" });
      const waiting = consumer.seek({ at: "latest" });
      const checked = expect(waiting).rejects.toMatchObject({ code: "closed" });
      await consumer.close();
      await checked;
      await expect(consumer.lastMessageId()).rejects.toMatchObject({ code: "closed" });
    }));

  it("gives thousands of entries in order, and forgets what it gave", () =>
    withBroker({}, async (broker) => {
      const reader = await read(broker);
      const { peer, id } = newest(broker);
      for (let n = 0n; n < 3_000n; n++) peer.message(id, n, { texts: [`${n}`] });
      expect(texts(await take(reader, 3_000))).toEqual(Array.from({ length: 3_000 }, (_, n) => `${n}`));
    }));
});
