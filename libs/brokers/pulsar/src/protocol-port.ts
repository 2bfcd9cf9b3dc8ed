/** The port on this project's own client of Pulsar's protocol. */
import type { LyingRecord, OptionNames } from "@distribution/broker-common";
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
import { awayRemedy, tlsRemedy } from "./failures.ts";
import type { EntryId } from "./offset.ts";
import { type Settings, sameNames } from "./options.ts";
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

/** A broker that hangs is left, and health says so, after it was silent for up to twice as long. */
const KEEP_ALIVE_MS = 5_000;
/** Brokers and parts in trouble that are remembered as told of. */
const MOST_TOLD = 10_000;

type Needs = Pick<
  Settings,
  "serviceUrl" | "tls" | "token" | "connectTimeoutMs" | "maxDecompressedBytes" | "logger" | "optionNames"
>;

export function createProtocolPort(settings: Needs, token: TokenSource): PulsarPort {
  const { logger, optionNames: called } = settings;
  const connected = new Set<string>();
  /** What the log has of this outage: one line a broker, and one a part that cannot attach although there is a broker. */
  const told = new Set<string>();
  const tell = (what: string, fields: object, message: string): void => {
    logger?.[told.has(what) ? "debug" : "warn"](fields, message);
    // Parts that were closed before they attached are never told of again.
    if (told.size >= MOST_TOLD) told.clear();
    told.add(what);
  };
  const port = <T>(promise: Promise<T>): Promise<T> => asPort(promise, called);
  let reason: string | undefined;

  let closing = false;
  const hear = (event: ClientEvent): void => {
    if (closing) return;
    if (event.type === "connected") {
      connected.add(event.broker);
      told.delete(event.broker);
      logger?.info({ broker: event.broker, version: event.serverVersion }, "Connected to Pulsar.");
    } else if (event.type === "disconnected" || event.type === "connect_failed") {
      connected.delete(event.broker);
      const message = messageOf(portErrorOf(event.error, called));
      reason = `${event.broker}: ${message}`;
      tell(event.broker, { broker: event.broker }, `Not connected to Pulsar: ${message}`);
    } else {
      const { part, topic, name } = event;
      const what = `${part} ${topic} ${name}`;
      if (event.type !== "attach_failed") told.delete(what);
      // Else the line about the broker is the one.
      else if (connected.size > 0) tell(what, { topic, part }, `Not attached to a topic: ${event.error.message}`);
    }
  };

  const client = connectPulsar({
    serviceUrl: settings.serviceUrl.href.replace(/\/$/, ""),
    tls: settings.tls,
    connectTimeoutMs: settings.connectTimeoutMs,
    keepAliveMs: KEEP_ALIVE_MS,
    maxDecompressedBytes: settings.maxDecompressedBytes,
    ...(settings.token === undefined ? {} : { token: () => token() ?? "" }),
    onEvent: hear,
  });

  return {
    async ready() {
      const { maxMessageSize } = await port(client.ready());
      return { maxMessageBytes: maxMessageSize };
    },

    async produce({ topic, batches, compression }) {
      const producer = await port(
        client.createProducer({
          ...{ topic, compression, batching: batches ? "together" : "none" },
          // What was sent may be stored: only going on tells whether it is.
          sendTimeoutMs: 0,
          // The adapter bounds what waits, before it comes here.
          maxPendingBytes: 2 ** 32,
          maxPendingMessages: 10_000_000,
        }),
      );
      return {
        get trouble() {
          return producer.trouble?.message;
        },
        get attachments() {
          return producer.attachments;
        },
        send: async (message: OutgoingMessage) =>
          placeOf(await producer.send(message).catch((failure: unknown) => notSent(failure, called))),
        close: () => port(producer.close()),
        abort: () => producer.abort(),
      } satisfies PortProducer;
    },

    async read({ topic, from, queueBytes, compacted }) {
      const reader = await port(
        client.createReader({ topic, from: startOf(from), queueBytes, readCompacted: compacted, createTopic: false }),
      );
      return {
        receive: async (maxBytes) => (await port(reader.receive({ maxBytes }))).map(received),
        close: () => port(reader.close()),
      } satisfies PortReader;
    },

    async seat({ topic, subscription, name, from, onActive, onReattached }) {
      let closed = false;
      let consumer: Consumer | undefined;
      const joined = await port(
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
        release: (entry) => port(joined.ackCumulative(idOf(entry))),
        async close() {
          closed = true;
          await port(joined.close());
        },
      };
    },

    health: () => ({ connected: connected.size > 0, reason }),
    close() {
      closing = true;
      return port(client.close());
    },
  };
}

