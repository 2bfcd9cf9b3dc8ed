/** Writes a log through the native client, which keeps order and sequence over reconnections. */
import { pause, type Runtime } from "@distribution/core/runtime";
import { compareEntries, type EntryId } from "../offset.ts";
import { type MessagePlace, type OutgoingMessage, PortError, type PortProducer, type ProduceOptions } from "../port.ts";
import type { NativeClient, NativeId, NativeProducer } from "./client.ts";
import { portErrorOf, resultOf, told } from "./failures.ts";
import { placeOf } from "./ids.ts";
import { sendable } from "./properties.ts";
import type { LogReader } from "./reader.ts";

export interface ProducerParts {
  readonly client: NativeClient;
  readonly runtime: Runtime;
  /** The newest entry; undefined when there is none. */
  lastEntry(topic: string): Promise<EntryId | undefined>;
  read(topic: string, after: EntryId | undefined): Promise<LogReader>;
}

const COMPRESSION = { none: "None", zlib: "Zlib", zstd: "ZSTD" } as const;
/** The adapter bounds what waits, before it comes here. */
const MOST_PENDING = 2_000_000_000;
/** Only going on tells whether a message is stored. 24 days, since the client takes 0 for its own default. */
const SEND_TIMEOUT_MS = 2 ** 31 - 1;
const LOOK_BYTES = 1024 * 1024;
const RETRY_MS = 500;
/** After so long without an answer a broker gives up what it was storing (bookkeeperClientTimeoutInSeconds), ms. */
const STORING_MS = 30_000;
/** A topic that gets nothing more. */
const FINAL: ReadonlySet<string> = new Set(["TopicTerminated", "TopicNotFound"]);
/** A message that was refused so is not in the log. */
const NOT_STORED: ReadonlySet<string> = new Set(["too_large", "full"]);

export async function openProducer(
  parts: ProducerParts,
  { topic, batches, compression }: ProduceOptions,
): Promise<PortProducer & { readonly connected: boolean }> {
  const entry = await parts.lastEntry(topic);
  const producer = await told(
    parts.client.createProducer({
      ...{ topic, sendTimeoutMs: SEND_TIMEOUT_MS, maxPendingMessages: MOST_PENDING, blockIfQueueFull: false },
      ...{ compressionType: COMPRESSION[compression], batchingEnabled: batches, batchingMaxPublishDelayMs: 1 },
    }),
  );
  const places = createPlaces(parts, topic, producer, entry);
  return {
    get connected() {
      return producer.isConnected();
    },
    get trouble() {
      return producer.isConnected() ? undefined : "its connection is lost";
    },
    send: (message) => places.settle(message, producer.send(nativeMessage(message))),
    async close() {
      places.close();
      await told(producer.close());
    },
    // The client does not wait in it for what is under way.
    abort(this: PortProducer) {
      this.close().catch(() => undefined);
    },
  };
}

function nativeMessage({ data, key, properties }: OutgoingMessage) {
  return {
    data: Buffer.from(data.buffer, data.byteOffset, data.length),
    properties: sendable(properties),
    // The client ends it at a zero byte. No event's key has control characters, so that it stays one of its own.
    ...(key === undefined ? {} : { partitionKey: key.replaceAll("\0", "\x01") }),
  };
}

/** A place in the log, and how many of the producer's messages lie between it and the one that is asked for. */
interface Known {
  readonly entry: EntryId | undefined;
  readonly since: number;
}

/**
 * Where messages were stored, in the order of sending. Of one whose confirmation was lost the broker says that it has it, and not where:
 * since it keeps order and stores once, that is so many of the producer's messages after the last whose place is known.
 */
function createPlaces(parts: ProducerParts, topic: string, producer: NativeProducer, entry: EntryId | undefined) {
  const name = producer.getProducerName();
  let known: Known = { entry, since: 0 };
  let turn: Promise<unknown> = Promise.resolve();
  let closed = false;

  const look = async (after: Known): Promise<MessagePlace> => {
    const reader = await parts.read(topic, after.entry);
    try {
      for (let left = after.since; ; ) {
        const messages = await reader.receive(LOOK_BYTES);
        if (messages.length === 0) throw new PortError("closed", "It is stored, and was not looked up any more.");
        for (const { producerName, place } of messages) {
          if (producerName === name) left -= 1;
          if (left === 0) return place;
        }
      }
    } finally {
      await reader.close();
    }
  };

  const lookToEnd = async ({ data }: OutgoingMessage, { entry: after }: Known): Promise<MessagePlace | undefined> => {
    const end = await parts.lastEntry(topic);
    if (end === undefined || (after !== undefined && compareEntries(after, end) >= 0)) return undefined;
    const reader = await parts.read(topic, after);
    try {
      for (;;) {
        const messages = await reader.receive(LOOK_BYTES);
        if (messages.length === 0) throw new PortError("closed", "It was not looked up any more.");
        for (const { producerName, place, data: stored } of messages) {
          if (producerName === name && Buffer.compare(stored, data) === 0) return place;
          if (compareEntries(place, end) >= 0 && place.batchIndex >= place.batchSize - 1) return undefined;
        }
      }
    } finally {
      await reader.close();
    }
  };

  const untilRead = async <T>(read: () => Promise<T>): Promise<T> => {
    for (;;) {
      try {
        return await read();
      } catch (failure) {
        const error = portErrorOf(failure);
        if (closed || error.code !== "unavailable") throw error;
        await pause(parts.runtime, RETRY_MS);
      }
    }
  };

  /** Whether a message is there that failed: until the log gets nothing more of it. */
  const lookFor = async (message: OutgoingMessage, until: number): Promise<MessagePlace | undefined> => {
    for (;;) {
      const found = await untilRead(() => lookToEnd(message, known));
      if (found !== undefined || parts.runtime.clock.monotonicMs() >= until) return found;
      if (closed) throw new PortError("closed", "It was not looked up any more.");
      await pause(parts.runtime, RETRY_MS);
    }
  };

  const settleInTurn = async (
    message: OutgoingMessage,
    sent: Promise<MessagePlace>,
    failedAt: () => number,
  ): Promise<MessagePlace> => {
    let place: MessagePlace;
    try {
      place = await sent;
    } catch (failure) {
      const error = portErrorOf(failure);
      if (NOT_STORED.has(error.code) || (closed && error.code === "closed")) throw error;
      const isFinal = FINAL.has(resultOf(failure));
      const found = await lookFor(message, isFinal ? 0 : failedAt() + STORING_MS);
      if (found === undefined) throw isFinal ? error : new PortError("ended", error.message, { cause: failure });
      known = { ...known, since: known.since + 1 };
      return found;
    }
    if (place.ledger < 0n) {
      const after = { ...known, since: known.since + 1 };
      known = after;
      return untilRead(() => look(after));
    }
    known = { entry: place, since: 0 };
    return place;
  };

  return {
    settle(message: OutgoingMessage, sending: Promise<NativeId>): Promise<MessagePlace> {
      const sent = sending.then(placeOf);
      let failed = 0;
      // It is looked at in its turn.
      sent.catch(() => {
        failed = parts.runtime.clock.monotonicMs();
      });
      const settled = turn.then(() => settleInTurn(message, sent, () => failed));
      turn = settled.catch(() => undefined);
      return settled;
    },
    close() {
      closed = true;
    },
  };
}
