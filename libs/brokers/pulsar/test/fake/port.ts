/** A client of the Pulsar in memory. */
import { beforeEntry, type EntryId } from "../../src/offset.ts";
import {
  type OutgoingMessage,
  PortError,
  type PortMessage,
  type PortProducer,
  type PortReader,
  type PortSeat,
  type PortStart,
  type PulsarPort,
  type SeatOptions,
} from "../../src/port.ts";
import type { FakeLog } from "./log.ts";
import type { FakePulsar } from "./pulsar.ts";

const MAX_MESSAGE_BYTES = 5 * 1024 * 1024;

/** What a test brings about at the client. */
export interface FakePort extends PulsarPort {
  /** What the next `ready` and the next `send` fail with. */
  failReady: PortError | undefined;
  failSend: PortError | undefined;
  /** What opening a producer on this address fails with, and sending this message. */
  failProduce(topic: string): PortError | undefined;
  failMessage(message: OutgoingMessage): PortError | undefined;
  connected: boolean;
  /** Sends wait until it resolves. */
  hold: Promise<void> | undefined;
  /** Whether seats say that their connection is there. */
  attached: boolean;
  /** Whether seats are told at the start who is active; a real one takes a second for it, or does not. */
  tells: boolean;
}

export function createFakePort(pulsar: FakePulsar): FakePort {
  const port: FakePort = {
    ...{ failReady: undefined, failSend: undefined, connected: true, hold: undefined, attached: true, tells: true },
    failProduce: () => undefined,
    failMessage: () => undefined,
    async ready() {
      if (port.failReady !== undefined) throw port.failReady;
      return { maxMessageBytes: MAX_MESSAGE_BYTES };
    },
    async produce({ topic, batches }) {
      pulsar.log(topic);
      const failure = port.failProduce(topic);
      if (failure !== undefined) throw failure;
      return createProducer(port, () => pulsar.log(topic), batches);
    },
    async read({ topic, from }) {
      return createReader(pulsar.log(topic), from);
    },
    async seat(options) {
      return createSeat(port, pulsar.log(options.topic), options);
    },
    health: () => ({ connected: port.connected, reason: port.connected ? undefined : "cut off" }),
    async close() {},
  };
  return port;
}

function createProducer(port: FakePort, log: () => FakeLog, batches: boolean): PortProducer {
  let waiting: { message: OutgoingMessage; settle: (run: () => EntryId, index: number, size: number) => void }[] = [];
  const flush = (): void => {
    const all = waiting.filter(({ message, settle }) => {
      const failure = port.failMessage(message);
      if (failure === undefined) return true;
      settle(
        () => {
          throw failure;
        },
        0,
        0,
      );
      return false;
    });
    waiting = [];
    const { failSend } = port;
    port.failSend = undefined;
    let entry: EntryId | undefined;
    const store = (): EntryId => {
      if (failSend !== undefined) throw failSend;
      entry ??= log().store(
        all.map(({ message }) => message),
        batches,
      );
      return entry;
    };
    for (const [index, { settle }] of all.entries()) settle(store, index, all.length);
  };
  return {
    send: (message) =>
      new Promise((resolve, reject) => {
        const settle = (run: () => EntryId, index: number, size: number): void => {
          try {
            resolve({ ...run(), batchIndex: batches ? index : -1, batchSize: batches ? size : 0 });
          } catch (failure) {
            reject(failure as Error);
          }
        };
        waiting.push({ message, settle });
        if (!batches || waiting.length === 1) void (port.hold ?? Promise.resolve()).then(flush);
      }),
    async close() {},
    abort() {},
  };
}

function createReader(log: FakeLog, from: PortStart): PortReader {
  let closed = false;
  let next = firstOf(from);
  return {
    async receive(maxBytes) {
      for (;;) {
        if (closed) return [];
        if (log.deleted) throw new PortError("unknown_topic", "the topic is gone");
        const messages: PortMessage[] = [];
        let room = maxBytes;
        let found = log.from(next);
        while (found !== undefined && (messages.length === 0 || room > 0)) {
          if (found.damaged) {
            if (messages.length > 0) break;
            const data = found.messages[0]!.data;
            throw new PortError("damaged", "it cannot be unpacked", { entry: found.id, data });
          }
          messages.push(...found.messages);
          room -= found.messages.reduce((sum, { data }) => sum + data.length, 0);
          next = { ledger: found.id.ledger, entry: found.id.entry + 1n };
          found = log.from(next);
        }
        if (messages.length > 0) return messages;
        await log.changed();
      }
    },
    async close() {
      closed = true;
      log.wake();
    },
  };
}

function firstOf(from: PortStart): EntryId {
  if ("entry" in from) return from.entry;
  if ("after" in from) return { ledger: from.after.ledger, entry: from.after.entry + 1n };
  return beforeEntry({ ledger: 0n, entry: 0n });
}

/** The first in line is active. */
function createSeat(
  port: FakePort,
  log: FakeLog,
  { subscription: name, name: owner, onActive, onReattached }: SeatOptions,
): PortSeat {
  const subscription = log.subscribe(name);
  const consumer = { name: owner, onActive, onReattached };
  subscription.consumers.push(consumer);
  if (port.tells) queueMicrotask(() => onActive(subscription.consumers[0] === consumer));
  return {
    get attached() {
      return port.attached;
    },
    async release(entry) {
      subscription.released = entry;
    },
    async close() {
      const at = subscription.consumers.indexOf(consumer);
      if (at < 0) return;
      subscription.consumers.splice(at, 1);
      if (at === 0) subscription.consumers[0]?.onActive(true);
    },
  };
}