const CODES: Partial<Record<PulsarErrorCode, PortErrorCode>> = {
  closed: "closed",
  tls: "refused",
  authentication: "refused",
  authorization: "refused",
  producer_fenced: "ended",
  topic_not_found: "unknown_topic",
  topic_terminated: "unknown_topic",
  partitioned_topic: "unknown_topic",
  message_too_large: "too_large",
  quota_exceeded: "full",
  checksum_mismatch: "damaged",
  entry_corrupt: "damaged",
  unsupported: "damaged",
};

async function asPort<T>(promise: Promise<T>, called: OptionNames): Promise<T> {
  try {
    return await promise;
  } catch (failure) {
    throw portErrorOf(failure, called);
  }
}

/** Of a message, not of the whole: it was refused by itself. */
const OF_ONE_MESSAGE: ReadonlySet<PulsarErrorCode> = new Set([
  "refused",
  "invalid_argument",
  "checksum_mismatch",
  "unsupported",
]);

function notSent(failure: unknown, called: OptionNames): never {
  if (!(failure instanceof PulsarError) || !OF_ONE_MESSAGE.has(failure.code)) throw portErrorOf(failure, called);
  throw new PortError("not_taken", failure.message, { cause: failure });
}

/** What failed, with what to do about it where that is a setting's matter. */
export function portErrorOf(failure: unknown, called: OptionNames = sameNames): unknown {
  if (!(failure instanceof PulsarError)) return failure;
  // The token's file cannot be read: that says more.
  if (failure.cause instanceof DistributionError) return failure.cause;
  const { messageId, data } = failure;
  const entry = messageId === undefined ? {} : { entry: { ledger: messageId.ledgerId, entry: messageId.entryId } };
  const remedy = remedyOf(failure, called);
  const message = remedy === undefined ? failure.message : `${failure.message.replace(/\.$/, "")}; ${remedy}`;
  return new PortError(CODES[failure.code] ?? "unavailable", message, { cause: failure, data, ...entry });
}

function remedyOf({ code, cause }: PulsarError, called: OptionNames): string | undefined {
  const url = "serviceUrl";
  switch (code) {
    case "authentication":
      return `check ${called("token")}: the token is missing, wrong or expired`;
    case "authorization":
      return `the role of ${called("token")} lacks the permission`;
    case "tls":
      return tlsRemedy(cause, called, { url, plain: "pulsar://host:port" });
    case "handshake":
      return `check ${called(url)}: pulsar+ssl://host:port where the port wants TLS, pulsar://host:port where it speaks none`;
    case "protocol":
      return `check whether ${called(url)} is Pulsar's`;
    case "unavailable":
      return awayRemedy(cause, called, url);
    default:
      return undefined;
  }
}

const messageOf = (failure: unknown): string => (failure instanceof Error ? failure.message : String(failure));

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

  key(): string | undefined {
    return this.#decoded(({ key }) => key);
  }

  properties(): readonly (readonly [name: string, value: Uint8Array])[] {
    return this.#decoded(({ propertyList }) => propertyList);
  }

  get lying(): LyingRecord | undefined {
    const received = this.#message.received;
    if (received === undefined) return undefined;
    return {
      ...{ bytes: received.bytes, valueFrom: received.dataStart, valueTo: received.dataEnd },
      headersSize: received.metadataBytes,
      layHeaders: (places) => this.#decoded(() => received.findProperties(places)),
    };
  }

  /** The broker does not look into what a batch holds: any writer may have left anything there. */
  #decoded<T>(read: (message: Message) => T): T {
    try {
      return read(this.#message);
    } catch (cause) {
      if (!(cause instanceof PulsarError)) throw cause;
      throw new PortError("damaged", cause.message, { cause, entry: this.place, data: this.data });
    }
  }
}

const received = (message: Message): PortMessage => new ReceivedMessage(message);
