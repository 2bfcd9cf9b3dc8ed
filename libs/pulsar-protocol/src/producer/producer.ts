/** A producer on one topic: batches, their order on the wire and in the log, and who is told how it went. */
import type { Connection, Receipt } from "../connection/connection.ts";
import { createLifeline, type Lifeline } from "../connection/lifeline.ts";
import type { MessageId, OutgoingMessage, Producer, ProducerOptions } from "../contract.ts";
import { PulsarError, type PulsarErrorCode } from "../errors.ts";
import type { Internals } from "../internals.ts";
import { bounded, fullTopicName, oneOf, PRODUCER_BOUNDS, partitionOf } from "../options.ts";
import * as wire from "../wire/commands.ts";
import { type Accumulator, type Building, createAccumulator } from "./accumulator.ts";
import { dataOf, encodeSend, type SendFrame, tooLarge } from "./encode.ts";
import { Lookups } from "./lookups.ts";
import { Outstanding } from "./outstanding.ts";
import { confirm, type PendingBatch, PendingQueue } from "./pending.ts";
import { createSequenceCheck, type SequenceCheck } from "./sequence.ts";

/** What the broker refuses of one message without touching the others. */
const OF_ONE_MESSAGE: ReadonlySet<PulsarErrorCode> = new Set([
  "checksum_mismatch",
  "refused",
  "authorization",
  "unsupported",
]);
/** What SEND's command and metadata take at most, beyond names, keys and properties, which are counted. */
const HEADROOM = 1024;

/**
 * What was sent before that is not sent again, ms: by then a broker may have forgotten the producer, and store it twice
 * (brokerDeduplicationProducerInactivityTimeoutMinutes, six hours).
 */
const RESEND_MS = 4 * 3_600_000;

/** Resolves when attached for the first time. */
export async function createProducer(internals: Internals, options: ProducerOptions): Promise<OwnedProducer> {
  const producer = new TopicProducer(internals, options);
  await producer.lifeline.first;
  return producer;
}

export interface OwnedProducer extends Producer {
  /** Rejects everything now; without an error: with `closed`. */
  abort(error?: PulsarError): void;
}

class TopicProducer implements OwnedProducer {
  readonly topic: string;
  readonly lifeline: Lifeline;
  name: string;
  lastSequenceId = -1n;
  attachments = 0;
  readonly #options: ProducerOptions;
  readonly #bounds: ReturnType<typeof bounded<typeof PRODUCER_BOUNDS>>;
  readonly #compression: NonNullable<ProducerOptions["compression"]>;
  readonly #batching: NonNullable<ProducerOptions["batching"]>;
  readonly #access: "shared" | "exclusive";
  readonly #partition: number;
  readonly #id: number;
  readonly #accumulator: Accumulator;
  readonly #sequence: SequenceCheck;
  readonly #queue = new PendingQueue();
  readonly #outstanding: Outstanding;
  readonly #lookups: Lookups;
  /** The attachment that frames go to. */
  #connection: Connection | undefined;
  #detach: () => void = () => undefined;
  /** The broker is being told to let go of the last attachment. */
  #lettingGo: Promise<unknown> = Promise.resolve();
  #epoch = 0;
  #topicEpoch: bigint | undefined;
  #nextSequenceId: bigint | undefined;
  #maxMessageSize = 0;
  #lastId: MessageId | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** Why the broker did not take the last message that it answered for. */
  #trouble: PulsarError | undefined;
  /** Why nothing is sent any more. */
  #failure: PulsarError | undefined;
  /** Why nothing is looked for any more either. */
  #ended: PulsarError | undefined;
  #closing: Promise<void> | undefined;

