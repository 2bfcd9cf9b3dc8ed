/**
 * What users of this library see: a client of Pulsar's binary protocol.
 *
 * A topic here is one log: a topic without partitions or one partition (`...-partition-N`). The parent of a partitioned
 * topic is refused (`partitioned_topic`), because a broker may take a producer on the parent for a topic of its own that
 * nobody reads: ask `partitions` first. 64-bit numbers are bigints; times are Unix milliseconds unless their name says more.
 *
 * Producers, consumers and readers attach again by themselves when a connection is lost or the topic moves to another
 * broker, with exponential back-off and full jitter. All errors are `PulsarError` (errors.ts) with a code.
 */

/** Where a message lies. Compare with `compareMessageIds`, and only within one topic: ledger, then entry, then batch index. */
export interface MessageId {
  /** -1n with `entryId` -1n: before the first message; or, from `send`, stored by an earlier attempt whose place could not be found. */
  readonly ledgerId: bigint;
  /** -1n: before the first entry of the ledger. */
  readonly entryId: bigint;
  /** The partition that the topic's name ends in, else -1. */
  readonly partition: number;
  /** Index within the entry's batch; -1: the entry as a whole, or its only message. */
  readonly batchIndex: number;
  /** Messages in the entry's batch; 0: not a batch. */
  readonly batchSize: number;
}

export type Compression = "none" | "zlib" | "zstd";

export interface TlsOptions {
  /** PEM of the authorities to trust instead of those that Node trusts. */
  readonly ca?: string | Uint8Array;
  /** PEM of the client's own certificate and key, for brokers that ask for one. */
  readonly cert?: string | Uint8Array;
  readonly key?: string | Uint8Array;
  /** The name that the broker's certificate must have, instead of the host that is connected to. */
  readonly serverName?: string;
  /** False: take any certificate. For development only. Default true. */
  readonly verify?: boolean;
}

/** Something worth a line of log or a count. No secret is ever in it. */
export type ClientEvent =
  | { readonly type: "connected"; readonly broker: string; readonly serverVersion: string }
  | { readonly type: "disconnected"; readonly broker: string; readonly error: Error }
  /** Connecting failed; the next attempt is at the earliest in `retryInMs`. */
  | { readonly type: "connect_failed"; readonly broker: string; readonly error: Error; readonly retryInMs: number }
  | { readonly type: "attached" | "detached"; readonly part: Part; readonly topic: string; readonly name: string }
  /** Attaching (again) failed and will be tried again. */
  | {
      readonly type: "attach_failed";
      readonly part: Part;
      readonly topic: string;
      readonly name: string;
      readonly error: Error;
    };

export type Part = "producer" | "consumer" | "reader";

export interface PulsarOptions {
  /** `pulsar://host:6650` or `pulsar+ssl://host:6651`; several hosts with commas, tried in turn. */
  readonly serviceUrl: string;
  /** A token, or what gives one: asked at each connect and when the broker challenges because the last one expired. */
  readonly token?: string | (() => string | Promise<string>);
  readonly tls?: TlsOptions;
  /** The broker's `advertisedListeners` name to be led to. Default: none. */
  readonly listenerName?: string;
  /** For TCP, TLS and the handshake together, ms. Default 10,000; 1 to 600,000. */
  readonly connectTimeoutMs?: number;
  /** For a request, and for creating a producer, consumer or reader with all its retries, ms. Default 30,000; 1 to 600,000. */
  readonly operationTimeoutMs?: number;
  /** A connection that is silent for two of these is closed, ms. Default 30,000; 10 to 600,000. */
  readonly keepAliveMs?: number;
  /** Back-off of reconnects: full jitter below a bound that doubles from `minMs` to `maxMs`. Default 100 to 15,000; 1 to 600,000. */
  readonly backoff?: { readonly minMs?: number; readonly maxMs?: number };
  /** Messages that claim to be larger than this when decompressed are refused, bytes. Default 64 MiB; 1 KiB to 1 GiB. */
  readonly maxDecompressedBytes?: number;
  /** Called synchronously; must not throw. */
  readonly onEvent?: (event: ClientEvent) => void;
}

export interface BrokerInfo {
  readonly serverVersion: string;
  readonly protocolVersion: number;
  /** Largest message with its metadata that the broker takes, bytes. */
  readonly maxMessageSize: number;
}

