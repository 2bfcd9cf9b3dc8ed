/** Producers against a broker that loses receipts, lets go, redirects and refuses. */
import { describe, expect, it } from "vitest";
import { type OutgoingMessage, PulsarError } from "../src/index.ts";
import type { OwnedProducer } from "../src/producer/producer.ts";
import * as wire from "../src/wire/commands.ts";
import { until, withBroker } from "./support/fake-broker.ts";

const message = (text: string): OutgoingMessage => ({ data: Buffer.from(text) });

describe("sending", () => {
  it("puts what one turn sends in one batch, and gives each message its index", () =>
    withBroker({}, async (broker) => {
      const producer = await broker.client().createProducer({ topic: "t-partition-3" });
      const ids = await Promise.all(["a", "b", "c"].map((text) => producer.send(message(text))));
      expect(ids.map(({ partition, batchIndex, batchSize }) => [partition, batchIndex, batchSize])).toEqual([
        [3, 0, 3],
        [3, 1, 3],
        [3, 2, 3],
      ]);
      expect(broker.all("send")).toMatchObject([{ sequenceId: 0n, count: 3 }]);
      expect(producer.lastSequenceId).toBe(2n);
      expect(producer.name).toBe("given");
      expect(broker.all("partitions")).toEqual([]);
    }));

  it("closes a batch at its bounds of messages and bytes, and sends by itself what is not to be batched", () =>
    withBroker({}, async (broker) => {
      const client = broker.client();
      const byCount = await client.createProducer({ topic: "t", maxBatchMessages: 2 });
      await Promise.all(["a", "b", "c"].map((text) => byCount.send(message(text))));
      expect(broker.all("send").map(({ count }) => count)).toEqual([2, 1]);
      broker.log.length = 0;
      const byBytes = await client.createProducer({ topic: "t", maxBatchBytes: 250 });
      await Promise.all([100, 100, 100].map((size) => byBytes.send({ data: Buffer.alloc(size) })));
      expect(broker.all("send").map(({ count }) => count)).toEqual([2, 1]);
      broker.log.length = 0;
      await Promise.all([byCount.send(message("x")), byCount.send({ ...message("y"), deliverAt: 5n })]);
      expect(broker.all("send").map(({ count }) => count)).toEqual([1, 1]);
      broker.log.length = 0;
      const alone = await client.createProducer({ topic: "t", batching: "none" });
      await Promise.all([alone.send(message("x")), alone.send(message("y"))]);
      expect(broker.all("send").map(({ sequenceId }) => sequenceId)).toEqual([0n, 1n]);
    }));

  it("waits with a batch as long as it is told, or until flush", () =>
    withBroker({}, async (broker) => {
      const producer = await broker.client().createProducer({ topic: "t", maxBatchDelayMs: 60_000 });
      const first = producer.send(message("a"));
      await new Promise((resolve) => setImmediate(resolve));
      const second = producer.send(message("b"));
      await producer.flush();
      expect((await second).batchSize).toBe(2);
      expect((await first).batchIndex).toBe(0);
      const quick = await broker.client().createProducer({ topic: "t", maxBatchDelayMs: 1 });
      await quick.send(message("c"));
    }));

  it("keeps keys apart by_key, in ascending sequence ids", () =>
    withBroker({}, async (broker) => {
      const producer = await broker.client().createProducer({ topic: "t", batching: "by_key" });
      const keyed = (key: string): OutgoingMessage => ({ ...message("x"), key });
      await Promise.all(
        [keyed("a"), keyed("b"), keyed("a"), message("x"), { ...message("x"), orderingKey: Buffer.from("a") }].map(
          (m) => producer.send(m),
        ),
      );
      expect(broker.all("send").map(({ sequenceId, count }) => [sequenceId, count])).toEqual([
        [0n, 2],
        [2n, 1],
        [3n, 1],
        [4n, 1],
      ]);
    }));

  it("sends again, in order and with the same sequence ids, what was not confirmed when the connection was lost", () => {
    let connections = 0;
    return withBroker(
      {
        producer: (peer, { requestId }) => {
          connections++;
          peer.write("producerSuccess", wire.PRODUCER_SUCCESS, { requestId, name: "own", lastSequenceId: -1n });
        },
        send: (peer, { producerId, sequenceId }) => {
          if (connections === 1 && sequenceId === 3n) peer.socket.destroy();
          else if (connections > 1 || sequenceId === 0n) peer.receipt(producerId!, sequenceId!, sequenceId!);
        },
      },
      async (broker) => {
        const producer = await broker.client().createProducer({ topic: "t", name: "own", batching: "none" });
        const ids = await Promise.all(["a", "b", "c", "d"].map((text) => producer.send(message(text))));
        expect(ids.map(({ entryId }) => entryId)).toEqual([0n, 1n, 2n, 3n]);
        expect(broker.all("send").map(({ sequenceId }) => sequenceId)).toEqual([0n, 1n, 2n, 3n, 1n, 2n, 3n]);
        expect(broker.all("producer").map(({ name, epoch }) => [name, epoch])).toEqual([
          ["own", 0],
          ["own", 1],
        ]);
      },
    );
  });

  it("attaches again after CLOSE_PRODUCER without losing the order of what waits", () =>
    withBroker({}, async (broker) => {
      const producer = await broker.client().createProducer({ topic: "t", batching: "none" });
      const id = broker.all("producer")[0]!.producerId!;
      broker.script = { send: (peer) => peer.write("closeProducer", wire.CLOSE, { id, requestId: 0 }) };
      const sent = [producer.send(message("a")), producer.send(message("b"))];
      await until(() => !producer.attached);
      broker.script = {};
      sent.push(producer.send(message("c")));
      await Promise.all(sent);
      const sequence = broker.all("send").map(({ sequenceId }) => sequenceId);
      expect(sequence.slice(-3)).toEqual([0n, 1n, 2n]);
    }));

  it("takes a receipt that is missing for a loss, and one that comes twice for nothing", () => {
    let swallow = true;
    return withBroker(
      {
        send: (peer, { producerId, sequenceId }) => {
          if (sequenceId === 1n && swallow) swallow = false;
          else for (let twice = 0; twice < 2; twice++) peer.receipt(producerId!, sequenceId!, sequenceId!);
        },
      },
      async (broker) => {
        const producer = await broker.client().createProducer({ topic: "t", batching: "none" });
        const ids = await Promise.all(["a", "b", "c"].map((text) => producer.send(message(text))));
        expect(ids.map(({ entryId }) => entryId)).toEqual([0n, 1n, 2n]);
        expect(broker.all("closeProducer").length).toBe(1);
        expect(broker.all("producer").length).toBe(2);
      },
    );
  });

  it("finds in the log what the broker has although its receipt was lost", () => {
    let lost = true;
    return withBroker(
      {
        send: (peer, { producerId, sequenceId }) => {
          if (sequenceId === 0n) peer.receipt(producerId!, 0n, 7n);
          else if (lost) {
            lost = false;
            peer.socket.destroy();
          } else peer.receipt(producerId!, sequenceId!, -1n, -1n);
        },
        lastMessageId: (peer, { requestId }) =>
          peer.write("lastMessageIdResponse", wire.LAST_MESSAGE_ID_RESPONSE, {
            requestId,
            messageId: { ledgerId: 1n, entryId: 9n },
          }),
        flow: (peer, { consumerId }) => {
          peer.message(consumerId!, 8n, { texts: ["of another"], producerName: "other", sequenceId: 1n });
          peer.message(consumerId!, 9n, { texts: ["b", "c"], producerName: "own", sequenceId: 1n });
        },
      },
      async (broker) => {
        const producer = await broker.client().createProducer({ topic: "t", name: "own" });
        await producer.send(message("a"));
        const ids = await Promise.all([producer.send(message("b")), producer.send(message("c"))]);
        expect(ids.map(({ entryId, batchIndex }) => [entryId, batchIndex])).toEqual([
          [9n, 0],
          [9n, 1],
        ]);
        expect(broker.all("subscribe")[0]?.startMessageId).toMatchObject({ ledgerId: 1n, entryId: 7n });
        expect(producer.pending).toEqual({ messages: 0, bytes: 0 });
      },
    );
  });

  it("does not call stored what the broker drops as a duplicate and has not", () => {
    let lost = true;
    return withBroker(
      {
        send: (peer, { producerId, sequenceId }) => {
          if (lost) {
            lost = false;
            peer.socket.destroy();
          } else peer.receipt(producerId!, sequenceId!, -1n, -1n);
        },
      },
      async (broker) => {
        const producer = await broker.client().createProducer({ topic: "t", name: "own" });
        await expect(producer.send(message("a"))).rejects.toMatchObject({ code: "refused" });
      },
    );
  });

  it("confirms thousands, each with its own id", () =>
    withBroker({}, async (broker) => {
      const producer = await broker.client().createProducer({ topic: "t", batching: "none" });
      const ids = await Promise.all(Array.from({ length: 3_000 }, (_, n) => producer.send(message(`${n}`))));
      expect(ids.map(({ entryId }) => Number(entryId))).toEqual(ids.map((_, n) => n));
    }));

  it("says so when where a message was stored cannot be found out", () => {
    let lost = true;
    return withBroker(
      {
        send: (peer, { producerId, sequenceId }) => {
          if (lost) peer.socket.destroy();
          else peer.receipt(producerId!, sequenceId!, -1n, -1n);
          lost = false;
        },
        subscribe: (peer, { requestId }) => peer.error(requestId, 4),
      },
      async (broker) => {
        const producer = await broker.client().createProducer({ topic: "t", name: "own", sendTimeoutMs: 100 });
        await expect(producer.send(message("a"))).rejects.toMatchObject({ code: "timeout" });
        expect(producer.pending).toEqual({ messages: 0, bytes: 0 });
      },
    );
  });

  it("looks again where a message was stored while it has time, and the producer is there", async () => {
    for (const end of [false, true]) {
      let lost = true;
      let looks = 0;
      await withBroker(
        {
          send: (peer, { producerId, sequenceId }) => {
            if (lost) peer.socket.destroy();
            else peer.receipt(producerId!, sequenceId!, -1n, -1n);
            lost = false;
          },
          subscribe: (peer, { requestId }) => {
            looks += 1;
            peer.error(requestId, 4);
          },
        },
        async (broker) => {
          const producer = await broker.client().createProducer({ topic: "t", name: "own", sendTimeoutMs: 0 });
          const sent = producer.send(message("a"));
          const told = expect(sent).rejects.toMatchObject({ code: end ? "closed" : "refused" });
          await expect.poll(() => looks).toBe(1);
          // From now on it can be read, and is empty.
          if (end) (producer as OwnedProducer).abort(new PulsarError("closed", "It is over."));
          else broker.script = {};
          await told;
        },
      );
    }
  });

  it("is refused when the application broke the message after it gave it", () =>
    withBroker({}, async (broker) => {
      const producer = await broker.client().createProducer({ topic: "t" });
      const given = { data: Buffer.from("x"), properties: { a: "b" } };
      const [sent, after] = [producer.send(given), producer.send(message("y"))];
      Object.assign(given.properties, { a: undefined });
      await expect(sent).rejects.toMatchObject({ code: "invalid_argument" });
      await expect(after).rejects.toMatchObject({ code: "invalid_argument" });
      await producer.send(message("goes on"));
    }));

  it("gives -1n for what the application itself sent twice", () =>
    withBroker(
      { send: (peer, { producerId, sequenceId }) => peer.receipt(producerId!, sequenceId!, -1n, -1n) },
      async (broker) => {
        const producer = await broker.client().createProducer({ topic: "t", name: "own", initialSequenceId: 3n });
        expect(await producer.send(message("a"))).toMatchObject({ ledgerId: -1n, entryId: -1n });
        expect(broker.all("send")[0]?.sequenceId).toBe(3n);
      },
    ));
});
