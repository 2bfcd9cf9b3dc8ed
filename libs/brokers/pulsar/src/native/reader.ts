/**
 * Reads a log through attachments, one after the other: the native client cannot be told to wait, so an attachment ends when enough
 * has come, and the next one follows when that is taken.
 */
import { pause, type Runtime } from "@distribution/core/runtime";
import type { EntryId } from "../offset.ts";
import { type MessagePlace, PortError, type PortReader, type PortStart, type ReadOptions } from "../port.ts";
import { attach } from "./attachment.ts";
import type { NativeApi, NativeClient } from "./client.ts";
import { portErrorOf } from "./failures.ts";
import { compareMessages } from "./ids.ts";
import type { Listening } from "./listening.ts";
import type { ReceivedMessage } from "./message.ts";

export interface ReaderParts {
  readonly api: NativeApi;
  readonly client: NativeClient;
  readonly runtime: Runtime;
}

export interface LogReader extends PortReader {
  readonly connected: boolean;
  receive(maxBytes: number): Promise<readonly ReceivedMessage[]>;
  /** Ends it: a waiting `receive` rejects with this. */
  fail(failure: PortError): void;
}

/** What a message takes beside its data, bytes. */
const MESSAGE_BYTES = 256;
/**
 * Messages that are on their way at a time, each as large as a message may be. With one the client waits for ever where the first that
 * comes is one that it passes over.
 */
const QUEUE_MESSAGES = 64;
const RETRY_MS = 500;

interface From {
  /** What lies before it is not wanted. */
  isWanted(place: MessagePlace): boolean;
  /** The first message that may be given; undefined: the oldest that is kept. */
  readonly first: MessagePlace | undefined;
}

function fromOf(start: PortStart): From {
  if ("at" in start) return { isWanted: () => true, first: undefined };
  const isAfter = "after" in start;
  const { ledger, entry } = isAfter ? start.after : start.entry;
  const first = { ledger, entry, batchIndex: 0, batchSize: 0 };
  return {
    isWanted(place) {
      const order = compareMessages({ ...place, batchIndex: 0 }, first);
      return isAfter ? order > 0 : order >= 0;
    },
    first,
  };
}

export async function openReader(parts: ReaderParts, options: ReadOptions): Promise<LogReader> {
  const { api, client, runtime } = parts;
  const from = fromOf(options.from);
  let queue: ReceivedMessage[] = [];
  let bytes = 0;
  let last: MessagePlace | undefined;
  let attachment: Listening | undefined;
  let isFull = false;
  let closed = false;
  let failed: PortError | undefined;
  let arrived = Promise.withResolvers<void>();

  const take = (message: ReceivedMessage): boolean => {
    const { place } = message;
    // What came before comes again where a connection was lost.
    const isNew = last === undefined || compareMessages(place, last) > 0;
    if (!isNew || !from.isWanted(place) || failed !== undefined) return true;
    if (!options.compacted && last !== undefined && place.ledger === last.ledger && place.entry > last.entry + 1n) {
      fail(passedOver({ ledger: last.ledger, entry: last.entry + 1n }));
      return true;
    }
    last = place;
    queue.push(message);
    bytes += message.data.length + MESSAGE_BYTES;
    arrived.resolve();
    if (bytes < options.queueBytes) return true;
    // All readers share the client's thread, which waits until this one is closed.
    isFull = true;
    void attachment?.close();
    return false;
  };

  const fail = (failure: PortError): void => {
    failed ??= failure;
    arrived.resolve();
  };

  const follow = async (): Promise<void> => {
    attachment = await attach({
      ...{ api, client, runtime, topic: options.topic, compacted: options.compacted, take },
      ...{ from: last ?? from.first, queueMessages: QUEUE_MESSAGES },
    });
    if (closed || isFull) await attachment.close();
  };

  /** The next attachment, from where the one before was full. */
  const goOn = async (): Promise<void> => {
    await attachment?.close();
    isFull = false;
    while (!closed && failed === undefined) {
      try {
        return await follow();
      } catch (failure) {
        const error = portErrorOf(failure);
        if (error.code !== "unavailable") throw error;
        await pause(runtime, RETRY_MS);
      }
    }
  };

  const close = async (): Promise<void> => {
    closed = true;
    queue = [];
    arrived.resolve();
    await attachment?.close();
  };

  await follow();
  return {
    get connected() {
      return attachment?.connected ?? false;
    },
    async receive(maxBytes) {
      while (queue.length === 0) {
        if (failed !== undefined) throw failed;
        if (closed) return [];
        if (isFull) await goOn();
        else {
          await arrived.promise;
          arrived = Promise.withResolvers<void>();
        }
      }
      let count = 0;
      let size = 0;
      while (count < queue.length && (count === 0 || size + queue[count]!.data.length <= maxBytes)) {
        size += queue[count]!.data.length;
        count += 1;
      }
      bytes -= size + count * MESSAGE_BYTES;
      return queue.splice(0, count);
    },
    close,
    fail,
  };
}

/** The client passes over what it cannot unpack, and does not say so. */
function passedOver(entry: EntryId): PortError {
  return new PortError("damaged", "pulsar-client passed over it: it is no message, or cannot be unpacked", { entry });
}
