/** The port on this project's own client of Pulsar's protocol. */
import { DistributionError } from "@distribution/core/errors";
import {
  type ClientEvent,
  type Consumer,
  connectPulsar,
  type Message,
  type MessageId,
  PulsarError,
  type PulsarErrorCode,
  type ReaderStart,
} from "@distribution/pulsar-protocol";
import type { EntryId } from "./offset.ts";
import type { Settings } from "./options.ts";
import {
  type MessagePlace,
  type OutgoingMessage,
  PortError,
  type PortErrorCode,
  type PortMessage,
  type PortProducer,
  type PortReader,
  type PortStart,
  type PulsarPort,
} from "./port.ts";
import type { TokenSource } from "./token.ts";

type Needs = Pick<Settings, "serviceUrl" | "tls" | "token" | "connectTimeoutMs" | "logger">;

export function createProtocolPort(settings: Needs, token: TokenSource): PulsarPort {
  const { logger } = settings;
  const connected = new Set<string>();
  let reason: string | undefined;

  let closing = false;
  const hear = (event: ClientEvent): void => {
    if (closing) return;
    if (event.type === "connected") {
      connected.add(event.broker);
      logger?.info({ broker: event.broker, version: event.serverVersion }, "Connected to Pulsar.");
    } else if (event.type === "disconnected" || event.type === "connect_failed") {
      connected.delete(event.broker);
      reason = `${event.broker}: ${event.error.message}`;
      logger?.warn({ broker: event.broker }, `Not connected to Pulsar: ${event.error.message}`);
    } else if (event.type === "attach_failed") {
      logger?.warn({ topic: event.topic, part: event.part }, `Not attached to a topic: ${event.error.message}`);
    }
  };

  const client = connectPulsar({
    serviceUrl: settings.serviceUrl.href.replace(/\/$/, ""),
    tls: settings.tls,
    connectTimeoutMs: settings.connectTimeoutMs,
    ...(settings.token === undefined ? {} : { token: () => token() ?? "" }),
    onEvent: hear,
  });

  return {
    async ready() {
      const { maxMessageSize } = await told(client.ready());
      return { maxMessageBytes: maxMessageSize };
    },

    async produce({ topic, batches, compression, timeoutMs }) {
      const producer = await told(
        client.createProducer({
          ...{ topic, compression, batching: batches ? "together" : "none", sendTimeoutMs: timeoutMs },
          // The adapter bounds what waits, before it comes here.
          maxPendingBytes: 2 ** 32,
          maxPendingMessages: 10_000_000,
        }),
      );
      return {
        send: async (message: OutgoingMessage) => placeOf(await told(producer.send(message))),
        close: () => told(producer.close()),
      } satisfies PortProducer;
    },

    async read({ topic, from, queueBytes, compacted }) {
      const reader = await told(
        client.createReader({ topic, from: startOf(from), queueBytes, readCompacted: compacted, createTopic: false }),
      );
      return {
        receive: async (maxBytes) => (await told(reader.receive({ maxBytes }))).map(messageOf),
        close: () => told(reader.close()),
      } satisfies PortReader;
    },

    async seat({ topic, subscription, name, from, onActive, onReattached }) {
      let closed = false;
      let consumer: Consumer | undefined;
      const joined = await told(
        client.subscribe({
          ...{ topic, subscription, name, type: "failover", initialPosition: from, createTopic: false },
          // It is there for its place alone: one message waits, and is never taken.
          ...{ queueMessages: 1, queueBytes: 1024 },
          onActiveChange: (active) => {
            // A lost connection ends it as well; whether another process has it by then is not known.
            if (!closed && (active || (consumer?.attached ?? true))) onActive(active);
          },
          onReattached: () => {
            if (!closed) onReattached();
          },
        }),
      );
      consumer = joined;
      return {
        get attached() {
          return joined.attached;
        },
        release: (entry) => told(joined.ackCumulative(idOf(entry))),
        async close() {
          closed = true;
          await told(joined.close());
        },
      };
    },

    health: () => ({ connected: connected.size > 0, reason }),
    close() {
      closing = true;
      return told(client.close());
    },
  };
}

const CODES: Partial<Record<PulsarErrorCode, PortErrorCode>> = {
  closed: "closed",
  authentication: "refused",
  authorization: "refused",
  topic_not_found: "unknown_topic",
  topic_terminated: "unknown_topic",
  partitioned_topic: "unknown_topic",
  message_too_large: "too_large",
  quota_exceeded: "full",
  checksum_mismatch: "damaged",
  entry_corrupt: "damaged",
  unsupported: "damaged",
};

async function told<T>(promise: Promise<T>): Promise<T> {
  try {
    return await promise;
  } catch (failure) {
    throw portErrorOf(failure);
  }
}

export function portErrorOf(failure: unknown): unknown {
  if (!(failure instanceof PulsarError)) return failure;
  // The token's file cannot be read: that says more.
  if (failure.cause instanceof DistributionError) return failure.cause;
  const { messageId } = failure;
  const entry = messageId === undefined ? {} : { entry: { ledger: messageId.ledgerId, entry: messageId.entryId } };
  return new PortError(CODES[failure.code] ?? "unavailable", failure.message, { cause: failure, ...entry });
}

const placeOf = ({ ledgerId, entryId, batchIndex, batchSize }: MessageId): MessagePlace => ({
  ...{ ledger: ledgerId, entry: entryId, batchIndex, batchSize },
});

const idOf = ({ ledger, entry }: EntryId): MessageId => ({
  ...{ ledgerId: ledger, entryId: entry, partition: -1, batchIndex: -1, batchSize: 0 },
});

function startOf(from: PortStart): ReaderStart {
  if ("entry" in from) return { id: idOf(from.entry), inclusive: true };
  if ("after" in from) return { id: idOf(from.after), inclusive: false };
  return from;
}

/** A class, so that a message costs one object: what is not asked for is not decoded. */
class ReceivedMessage implements PortMessage {
  readonly place: MessagePlace;
  readonly data: Uint8Array;
  readonly time: bigint;
  readonly #message: Message;

  constructor(message: Message) {
    this.place = placeOf(message.id);
    this.data = message.data;
    this.time = message.brokerTime ?? message.publishTime;
    this.#message = message;
  }

  properties(): readonly (readonly [name: string, value: string])[] {
    return Object.entries(this.#message.properties);
  }
}

const messageOf = (message: Message): PortMessage => new ReceivedMessage(message);
