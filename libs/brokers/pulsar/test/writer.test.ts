/** What the writer of a partition does with its producers. */
import { AppendCalls, type RecordForm } from "@distribution/broker-common";
import { type Appended, AppendUnsettled } from "@distribution/core/brokers";
import { DistributionError } from "@distribution/core/errors";
import { systemRuntime } from "@distribution/core/runtime";
import { batchOf } from "@distribution/testkit/broker";
import { expect, test } from "vitest";
import { createWriter } from "../src/append/writer.ts";
import { type MessagePlace, PortError, type PortProducer } from "../src/port.ts";

const PLACE: MessagePlace = { ledger: 1n, entry: 0n, batchIndex: -1, batchSize: 0 };
const gone = new DistributionError("unknown_topic", "t was deleted");

/** A writer on producers that `open` gives, and what it did to them. */
function writing(open: (did: string[]) => Promise<Partial<PortProducer>>, form: RecordForm = "packed") {
  const did: string[] = [];
  const asked: string[] = [];
  const calls = new AppendCalls({
    ...{ runtime: systemRuntime, timeoutMs: 5000, maxQueuedBytes: 1000, engine: "Pulsar" },
    late: () => new DistributionError("unavailable", "late"),
  });
  const writer = createWriter({
    ...{ name: "t/0", form, runtime: systemRuntime, maxMessageBytes: 1000, maxInFlightBytes: 1000 },
    async open() {
      did.push("open");
      const usual: PortProducer = {
        send: async () => PLACE,
        close: async () => void did.push("close"),
        abort: () => void did.push("abort"),
      };
      return Object.setPrototypeOf(await open(did), usual) as PortProducer;
    },
    epochNow: async () => {
      asked.push("epoch");
      return `epoch ${asked.length}`;
    },
    onStored: () => undefined,
    onUnknownTopic: () => void did.push("ask for the topic"),
  });
  const write = (id: string): Promise<unknown> => {
    const writes = [{ topic: "t", partition: 0, batch: batchOf([{ id, key: "k" }]) }];
    const call = calls.begin(writes, 1);
    writer.write(writes[0]!.batch, call, 0);
    return call.answer.catch((failure: unknown) => failure);
  };
  return { did, asked, writer, write };
}

test("what is under way when the topic is deleted is aborted, not brought to its end", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const { did, writer, write } = writing(async () => ({
    send: () => {
      resolve();
      return new Promise(() => undefined);
    },
  }));
  const answer = write("a");
  await promise;
  writer.abandon(gone);
  expect(await answer).toBe(gone);
  expect(did).toEqual(["open", "abort"]);
});

test("a producer that is closed for being of no use is aborted as well when the topic is deleted", async () => {
  const { did, writer, write } = writing(async (done) => ({
    send: async () => {
      throw new PortError("refused", "because");
    },
    close: () => {
      done.push("close");
      return new Promise(() => undefined);
    },
  }));
  expect(await write("a")).toMatchObject({ code: "unavailable" });
  writer.abandon(gone);
  expect(did).toEqual(["open", "close", "abort"]);
});

test.each(["abandon", "close"] as const)("a producer that opens after %s is let go", async (end) => {
  const opening = Promise.withResolvers<Partial<PortProducer>>();
  const { did, writer, write } = writing(() => opening.promise);
  void write("a");
  await expect.poll(() => did).toEqual(["open"]);
  await writer[end](gone);
  opening.resolve({});
  await expect.poll(() => did).toEqual(["open", "abort"]);
});

/** The first producer refuses what it is given; those after it take it. */
function firstRefuses(code: PortError["code"]): () => Promise<Partial<PortProducer>> {
  let opened = 0;
  return async () => {
    opened += 1;
    if (opened > 1) return {};
    return {
      send: async () => {
        throw new PortError(code, "another producer took the topic");
      },
    };
  };
}