export interface PulsarClient extends AsyncDisposable {
  /** Connects and authenticates if that has not happened: `unavailable`, `handshake`, `tls`, `authentication`. */
  ready(): Promise<BrokerInfo>;
  /** Number of partitions; 0 when the topic is not partitioned. `topic_not_found` when the broker says that there is none. */
  partitions(topic: string): Promise<number>;
  createProducer(options: ProducerOptions): Promise<Producer>;
  subscribe(options: ConsumerOptions): Promise<Consumer>;
  createReader(options: ReaderOptions): Promise<Reader>;
  /** The id of the newest message; entry -1n when there is none. Its `batchIndex` is that of the last message of the batch. */
  lastMessageId(topic: string): Promise<MessageId>;
  /** Closes everything that was opened by this client; what producers had not sent is rejected with `closed`. Idempotent. */
  close(): Promise<void>;
}

export interface ProducerOptions {
  readonly topic: string;
  /**
   * Unique on the topic. Where the namespace deduplicates, the broker drops by this name what a reconnect sends twice, also
   * of a former process: see `lastSequenceId`. Default: the broker gives one.
   */
  readonly name?: string;
  /** Sequence id of the first message. Default: one above the last that the broker has of this name, else 0. */
  readonly initialSequenceId?: bigint;
  readonly compression?: Compression;
  /**
   * Which messages travel in one entry. `together` (default): all; `by_key`: those of one key, so that Key_Shared consumers
   * can be given keys; `none`: each message by itself.
   */
  readonly batching?: "together" | "by_key" | "none";
  /** Messages in a batch at most. Default 1,000; 1 to 100,000. */
  readonly maxBatchMessages?: number;
  /** Bytes of messages in a batch, before compression, beyond which it is sent. Default 131,072; 1 to 64 MiB. */
  readonly maxBatchBytes?: number;
  /** How long a batch waits for more, ms; 0 (default): what one turn of the event loop brings goes together. At most 60,000. */
  readonly maxBatchDelayMs?: number;
  /** Messages not yet confirmed before `send` refuses with `queue_full`. Default 50,000; 1 to 10,000,000. */
  readonly maxPendingMessages?: number;
  /** Bytes not yet confirmed before `send` refuses with `queue_full`. Default 64 MiB; 1 KiB to 4 GiB. */
  readonly maxPendingBytes?: number;
  /** From `send` to its confirmation with all reconnects between, ms; then it is rejected with `timeout` and may be stored or not. Default 30,000; at most 3,600,000; 0: never. */
  readonly sendTimeoutMs?: number;
  /** `exclusive`: refused with `producer_fenced` or `producer_busy` while another producer is on the topic. Default `shared`. */
  readonly access?: "shared" | "exclusive";
  /** Shown in the topic's stats. */
  readonly properties?: Readonly<Record<string, string>>;
}

export interface OutgoingMessage {
  /** Not to be changed until `send` resolved. Null: a tombstone, which removes the key from a compacted topic. */
  readonly data: Uint8Array | null;
  readonly key?: string;
  readonly orderingKey?: Uint8Array;
  readonly properties?: Readonly<Record<string, string>>;
  readonly eventTime?: bigint;
  /** Not delivered to Shared and Key_Shared subscriptions before this time; sent by itself, not in a batch. */
  readonly deliverAt?: bigint;
  /**
   * Own number for deduplication, larger than all before. Give it to all messages of a producer or to none; not with
   * `by_key`. Default: counted.
   */
  readonly sequenceId?: bigint;
}

export interface Producer extends AsyncDisposable {
  readonly topic: string;
  readonly name: string;
  /** The highest sequence id that is confirmed stored, at first that which the broker knew of this name; -1n: none. */
  readonly lastSequenceId: bigint;
  readonly attached: boolean;
  /** How often it was attached: while this stays what it is, the topic is the same, whatever its ledgers are. */
  readonly attachments: number;
  /** Why it is not attached, or the broker's last refusal of a message that goes on; undefined: there is no trouble. */
  readonly trouble: Error | undefined;
  /** Messages and bytes that are not confirmed. */
  readonly pending: { readonly messages: number; readonly bytes: number };
  /**
   * Resolves with the message's id when it is stored. Messages of a producer are stored in the order of `send`, also over
   * reconnects, when those not confirmed are sent again with the same sequence ids: twice in the log only where the
   * namespace does not deduplicate. Where it does, and the confirmation was lost, the id is looked up in the log; so it is when the
   * broker refuses what it may have stored before, or the topic was terminated meanwhile. What was first sent more than four hours ago is
   * not sent again, only looked up: brokers forget producers that are away for long.
   *
   * Rejects with `message_too_large` or `queue_full` (nothing was sent), `timeout`, `disconnected` or `closed` (it may be stored
   * or not), `topic_not_found`, `topic_terminated`, `authorization`, `producer_fenced`.
   */
  send(message: OutgoingMessage): Promise<MessageId>;
  /** Sends what batches hold now, and resolves when everything sent before is settled, well or not. */
  flush(): Promise<void>;
  /** Resolves when `send` would not refuse with `queue_full`, at once when it would not now; rejects when the producer ended. */
  writable(): Promise<void>;
  /** Flushes (at most `sendTimeoutMs`, where that is not 0), then lets go of the topic. Idempotent. */
  close(): Promise<void>;
  /** Lets go of the topic now, also during `close`: what is not confirmed is not sent again, and rejected with `closed`. */
  abort(): void;
}

