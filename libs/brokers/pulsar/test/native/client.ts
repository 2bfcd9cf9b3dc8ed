/**
 * npm's `pulsar-client` on the Pulsar in memory, with what is peculiar to it: one thread gives all readers' messages and waits for each
 * listener, messages are dropped before JavaScript has the reader, what a listener has in hand at a way back is not given again, and
 * properties come by name.
 */
import type { NativeApi, NativeId, NativeMessage } from "../../src/native/client.ts";
import { compareMessages, idBytes, placeOf } from "../../src/native/ids.ts";
import type { EntryId } from "../../src/offset.ts";
import { type MessagePlace, type OutgoingMessage, PortError, type PortMessage } from "../../src/port.ts";
import type { FakeLog } from "../fake/log.ts";
import type { FakePulsar } from "../fake/pulsar.ts";

type Listener = (message: NativeMessage) => Promise<void> | undefined;

/** What a test brings about. */
export interface FakeNative extends NativeApi {
  /** Entries that each new reader loses before it is there. */
  dropped: number;
  /** Confirmations that come without a place. */
  duplicates: number;
  /** What a message fails with; `stored`: it is in the log all the same. */
  failing: { readonly result: string; readonly stored: boolean } | undefined;
  /** What a lookup fails with. */
  lookup: string | undefined;
  connected: boolean;
  token: (() => string) | undefined;
  /** Which of a reader's messages is in hand when it goes back for the first time. */
  inHand: MessagePlace | undefined;
  readonly configs: Readonly<Record<string, unknown>>[];
}

const EARLIEST = idOf({ ledger: -1n, entry: -1n, batchIndex: -1, batchSize: 0 });
const LATEST = idOf({ ledger: 2n ** 62n, entry: 0n, batchIndex: -1, batchSize: 0 });

function idOf({ batchSize, ...place }: MessagePlace): NativeId {
  const bytes = idBytes(place);
  return { serialize: () => (batchSize === 0 ? bytes : Buffer.concat([bytes, Buffer.from([48, batchSize])])) };
}

/** A failure as the client words it. */
export const failure = (result: string): Error => new Error(`Failed to do so: ${result}`);

export function createFakeNative(pulsar: FakePulsar): FakeNative {
  const logOf = (topic: string): FakeLog => {
    try {
      return pulsar.log(topic);
    } catch (cause) {
      throw cause instanceof PortError ? failure("TopicNotFound") : cause;
    }
  };
  const native: FakeNative = {
    ...{
      dropped: 0,
      duplicates: 0,
      failing: undefined,
      lookup: undefined,
      connected: true,
      token: undefined,
      inHand: undefined,
      configs: [],
    },
    AuthenticationToken: class {
      constructor({ token }: { token: () => string }) {
        native.token = token;
      }
    },
    MessageId: {
      earliest: () => EARLIEST,
      latest: () => LATEST,
      deserialize: (bytes) => ({ serialize: () => bytes }),
    },
    Client: class {
      #thread: Promise<unknown> = Promise.resolve();
      constructor(config: object) {
        native.configs.push(config as Record<string, unknown>);
      }
      async getPartitionsForTopic() {
        native.token?.();
        if (native.lookup !== undefined) throw failure(native.lookup);
        return [];
      }
      async createProducer({ topic, batchingEnabled }: { topic: string; batchingEnabled: boolean }) {
        return createProducer(native, logOf(topic), batchingEnabled);
      }
      async createReader(config: { topic: string; startMessageId: NativeId; listener: Listener }) {
        const give = (run: () => Promise<void> | undefined): Promise<unknown> => {
          this.#thread = this.#thread.then(run);
          return this.#thread;
        };
        return createReader(native, logOf(config.topic), config, give);
      }
      async subscribe(config: { topic: string; subscription: string; consumerName: string }) {
        return createConsumer(native, logOf(config.topic), config);
      }
      async close() {}
    },
  };
  return native;
}

let producers = 0;
const producerOf = new WeakMap<Uint8Array, string>();

