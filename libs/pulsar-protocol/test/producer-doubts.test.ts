/** Messages that may be stored, and were refused when they were sent again: the log says which it is. */
import { describe, expect, it, onTestFinished, vi } from "vitest";
import type { OutgoingMessage } from "../src/index.ts";
import * as wire from "../src/wire/commands.ts";
import { type FakeBroker, type Script, withBroker } from "./support/fake-broker.ts";

const message = (text: string): OutgoingMessage => ({ data: Buffer.from(text) });
const NOT_ALLOWED = 22;
const TERMINATED = 15;
const NOT_FOUND = 11;
const FENCED = 25;

/** Stores message 0, takes the next ones and loses the connection; `refuse` answers what comes then. Of those, the log has `stored`. */
function losing(stored: readonly bigint[], refuse: Script): Script {
  let lost = false;
  return {
    send: (peer, { producerId, sequenceId }) => {
      if (sequenceId === 0n) return peer.receipt(producerId!, 0n, 0n);
      lost = true;
      peer.socket.destroy();
    },
    lastMessageId: (peer, { requestId }) => {
      const messageId = { ledgerId: 1n, entryId: 3n };
      peer.write("lastMessageIdResponse", wire.LAST_MESSAGE_ID_RESPONSE, { requestId, messageId });
    },
    flow: (peer, { consumerId }) => {
      for (const id of stored) peer.message(consumerId!, id, { texts: [`${id}`], producerName: "own", sequenceId: id });
      peer.message(consumerId!, 3n, { texts: ["of another"], producerName: "other" });
    },
    producer: (peer, body) => {
      const answer = { requestId: body.requestId, name: "own", lastSequenceId: -1n };
      if (lost && refuse.producer !== undefined) refuse.producer(peer, body);
      else peer.write("producerSuccess", wire.PRODUCER_SUCCESS, answer);
      if (lost && refuse.send !== undefined) broker.script.send = refuse.send;
    },
  };
}

let broker: FakeBroker;

const refusing: Script = {
  send: (peer, { producerId, sequenceId }) =>
    peer.write("sendError", wire.SEND_ERROR, { producerId, sequenceId, error: NOT_ALLOWED, message: "no" }),
};

async function sendTwo(own: FakeBroker): Promise<unknown[]> {
  broker = own;
  const options = { topic: "t", name: "own", batching: "none", sendTimeoutMs: 0 } as const;
  const producer = await own.client().createProducer(options);
  await producer.send(message("0"));
  const sent = await Promise.allSettled([producer.send(message("1")), producer.send(message("2"))]);
  expect(producer.pending).toEqual({ messages: 0, bytes: 0 });
  await producer.close();
  return sent.map((one) => (one.status === "fulfilled" ? one.value.entryId : (one.reason as { code: string }).code));
}