/** A message as received. Its bytes are views of the received buffer: copy what is kept for long, or all of the buffer stays. */
export interface Message {
  readonly topic: string;
  readonly id: MessageId;
  /** Empty for a tombstone. */
  readonly data: Buffer;
  /** True: a tombstone of its key. */
  readonly tombstone: boolean;
  /** Decoded at each access. Keys that were given as bytes are base64. */
  readonly key: string | undefined;
  readonly orderingKey: Buffer | undefined;
  /** Decoded at each access. */
  readonly properties: Readonly<Record<string, string>>;
  /** In the order of the message, the values as views of the received bytes (UTF-8): cheaper than `properties`. */
  readonly propertyList: readonly (readonly [name: string, value: Buffer])[];
  /** One property. */
  property(name: string): string | undefined;
  /** For who copies from the received bytes without a view of each part. Undefined where data and properties lie in two places. */
  readonly received: ReceivedBytes | undefined;
  /** By the producer's clock. All messages of a batch have one. */
  readonly publishTime: bigint;
  /** By the broker's clock, where it is set up to tell (`exposingBrokerEntryMetadataToClientEnabled`). */
  readonly brokerTime: bigint | undefined;
  readonly eventTime: bigint | undefined;
  readonly producerName: string;
  readonly sequenceId: bigint;
  /** How often the broker counts it as given out before: negative acknowledgements count, lost connections do not. */
  readonly redeliveryCount: number;
}

/** Where the parts of a message lie. */
export interface ReceivedBytes {
  readonly bytes: Buffer;
  readonly dataStart: number;
  readonly dataEnd: number;
  /** Of the message's metadata, which its properties are a part of. */
  readonly metadataBytes: number;
  /**
   * Fills in, in the order of the message, where the name of each property begins and ends, and then its value: four numbers each.
   * How many there are; -1: more than have room. Throws as `properties` does.
   */
  findProperties(places: Int32Array): number;
}

export interface ReceiveLimits {
  /** Default: all that is there. */
  readonly maxMessages?: number;
  /** Bytes of data; at least one message is given. Default: all that is there. */
  readonly maxBytes?: number;
  /** How long to wait for a first message, ms; 0: not at all. Default: without end. */
  readonly waitMs?: number;
}

/** What consumers and readers share. */
export interface Receiver extends AsyncIterable<Message>, AsyncDisposable {
  readonly topic: string;
  readonly attached: boolean;
  readonly closed: boolean;
  /**
   * The next messages in order; waits for the first. Empty when closed, or when `waitMs` passed. One `receive` at a time.
   *
   * Rejects once, and goes on after it, for an entry that cannot be read: `checksum_mismatch`, `entry_corrupt`,
   * `unsupported` (encrypted or in chunks); `messageId` of the error names it. Rejects for good with
   * `topic_not_found`, `authorization` and what else ends it.
   */
  receive(limits?: ReceiveLimits): Promise<Message[]>;
  /** The id of the topic's newest message, see `PulsarClient.lastMessageId`. */
  lastMessageId(): Promise<MessageId>;
  /**
   * Goes on there: at the message of this id, inclusive, or at the first published at or after a time. Nothing from before is
   * received after the call. On a consumer this moves the whole subscription, for every consumer of it.
   */
  seek(to: SeekTarget): Promise<void>;
  /** Lets go of the topic; a waiting `receive` resolves empty. Idempotent. */
  close(): Promise<void>;
}

export type SeekTarget =
  | { readonly at: "earliest" | "latest" }
  | { readonly id: MessageId }
  | { readonly time: bigint };