function createProducer(native: FakeNative, log: FakeLog, batches: boolean) {
  producers += 1;
  const name = `producer-${producers}`;
  return {
    async send({ data, partitionKey, properties }: Parameters<NativeSend>[0]) {
      if (log.deleted) throw failure("TopicNotFound");
      const message: OutgoingMessage = {
        ...{ data: Buffer.from(data), properties },
        ...(partitionKey === undefined ? {} : { key: partitionKey.split("\0")[0]! }),
      };
      producerOf.set(message.data, name);
      const { failing } = native;
      const entry = failing?.stored === false ? undefined : log.store([message], batches);
      if (failing !== undefined || entry === undefined) throw failure(failing!.result);
      if (native.duplicates > 0) {
        native.duplicates -= 1;
        return idOf({ ledger: -1n, entry: -1n, batchIndex: -1, batchSize: 0 });
      }
      return idOf({ ...entry, batchIndex: batches ? 0 : -1, batchSize: batches ? 1 : 0 });
    },
    getProducerName: () => name,
    isConnected: () => native.connected,
    async close() {},
  };
}

type NativeSend = Awaited<ReturnType<InstanceType<NativeApi["Client"]>["createProducer"]>>["send"];

async function createReader(
  native: FakeNative,
  log: FakeLog,
  { startMessageId, listener }: { startMessageId: NativeId; listener: Listener },
  give: (run: () => Promise<void> | undefined) => Promise<unknown>,
) {
  let next = startMessageId === LATEST ? endOf(log) : startOf(startMessageId);
  let closed = false;
  for (let dropped = native.dropped; dropped > 0; dropped -= 1) {
    const found = log.from(next);
    if (found !== undefined) next = { ledger: found.id.ledger, entry: found.id.entry + 1n };
  }
  let ignored: MessagePlace | undefined;
  const run = async (): Promise<void> => {
    while (!closed) {
      const found = log.from(next);
      if (found === undefined || log.deleted) {
        await log.changed();
        continue;
      }
      next = { ledger: found.id.ledger, entry: found.id.entry + 1n };
      for (const message of found.messages) {
        if (closed || (ignored !== undefined && compareMessages(message.place, ignored) <= 0)) continue;
        await give(() => (closed ? undefined : listener(nativeMessage(message))));
      }
    }
  };
  setImmediate(() => void run());
  return {
    async seek(id: NativeId) {
      if (!native.connected) throw failure("NotConnected");
      next = startOf(id);
      ignored = native.inHand;
      native.inHand = undefined;
      // What follows comes from the broker.
      setImmediate(() => log.wake());
    },
    isConnected: () => native.connected && !log.deleted,
    async close() {
      closed = true;
      log.wake();
    },
  };
}

function endOf({ ledgers }: FakeLog): EntryId {
  const { id, entries } = ledgers.at(-1)!;
  return { ledger: id, entry: BigInt(entries.length) };
}

/** The batch of the place comes again, and so does here what is none. */
function startOf(id: NativeId): EntryId {
  const { ledger, entry } = placeOf(id);
  return { ledger, entry: entry < 0n ? 0n : entry };
}

function nativeMessage({ place, data, time, key, properties }: PortMessage): NativeMessage {
  const pairs = properties().map(([name, value]) => [name, String(value).split("\0")[0]!] as const);
  return {
    getMessageId: () => idOf(place),
    getData: () => Buffer.from(data),
    getProperties: () => Object.fromEntries(pairs.toSorted(([a], [b]) => (a < b ? -1 : 1))),
    getPartitionKey: () => key() ?? "",
    getPublishTimestamp: () => Number(time),
    getProducerName: () => producerOf.get(data) ?? "",
  };
}

function createConsumer(
  native: FakeNative,
  log: FakeLog,
  { subscription: name, consumerName }: { subscription: string; consumerName: string },
) {
  const subscription = log.subscribe(name);
  const consumer = { name: consumerName, onActive: () => undefined, onReattached: () => undefined };
  subscription.consumers.push(consumer);
  return {
    async acknowledgeCumulativeId(id: NativeId) {
      const { ledger, entry } = placeOf(id);
      subscription.released = { ledger, entry };
    },
    isConnected: () => native.connected,
    async close() {
      const at = subscription.consumers.indexOf(consumer);
      if (at >= 0) subscription.consumers.splice(at, 1);
    },
  };
}