test("a producer of which the outcome is not to be found out is replaced, once it is closed", async () => {
  const { did, write } = writing(firstRefuses("unavailable"));
  expect(await write("a")).toBeInstanceOf(AppendUnsettled);
  expect(await write("b")).toHaveLength(1);
  expect(did).toEqual(["open", "close", "open"]);
});

test("a producer of a topic that another one has to itself is replaced, and what it refused is nowhere", async () => {
  const { did, write } = writing(firstRefuses("ended"));
  const refused = await write("a");
  expect(refused).toMatchObject({ code: "unavailable" });
  expect(refused).not.toBeInstanceOf(AppendUnsettled);
  expect(await write("b")).toHaveLength(1);
  expect(did).toEqual(["open", "close", "open"]);
});

test("a late failure of a producer that was replaced leaves the next one alone", async () => {
  const late = Promise.withResolvers<MessagePlace>();
  let opened = 0;
  let sends = 0;
  const { did, write } = writing(async () => {
    opened += 1;
    if (opened > 1) return {};
    return {
      send: () => {
        sends += 1;
        return sends === 1 ? late.promise : Promise.reject(new PortError("ended", "another producer took the topic"));
      },
    };
  });
  const first = write("a");
  await expect.poll(() => sends).toBe(1);
  expect(await write("b")).toMatchObject({ code: "unavailable" });
  expect(await write("c")).toHaveLength(1);
  late.reject(new PortError("ended", "another producer took the topic"));
  expect(await first).toMatchObject({ code: "unavailable" });
  expect(await write("d")).toHaveLength(1);
  expect(did).toEqual(["open", "close", "open"]);
});

test("the epoch is asked for once while a producer stays attached, and again in a new ledger after that", async () => {
  const producer = { ledger: 1n, attachments: 1 as number | undefined };
  const { asked, write } = writing(async () => ({
    get attachments() {
      return producer.attachments;
    },
    send: async () => ({ ...PLACE, ledger: producer.ledger }),
  }));
  const epochIn = async (ledger: bigint, attachments: number | undefined): Promise<string> => {
    Object.assign(producer, { ledger, attachments });
    const [appended] = (await write("a")) as readonly Appended[];
    return appended!.epoch;
  };
  expect(await epochIn(1n, 1)).toBe("epoch 1");
  expect(await epochIn(2n, 1)).toBe("epoch 1");
  expect(await epochIn(2n, 2)).toBe("epoch 1");
  expect(await epochIn(3n, 2)).toBe("epoch 1");
  expect(await epochIn(4n, 3)).toBe("epoch 2");
  // A client that does not tell is asked for with every ledger.
  expect(await epochIn(5n, undefined)).toBe("epoch 3");
  expect(await epochIn(6n, undefined)).toBe("epoch 4");
  expect(asked).toHaveLength(4);
});

test("of messages that went together, those before a topic of the same name do not tell its epoch", async () => {
  const producer = { attachments: 1 };
  let sends = 0;
  const { write } = writing(async () => {
    const second = Promise.withResolvers<MessagePlace>();
    return {
      get attachments() {
        return producer.attachments;
      },
      send: () => {
        sends += 1;
        if (sends < 3) {
          if (sends === 2)
            setImmediate(() => {
              producer.attachments = 2;
              second.resolve({ ...PLACE, ledger: 2n });
            });
          return Promise.resolve(PLACE);
        }
        return second.promise;
      },
    };
  }, "cloudevents");
  const epochs = (answers: unknown[]): string[] => (answers as Appended[][]).map(([appended]) => appended!.epoch);
  expect(epochs([await write("a")])).toEqual(["epoch 1"]);
  expect(epochs(await Promise.all([write("b"), write("c")]))).toEqual(["epoch 1", "epoch 2"]);
});

test("a topic that is unknown when its producer is opened is asked for again", async () => {
  const { did, write } = writing(async () => {
    throw new PortError("unknown_topic", "it is gone");
  });
  expect(await write("a")).toMatchObject({ code: "unknown_topic" });
  expect(did).toEqual(["open", "ask for the topic"]);
});