/** How messages wait in the client, of consumers and readers alike. */
export interface QueueOptions {
  /** Messages asked for ahead of `receive`. Default 10,000; 1 to 1,000,000. A batch is never cut: it may exceed the bound. */
  readonly queueMessages?: number;
  /**
   * Bytes asked for ahead of `receive`, about: messages are asked for by the mean size of the last ones.
   * Default 8 MiB; 1 KiB to 1 GiB.
   */
  readonly queueBytes?: number;
}

export type SubscriptionType = "exclusive" | "shared" | "failover" | "key_shared";

export interface ConsumerOptions extends QueueOptions {
  readonly topic: string;
  readonly subscription: string;
  /** Default `exclusive`. */
  readonly type?: SubscriptionType;
  /** Shown in the stats; decides, by order, which consumer of a Failover subscription is active. Default: random. */
  readonly name?: string;
  /** Lower goes first. Default 0. */
  readonly priority?: number;
  /** Where a subscription starts that does not exist yet. Default `latest`. */
  readonly initialPosition?: "earliest" | "latest";
  /** False: `topic_not_found` where the topic does not exist. Default true: the broker creates it if it is set up so. */
  readonly createTopic?: boolean;
  /**
   * True only if the broker has `acknowledgmentAtBatchIndexLevelEnabled`: then each message of a batch is acknowledged by
   * itself. The broker (4.0.8) keeps this over reconnects of consumers, but forgets it of batches that are not wholly
   * acknowledged when the topic is unloaded or the broker restarts: they come again as a whole. False (default): a batch is
   * acknowledged at the broker when all its messages are, and a partial acknowledgement resolves at once but is lost with
   * the connection.
   */
  readonly batchIndexAcks?: boolean;
  readonly readCompacted?: boolean;
  /** Shown in the topic's stats. */
  readonly properties?: Readonly<Record<string, string>>;
  /** Kept with the subscription when it is created. */
  readonly subscriptionProperties?: Readonly<Record<string, string>>;
  /** Failover and Exclusive: whether this consumer is the one that is given messages. Called when it changes and at each attach. */
  readonly onActiveChange?: (active: boolean) => void;
  /**
   * Called when the consumer was detached and is attached again. What was received and not acknowledged will come again, also
   * what is just being worked on; what waited in the client's queue was dropped and comes again too.
   */
  readonly onReattached?: () => void;
}

/**
 * Gives each message at least once: again after a lost connection, an unload, `redeliver` and `seek`, unless its
 * acknowledgement had resolved. On one connection messages keep the log's order on Exclusive and Failover; on Key_Shared
 * those of a key do.
 */
export interface Consumer extends Receiver {
  readonly subscription: string;
  readonly name: string;
  /** Of Failover and Exclusive: this consumer is given the messages. Always true of Shared and Key_Shared. */
  readonly active: boolean;
  /**
   * Resolves when the broker confirmed it (see `batchIndexAcks`). Many in one call are one command. Not in order is fine.
   * Rejects with `disconnected` when the connection was lost before the answer: the messages may come again.
   */
  ack(messages: MessageId | readonly MessageId[]): Promise<void>;
  /** Everything up to and including this one. Exclusive and Failover only: `invalid_argument` on others. */
  ackCumulative(message: MessageId): Promise<void>;
  /**
   * Gives entries back: they come again, whole batches but for what is acknowledged, on Shared and Key_Shared with a higher
   * `redeliveryCount`. Without ids, or on Exclusive and Failover, everything that is not acknowledged comes again in order,
   * and what waits in the client's queue is dropped first.
   */
  redeliver(messages?: readonly MessageId[]): void;
  /** Deletes the subscription with its progress, and closes. */
  unsubscribe(): Promise<void>;
}

export type ReaderStart =
  | { readonly at: "earliest" | "latest" }
  /** The message after this one, or this one too; also within a batch. The nearest that is kept when it is gone. */
  | { readonly id: MessageId; readonly inclusive?: boolean }
  /** The first message published at or after this time. */
  | { readonly time: bigint };

export interface ReaderOptions extends QueueOptions {
  readonly topic: string;
  readonly from: ReaderStart;
  /** Of the non-durable subscription, as stats show it. Default: `reader-` and random letters. */
  readonly name?: string;
  readonly readCompacted?: boolean;
  /** Default false: `topic_not_found` where the topic does not exist. */
  readonly createTopic?: boolean;
}

/** Reads a topic in order by itself: every message once, also over reconnects. It holds back no retention. */
export interface Reader extends Receiver {
  /**
   * The id after which the next `receive` goes on: of the last message that was received. Before the first: of `latest` the
   * newest message's id, of an id that id or the place before it, else (`earliest`, `time`) ledger and entry -1n.
   */
  readonly position: MessageId;
}