describe("what is refused when it is sent again", () => {
  it("is where the log has it, else refused", () =>
    withBroker(losing([1n], refusing), async (own) => {
      expect(await sendTwo(own)).toEqual([1n, "refused"]);
    }));

  it.each([
    [TERMINATED, "topic_terminated"],
    [NOT_FOUND, "topic_not_found"],
  ])("is looked for in a log that is still there, after error %i of the topic", (error, code) =>
    withBroker(losing([2n], { producer: (peer, { requestId }) => peer.error(requestId, error) }), async (own) => {
      expect(await sendTwo(own)).toEqual([code, error === TERMINATED ? 2n : code]);
    }),
  );

  it("is looked for again while the broker may be storing it", () => {
    let looks = 0;
    const stored: bigint[] = [];
    const script = losing(stored, {
      ...refusing,
      producer: (peer, { requestId }) =>
        peer.write("producerSuccess", wire.PRODUCER_SUCCESS, { requestId, name: "own", lastSequenceId: 1n }),
    });
    const subscribe: Script["subscribe"] = (peer, { requestId }) => {
      looks += 1;
      if (looks === 3) stored.push(1n);
      peer.success(requestId);
    };
    return withBroker({ ...script, subscribe }, async (own) => {
      expect(await sendTwo(own)).toEqual([1n, "refused"]);
      expect(looks).toBeGreaterThanOrEqual(3);
    });
  });

  it("is looked for again while the broker may be storing it, when the producer may not come back", () => {
    let looks = 0;
    const stored: bigint[] = [];
    const script = losing(stored, { producer: (peer, { requestId }) => peer.error(requestId, FENCED) });
    const subscribe: Script["subscribe"] = (peer, { requestId }) => {
      looks += 1;
      if (looks === 3) stored.push(1n, 2n);
      peer.success(requestId);
    };
    return withBroker({ ...script, subscribe }, async (own) => {
      expect(await sendTwo(own)).toEqual([1n, 2n]);
    });
  });

  it("is looked for as well when it was sent once, and what came behind it ended the producer", () => {
    const script = losing([1n], {});
    const send: Script["send"] = (peer, { producerId, sequenceId }) => {
      if (sequenceId === 0n) return peer.receipt(producerId!, 0n, 0n);
      if (sequenceId === 1n) return;
      peer.write("sendError", wire.SEND_ERROR, { producerId, sequenceId, error: TERMINATED, message: "no" });
    };
    return withBroker({ ...script, send }, async (own) => {
      expect(await sendTwo(own)).toEqual([1n, "topic_terminated"]);
    });
  });

  it("is refused when the log ends before the time from which the only message is looked for", () => {
    let last: number | undefined;
    return withBroker(
      {
        ...losing([], { producer: (peer, { requestId }) => peer.error(requestId, TERMINATED) }),
        subscribe: (peer, { requestId, consumerId, startMessageId }) => {
          if (startMessageId?.entryId === 3n) last = consumerId;
          peer.success(requestId);
        },
        flow: (peer, { consumerId }) => {
          if (consumerId === last) peer.message(consumerId!, 3n, { texts: ["old"], producerName: "other" });
        },
      },
      async (own) => {
        broker = own;
        own.script.send = (peer) => {
          own.script.producer = (again, { requestId }) => again.error(requestId, TERMINATED);
          peer.socket.destroy();
        };
        const producer = await own.client().createProducer({ topic: "t", name: "own", sendTimeoutMs: 0 });
        await expect(producer.send(message("1"))).rejects.toMatchObject({ code: "topic_terminated" });
        await producer.close();
      },
    );
  });

  it("is refused when a batch of the producer's own is the log's end", () => {
    const script = losing([], refusing);
    return withBroker(
      {
        ...script,
        lastMessageId: (peer, { requestId }) => {
          const messageId = { ledgerId: 1n, entryId: 0n, batchIndex: 1 };
          peer.write("lastMessageIdResponse", wire.LAST_MESSAGE_ID_RESPONSE, { requestId, messageId });
        },
        flow: () => undefined,
      },
      async (own) => {
        broker = own;
        const producer = await own.client().createProducer({ topic: "t", name: "own", sendTimeoutMs: 0 });
        await Promise.all([producer.send(message("0")), producer.send(message("1"))]);
        await expect(producer.send(message("2"))).rejects.toMatchObject({ code: "refused" });
        await producer.close();
      },
    );
  });

  it("is found in a log that does not tell its end", () =>
    withBroker(
      {
        ...losing([1n], { producer: (peer, { requestId }) => peer.error(requestId, TERMINATED) }),
        lastMessageId: (peer, { requestId }) =>
          peer.write("lastMessageIdResponse", wire.LAST_MESSAGE_ID_RESPONSE, {
            requestId,
            messageId: { ledgerId: -1n, entryId: -1n },
          }),
      },
      async (own) => {
        expect(await sendTwo(own)).toEqual([1n, "topic_terminated"]);
      },
    ));

  it("is not sent again after so long that the broker may have forgotten the producer", () =>
    withBroker(
      losing([2n], { send: (peer, { producerId, sequenceId }) => peer.receipt(producerId!, sequenceId!, 9n) }),
      async (own) => {
        vi.useFakeTimers({ toFake: ["Date"] });
        onTestFinished(() => void vi.useRealTimers());
        const { producer } = own.script;
        own.script.producer = (peer, body) => {
          if (own.all("producer").length === 2) vi.setSystemTime(Date.now() + 4 * 3_600_000 + 1);
          producer!(peer, body);
        };
        expect(await sendTwo(own)).toEqual(["refused", 2n]);
        expect(own.all("send").map(({ sequenceId }) => sequenceId)).toEqual([0n, 1n, 2n]);
      },
    ));

  it("is told to be open when the client is closed before the log could be read", () =>
    withBroker(
      { ...losing([0n], refusing), subscribe: (peer, { requestId }) => peer.error(requestId, 4) },
      async (own) => {
        broker = own;
        const client = own.client();
        const producer = await client.createProducer({ topic: "t", name: "own", sendTimeoutMs: 0 });
        await producer.send(message("0"));
        const sent = expect(producer.send(message("1"))).rejects.toMatchObject({ code: "closed" });
        await expect.poll(() => own.all("subscribe").length).toBeGreaterThan(0);
        const closing = producer.close();
        await client.close();
        await Promise.all([sent, closing]);
      },
    ));
});