  constructor(internals: Internals, options: ProducerOptions) {
    this.#options = options;
    this.#bounds = bounded(PRODUCER_BOUNDS, options);
    this.#outstanding = new Outstanding(this.#bounds.maxPendingMessages, this.#bounds.maxPendingBytes);
    this.#compression = oneOf("compression", options.compression, "none", ["none", "zlib", "zstd"]);
    this.#batching = oneOf("batching", options.batching, "together", ["together", "by_key", "none"]);
    this.#access = oneOf("access", options.access, "shared", ["shared", "exclusive"]);
    this.topic = fullTopicName(options.topic);
    this.#partition = partitionOf(this.topic);
    this.name = options.name ?? "";
    this.#nextSequenceId = options.initialSequenceId;
    this.#sequence = createSequenceCheck(this.#batching === "by_key");
    this.#id = internals.nextId();
    this.#accumulator = createAccumulator({ ...this.#bounds, byKey: this.#batching === "by_key" }, (building) =>
      this.#seal(building),
    );
    this.#lookups = new Lookups({
      ...{ topic: this.topic, partition: this.#partition, timeoutMs: internals.settings.operationTimeoutMs },
      name: () => this.name,
      lastId: () => this.#lastId,
      ended: () => this.#ended,
      settled: ({ senders, bytes }) => this.#settled(senders.length, bytes),
      openReader: (readerOptions) => internals.openReader(readerOptions),
    });
    this.lifeline = createLifeline({
      part: "producer",
      topic: this.topic,
      settings: internals.settings,
      pool: internals.pool,
      name: () => this.name,
      find: () => internals.find(this.topic),
      attach: (connection, detach) => this.#attach(connection, detach),
      failed: (error) => this.#fail(error),
    });
  }

  get attached(): boolean {
    return this.#connection?.open ?? false;
  }

  get trouble(): PulsarError | undefined {
    return this.lifeline.lastError ?? this.#trouble;
  }

  get pending(): { messages: number; bytes: number } {
    const { messages, bytes } = this.#outstanding;
    return { messages, bytes };
  }

  send(message: OutgoingMessage): Promise<MessageId> {
    const size = this.#accumulator.sizeOf(message);
    const refusal = this.#refusal(message, size);
    if (refusal !== undefined) return Promise.reject(refusal);
    this.#outstanding.add(size);
    return new Promise((resolve, reject) => {
      const alone = this.#batching === "none" || message.deliverAt !== undefined;
      this.#accumulator.add({ message, size, sender: { resolve, reject } }, alone);
    });
  }

  #refusal(message: OutgoingMessage, size: number): PulsarError | undefined {
    if (this.#failure !== undefined) return this.#failure;
    if (this.#closing !== undefined) return closedError(this.topic);
    if (this.#compression === "none" && dataOf(message).length > this.#maxMessageSize)
      return tooLarge(this.topic, size, this.#maxMessageSize);
    const { messages, bytes, maxMessages, maxBytes } = this.#outstanding;
    if (messages > 0 && !this.#outstanding.hasRoom(size)) {
      const what = `${messages} messages of ${bytes} bytes wait for confirmation on ${this.topic}`;
      const bounds = `maxPendingMessages is ${maxMessages}, maxPendingBytes ${maxBytes}: wait for writable().`;
      return new PulsarError("queue_full", `${what}; ${bounds}`);
    }
    return this.#sequence.refusal(message.sequenceId);
  }

  /** Makes a batch's frame and sends it, or keeps it for when there is a connection. */
  #seal({ messages, senders, bytes, since }: Building): void {
    const first = messages[0]?.sequenceId ?? this.#nextSequenceId ?? 0n;
    const last = messages.at(-1)?.sequenceId ?? first + BigInt(messages.length - 1);
    const publishTime = BigInt(Date.now());
    let sent: SendFrame;
    try {
      sent = encodeSend({
        producerId: this.#id,
        producerName: this.name,
        firstSequenceId: first,
        lastSequenceId: last,
        publishTime,
        compression: this.#compression,
        messages,
        batchBytes: bytes,
        sharedKey: this.#batching === "by_key",
      });
      if (sent.messageBytes > this.#maxMessageSize) throw tooLarge(this.topic, sent.messageBytes, this.#maxMessageSize);
    } catch (cause) {
      const error =
        cause instanceof PulsarError
          ? cause
          : new PulsarError("invalid_argument", "A message cannot be written.", { cause });
      for (const sender of senders) sender.reject(error);
      this.#settled(messages.length, bytes);
      return;
    }
    this.#nextSequenceId = last + 1n;
    const batch: PendingBatch = {
      frame: sent.frame,
      firstSequenceId: first,
      lastSequenceId: last,
      senders,
      bytes,
      publishTime,
      deadline: this.#bounds.sendTimeoutMs === 0 ? Number.POSITIVE_INFINITY : since + this.#bounds.sendTimeoutMs,
      ...{ resent: false, known: false, refusal: undefined },
    };
    this.#queue.push(batch);
    this.#connection?.write(sent.frame);
    this.#watch();
  }

  async #attach(connection: Connection, detach: () => void): Promise<void> {
    await this.#lettingGo;
    const id = this.#id;
    connection.producers.set(id, {
      receipt: (receipt) => this.#onReceipt(receipt),
      sendError: (sequenceId, error) => this.#onSendError(sequenceId, error),
      closed: () => this.#detached(connection),
    });
    this.#detach = detach;
    try {
      const answer = await connection.request(
        wire.COMMAND.producer,
        wire.PRODUCER,
        {
          topic: this.topic,
          producerId: id,
          name: this.name === "" ? undefined : this.name,
          metadata: wire.toPairs(this.#options.properties),
          epoch: this.#epoch++,
          ownName: this.#options.name !== undefined,
          access: this.#access === "exclusive" ? 1 : 0,
          topicEpoch: this.#topicEpoch,
        },
        wire.PRODUCER_SUCCESS,
      );
      if (this.#failure !== undefined) throw this.#failure;
      this.#attached(connection, answer.name, answer.lastSequenceId, answer.topicEpoch);
    } catch (error) {
      connection.producers.delete(id);
      // It may have been created all the same.
      if ((error as PulsarError).code === "timeout" || this.#failure !== undefined) this.#tellToClose(connection);
      throw error;
    }
  }

  #attached(connection: Connection, name = this.name, lastSequenceId = -1n, topicEpoch = this.#topicEpoch): void {
    // Closed by the broker between its answer and now: the lifeline was told.
    if (!connection.producers.has(this.#id)) return;
    this.attachments += 1;
    this.name = name;
    this.#topicEpoch = topicEpoch;
    this.#maxMessageSize = connection.info.maxMessageSize;
    this.#accumulator.limitBytes(Math.max(1, this.#maxMessageSize - HEADROOM));
    if (lastSequenceId > this.lastSequenceId) this.lastSequenceId = lastSequenceId;
    this.#nextSequenceId ??= lastSequenceId + 1n;
    this.#connection = connection;
    const tooOld = BigInt(Date.now() - RESEND_MS);
    for (const batch of [...this.#queue]) {
      batch.known = lastSequenceId >= batch.firstSequenceId;
      if (!batch.resent || batch.publishTime >= tooOld) connection.write(batch.frame);
      else {
        this.#queue.remove(batch);
        this.#lookups.add(batch, forgotten(this.topic));
      }
    }
  }

  #detached(connection: Connection): void {
    if (this.#connection === connection) {
      this.#connection = undefined;
      // What was on the wire may be stored: if so, the broker will say that it has it.
      for (const batch of this.#queue) batch.resent = true;
    }
    this.#detach();
  }

  #tellToClose(connection: Connection): void {
    this.#lettingGo = connection
      .request(wire.COMMAND.closeProducer, wire.CLOSE, { id: this.#id }, wire.SUCCESS)
      .catch(() => undefined);
  }

  /** Lets go of the attachment and attaches again, to send once more what is not confirmed. */
  #reattach(): void {
    const connection = this.#connection;
    if (connection === undefined) return;
    connection.producers.delete(this.#id);
    this.#tellToClose(connection);
    this.#detached(connection);
  }

  #onReceipt({ sequenceId, ledgerId, entryId }: Receipt): void {
    const head = this.#queue.head;
    // The answer to one that was given up, or that was sent twice.
    if (head === undefined || sequenceId < head.firstSequenceId) return;
    if (sequenceId > head.firstSequenceId) {
      this.#reattach();
      return;
    }
    this.#queue.shift();
    this.#trouble = undefined;
    if (head.lastSequenceId > this.lastSequenceId) this.lastSequenceId = head.lastSequenceId;
    if (ledgerId < 0n && head.resent) {
      this.#lookups.add(head);
      return;
    }
    const batchSize = head.senders.length > 1 ? head.senders.length : 0;
    if (ledgerId >= 0n) this.#lastId = { ledgerId, entryId, partition: this.#partition, batchIndex: -1, batchSize };
    confirm(head, ledgerId, entryId, this.#partition);
    this.#settled(head.senders.length, head.bytes);
  }

  #onSendError(sequenceId: bigint, error: PulsarError): void {
    this.#trouble = error;
    if (error.code === "topic_terminated" || error.code === "producer_fenced") {
      // Those before it were taken: the broker has not said yet what became of them.
      for (const batch of this.#queue) if (batch.firstSequenceId < sequenceId) batch.resent = batch.known = true;
      this.#fail(error);
    } else if (OF_ONE_MESSAGE.has(error.code)) this.#refuse(sequenceId, error);
    else this.#reattach();
  }

  #refuse(sequenceId: bigint, error: PulsarError): void {
    for (const batch of this.#queue) {
      if (batch.firstSequenceId !== sequenceId) continue;
      this.#queue.remove(batch);
      if (batch.resent) this.#lookups.add(batch, error);
      else this.#reject(batch, error);
      return;
    }
  }

  #reject({ senders, bytes }: Pick<PendingBatch, "senders" | "bytes">, error: PulsarError): void {
    for (const sender of senders) sender.reject(error);
    this.#settled(senders.length, bytes);
  }

  #settled(messages: number, bytes: number): void {
    if (this.#ended === undefined) this.#outstanding.settled(messages, bytes);
  }

  /** One timer, for the batch that was sent first. */
  #watch(): void {
    const head = this.#queue.head;
    if (head === undefined || this.#timer !== undefined || head.deadline === Number.POSITIVE_INFINITY) return;
    this.#timer = setTimeout(() => this.#expire(), Math.max(0, head.deadline - Date.now()) + 1);
  }

  #expire(): void {
    this.#timer = undefined;
    const now = Date.now();
    for (let head = this.#queue.head; head !== undefined && head.deadline <= now; head = this.#queue.head) {
      this.#queue.shift();
      const cause = this.trouble;
      const why = cause === undefined ? "" : `: ${cause.message}`;
      const message = `A message on ${this.topic} was not confirmed within ${this.#bounds.sendTimeoutMs} ms${why}`;
      this.#reject(head, new PulsarError("timeout", message, { cause }));
    }
    this.#watch();
  }

  flush(): Promise<void> {
    this.#accumulator.flush();
    return this.#outstanding.idle();
  }

  writable(): Promise<void> {
    return this.#failure === undefined ? this.#outstanding.writable() : Promise.reject(this.#failure);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    // Of a producer that failed, what may be stored is still looked for.
    await this.flush();
    this.abort();
    await this.#lettingGo;
  }

  abort(error = closedError(this.topic)): void {
    if (this.#ended !== undefined) return;
    this.#ended = error;
    this.#fail(error);
    for (const batch of this.#lookups.drop()) this.#reject(batch, error);
    this.#outstanding.end(error);
  }

  /** Nothing is sent any more. What an earlier attachment sent may be stored: that is looked for, unless the topic is gone. */
  #fail(error: PulsarError): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    this.lifeline.close();
    clearTimeout(this.#timer);
    const connection = this.#connection;
    this.#connection = undefined;
    if (connection !== undefined) {
      connection.producers.delete(this.#id);
      this.#tellToClose(connection);
    }
    this.#accumulator.drop((building) => this.#reject(building, error));
    const canLook = this.#ended === undefined && error.code !== "topic_not_found";
    for (let batch = this.#queue.shift(); batch !== undefined; batch = this.#queue.shift()) {
      // Detached: the broker of the last attachment may still be storing it.
      batch.known ||= connection === undefined;
      if (batch.resent && canLook) this.#lookups.add(batch, error);
      else this.#reject(batch, error);
    }
    this.#outstanding.refuse(error);
  }
}

const forgotten = (topic: string): PulsarError =>
  new PulsarError("refused", `A message on ${topic} was sent ${RESEND_MS / 3_600_000} hours ago, and is not stored.`);
const closedError = (topic: string): PulsarError => new PulsarError("closed", `The producer on ${topic} was closed.`);
