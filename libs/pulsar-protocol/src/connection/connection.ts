/** One connection to a broker: the handshake, keep-alive, requests and their answers, and who is told what comes by itself. */

import type { Socket } from "node:net";
import { TransitMap } from "@distribution/collections";
import type { BrokerInfo } from "../contract.ts";
import { PulsarError } from "../errors.ts";
import type { Address, ClientSettings } from "../options.ts";
import * as wire from "../wire/commands.ts";
import { createFrameSplitter } from "../wire/frames.ts";
import { WireReader } from "../wire/reader.ts";
import { decode, type Message, type Table } from "../wire/schema.ts";
import { openSocket, tlsError } from "./socket.ts";
import { tokenOf } from "./token.ts";

export interface Receipt {
  readonly sequenceId: bigint;
  readonly ledgerId: bigint;
  readonly entryId: bigint;
}

/** Of producers that were let go of, the last ones are remembered. */
const MOST_LET_GO = 1_000;

export interface ProducerHandler {
  receipt(receipt: Receipt): void;
  sendError(sequenceId: bigint, error: PulsarError): void;
  /** The broker let go of the producer. */
  closed(): void;
}

export interface ConsumerHandler {
  /** The command's body is `bytes[start, end)`, what follows it `bytes[end, frameEnd)`. */
  message(bytes: Buffer, start: number, end: number, frameEnd: number): void;
  activeChange(active: boolean): void;
  closed(): void;
}

type Without<T extends Table> = Omit<Message<T>, "requestId">;

export interface Connection {
  /** `host:port`, and through which proxy. */
  readonly broker: string;
  readonly info: BrokerInfo;
  readonly open: boolean;
  /** Resolves with the reason. */
  readonly closed: Promise<PulsarError>;
  readonly producers: Map<number, ProducerHandler>;
  readonly consumers: Map<number, ConsumerHandler>;
  /** Sends a command and resolves with the answer to it. Rejects with the broker's error, `timeout` or `disconnected`. */
  request<T extends Table, A extends Table>(
    type: number,
    table: T,
    message: Without<T>,
    answer: A,
  ): Promise<Message<A>>;
  /** As `request`, of a frame made by `make` with the request's id. */
  requestFrame<A extends Table>(make: (requestId: number) => Buffer, answer: A): Promise<Message<A>>;
  /** What is written in one turn goes out together. Nothing happens when closed. */
  write(frame: Buffer): void;
  close(reason: PulsarError): void;
}

const CLIENT_VERSION = "distribution-pulsar-protocol";
/** With AUTH_CHALLENGE, batch-index acknowledgements, lastSequenceId and consumer epochs. */
const PROTOCOL_VERSION = 19;
const DEFAULT_MAX_MESSAGE_SIZE = 5 * 1024 * 1024;
/** What a frame may have besides the message and its metadata, as the broker allows too. */
const FRAME_OVERHEAD = 10 * 1024;
/** A PONG is not worth queueing behind this much: everything sent tells the broker that we are alive. */
const PONG_QUEUE_BYTES = 1024 * 1024;

/** Commands that answer a request, and how they are read. */
const ANSWERS: Readonly<Record<number, Table>> = {
  [wire.COMMAND.success]: wire.SUCCESS,
  [wire.COMMAND.error]: wire.ERROR,
  [wire.COMMAND.producerSuccess]: wire.PRODUCER_SUCCESS,
  [wire.COMMAND.partitionsResponse]: wire.PARTITIONS_RESPONSE,
  [wire.COMMAND.lookupResponse]: wire.LOOKUP_RESPONSE,
  [wire.COMMAND.lastMessageIdResponse]: wire.LAST_MESSAGE_ID_RESPONSE,
  [wire.COMMAND.ackResponse]: wire.ACK_RESPONSE,
};

interface Waiting {
  readonly answer: Table;
  readonly resolve: (answer: never) => void;
  readonly reject: (error: PulsarError) => void;
  readonly timer: NodeJS.Timeout;
}

/** Connects and authenticates. Rejects with `unavailable`, `tls`, `handshake`, `authentication` or what else the broker says. */
export async function connect(address: Address, settings: ClientSettings): Promise<Connection> {
  const deadline = Date.now() + settings.connectTimeoutMs;
  const token = await tokenOf(settings, deadline);
  const socket = await openSocket(address, settings.tls, deadline);
  const connection = new BrokerConnection(socket, address, settings);
  await connection.handshake(token, deadline);
  return connection;
}

class BrokerConnection implements Connection {
  readonly broker: string;
  info: BrokerInfo = { serverVersion: "", protocolVersion: 0, maxMessageSize: DEFAULT_MAX_MESSAGE_SIZE };
  open = true;
  readonly producers = new Map<number, ProducerHandler>();
  readonly consumers = new Map<number, ConsumerHandler>();
  readonly closed: Promise<PulsarError>;
  /** Producers that the broker let go of: why it did comes after that, as the answer to what they had sent. */
  readonly #letGo = new Map<number, ProducerHandler>();
  readonly #whenClosed: (reason: PulsarError) => void;
  readonly #socket: Socket;
  readonly #settings: ClientSettings;
  readonly #proxyTo: string | undefined;
  readonly #waiting = new TransitMap<number, Waiting>();
  readonly #splitter = createFrameSplitter(DEFAULT_MAX_MESSAGE_SIZE + FRAME_OVERHEAD, (bytes, start, end) =>
    this.#onFrame(bytes, start, end),
  );
  #lastRequestId = 0;
  #corked = false;
  /** What the broker said about the whole connection before it closed it. */
  #brokerError: PulsarError | undefined;
  #onConnected: ((answer: Message<typeof wire.CONNECTED>) => void) | undefined;
  #heard = true;
  #keepAlive: NodeJS.Timeout | undefined;

  constructor(socket: Socket, address: Address, settings: ClientSettings) {
    const { promise, resolve } = Promise.withResolvers<PulsarError>();
    this.closed = promise;
    this.#whenClosed = resolve;
    this.#socket = socket;
    this.#settings = settings;
    this.#proxyTo = address.proxyTo;
    this.broker = addressText(address);
    socket.on("data", (chunk: Buffer) => this.#onData(chunk));
    socket.on("error", (cause) => this.close(this.#lost(cause)));
    socket.on("close", () => this.close(this.#lost()));
  }

  async handshake(token: string | undefined, deadline: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    this.#onConnected = (answer) => {
      // Now, not when this function goes on: the next frame may be here already.
      const maxMessageSize = Math.max(answer.maxMessageSize ?? 0, 0) || DEFAULT_MAX_MESSAGE_SIZE;
      this.info = {
        serverVersion: answer.serverVersion ?? "",
        protocolVersion: answer.protocolVersion ?? 0,
        maxMessageSize,
      };
      this.#splitter.maxFrameBytes = maxMessageSize + FRAME_OVERHEAD;
      resolve(undefined);
    };
    const timer = setTimeout(
      () => this.close(new PulsarError("unavailable", `${this.broker} did not answer the handshake in time.`)),
      Math.max(0, deadline - Date.now()),
    );
    const connect: Message<typeof wire.CONNECT> = {
      clientVersion: CLIENT_VERSION,
      protocolVersion: PROTOCOL_VERSION,
      authMethod: token === undefined ? "none" : "token",
      authData: token === undefined ? undefined : Buffer.from(token, "utf8"),
      proxyToBroker: this.#proxyTo,
      features: { authRefresh: true, brokerEntryMetadata: true },
    };
    this.write(wire.frameOf(wire.COMMAND.connect, wire.CONNECT, connect));
    try {
      const failed = await Promise.race([promise, this.closed]);
      if (failed !== undefined) throw failed;
    } finally {
      clearTimeout(timer);
      this.#onConnected = undefined;
    }
    this.#keepAlive = setInterval(() => this.#checkAlive(), this.#settings.keepAliveMs);
    this.#keepAlive.unref();
  }

  request<T extends Table, A extends Table>(
    type: number,
    table: T,
    message: Without<T>,
    answer: A,
  ): Promise<Message<A>> {
    return this.requestFrame(
      (requestId) => wire.frameOf(type, table, { ...message, requestId } as unknown as Message<T>),
      answer,
    );
  }

  requestFrame<A extends Table>(make: (requestId: number) => Buffer, answer: A): Promise<Message<A>> {
    if (!this.open) return Promise.reject(this.#lost());
    const requestId = ++this.#lastRequestId;
    const { promise, resolve, reject } = Promise.withResolvers<Message<A>>();
    const timer = setTimeout(() => {
      this.#waiting.delete(requestId);
      reject(
        new PulsarError("timeout", `${this.broker} did not answer within ${this.#settings.operationTimeoutMs} ms.`),
      );
    }, this.#settings.operationTimeoutMs);
    this.#waiting.set(requestId, { answer, resolve, reject, timer });
    this.write(make(requestId));
    return promise;
  }

  write(frame: Buffer): void {
    if (!this.open) return;
    if (!this.#corked) {
      this.#corked = true;
      this.#socket.cork();
      process.nextTick(() => {
        this.#corked = false;
        this.#socket.uncork();
      });
    }
    this.#socket.write(frame);
  }

  close(reason: PulsarError): void {
    if (!this.open) return;
    this.open = false;
    clearInterval(this.#keepAlive);
    this.#socket.destroy();
    for (const { reject, timer } of this.#waiting.values()) {
      clearTimeout(timer);
      reject(reason);
    }
    this.#waiting.clear();
    this.#whenClosed(reason);
    for (const handler of [...this.producers.values(), ...this.consumers.values()]) handler.closed();
    this.producers.clear();
    this.consumers.clear();
  }

  #lost(cause?: Error): PulsarError {
    if (this.#brokerError !== undefined) return this.#brokerError;
    if (this.#onConnected !== undefined) {
      const ended = `${this.broker} closed the connection instead of answering.`;
      return tlsError(this.broker, cause) ?? new PulsarError("handshake", ended, { cause });
    }
    const why = cause === undefined ? "" : `: ${cause.message}`;
    return new PulsarError("disconnected", `The connection to ${this.broker} was lost${why}.`, { cause });
  }

  #checkAlive(): void {
    if (!this.#heard) {
      const silent = `${this.broker} has been silent for ${2 * this.#settings.keepAliveMs} ms; the connection was closed.`;
      this.close(new PulsarError("disconnected", silent));
      return;
    }
    this.#heard = false;
    this.write(wire.commandFrame(wire.COMMAND.ping, Buffer.alloc(0)));
  }

  #onData(chunk: Buffer): void {
    this.#heard = true;
    if (!this.open) return;
    try {
      this.#splitter.push(chunk);
    } catch (cause) {
      const known = cause instanceof PulsarError;
      this.close(
        known ? cause : new PulsarError("protocol", `A frame of ${this.broker} could not be handled.`, { cause }),
      );
    }
  }

  #onFrame(bytes: Buffer, start: number, end: number): void {
    // A handler may have closed the connection: what came after it is nobody's.
    if (!this.open) return;
    const size = bytes.readUInt32BE(start);
    const commandEnd = start + 4 + size;
    if (commandEnd > end) throw new PulsarError("protocol", `A command of ${size} bytes does not fit its frame.`);
    const reader = new WireReader(bytes, start + 4, commandEnd);
    let type = 0;
    let bodyStart = commandEnd;
    let bodyEnd = commandEnd;
    while (reader.next()) {
      if (reader.field === 1) {
        type = reader.varint();
      } else if (reader.field === type) {
        bodyEnd = reader.delimited();
        bodyStart = reader.pos;
        reader.pos = bodyEnd;
      } else reader.skip();
    }
    if (type === wire.COMMAND.message) {
      this.consumers.get(idOf(bytes, bodyStart, bodyEnd))?.message(bytes, bodyStart, bodyEnd, end);
    } else this.#onCommand(type, bytes, bodyStart, bodyEnd);
  }

  #onCommand(type: number, bytes: Buffer, start: number, end: number): void {
    const { COMMAND } = wire;
    if (type === COMMAND.sendReceipt) {
      const receipt = readReceipt(bytes, start, end);
      this.producers.get(receipt.producerId)?.receipt(receipt);
    } else if (ANSWERS[type] !== undefined) {
      this.#onAnswer(type, ANSWERS[type], bytes, start, end);
    } else if (type === COMMAND.ping) {
      if (this.#socket.writableLength < PONG_QUEUE_BYTES) this.write(wire.commandFrame(COMMAND.pong, Buffer.alloc(0)));
    } else if (type === COMMAND.sendError) {
      const { producerId, sequenceId, error, message } = decode(wire.SEND_ERROR, bytes, start, end);
      const said = new PulsarError(wire.codeOf(error), `${this.broker}: ${message ?? "the message was not stored"}`);
      const id = producerId ?? -1;
      (this.producers.get(id) ?? this.#letGo.get(id))?.sendError(sequenceId ?? -1n, said);
    } else if (type === COMMAND.closeProducer) {
      const id = decode(wire.CLOSE, bytes, start, end).id ?? -1;
      const handler = this.producers.get(id);
      if (handler === undefined) return;
      this.producers.delete(id);
      this.#letGo.set(id, handler);
      if (this.#letGo.size > MOST_LET_GO) this.#letGo.delete(this.#letGo.keys().next().value!);
      handler.closed();
    } else if (type === COMMAND.closeConsumer) {
      const id = decode(wire.CLOSE, bytes, start, end).id ?? -1;
      const handler = this.consumers.get(id);
      this.consumers.delete(id);
      handler?.closed();
    } else if (type === COMMAND.activeConsumerChange) {
      const { consumerId, active } = decode(wire.ACTIVE_CONSUMER_CHANGE, bytes, start, end);
      this.consumers.get(consumerId ?? -1)?.activeChange(active ?? false);
    } else if (type === COMMAND.connected) {
      this.#onConnected?.(decode(wire.CONNECTED, bytes, start, end));
    } else if (type === COMMAND.authChallenge) {
      this.#answerChallenge();
    }
    // Others (end of topic, new commands) ask nothing of a client.
  }

  #onAnswer(type: number, table: Table, bytes: Buffer, start: number, end: number): void {
    const answer = decode(table, bytes, start, end) as Message<typeof wire.ERROR>;
    const waiting = this.#waiting.get(answer.requestId ?? -1);
    const failed = type === wire.COMMAND.error || answer.error !== undefined;
    const error = failed
      ? new PulsarError(wire.codeOf(answer.error), `${this.broker}: ${answer.message ?? "refused without a reason"}`)
      : undefined;
    if (waiting === undefined) {
      // An error that answers no request that was ever made is about the connection: a token that was refused, for one.
      const about = answer.requestId === undefined || answer.requestId > this.#lastRequestId;
      if (error !== undefined && about) this.#onBrokerError(error);
      return;
    }
    this.#waiting.delete(answer.requestId as number);
    clearTimeout(waiting.timer);
    if (error !== undefined) waiting.reject(error);
    else if (waiting.answer === table) waiting.resolve(answer as never);
    else waiting.reject(new PulsarError("protocol", `${this.broker} answered with another command (${type}).`));
  }

  #onBrokerError(error: PulsarError): void {
    this.#brokerError = error;
    if (this.#onConnected !== undefined) this.close(error);
  }

  #answerChallenge(): void {
    tokenOf(this.#settings, Date.now() + this.#settings.connectTimeoutMs).then(
      (token) => {
        const data = Buffer.from(token ?? "", "utf8");
        this.write(
          wire.frameOf(wire.COMMAND.authResponse, wire.AUTH_RESPONSE, {
            clientVersion: CLIENT_VERSION,
            response: { method: "token", data },
            protocolVersion: PROTOCOL_VERSION,
          }),
        );
      },
      (error: PulsarError) => this.close(error),
    );
  }
}

export const addressText = ({ host, port, proxyTo }: Address): string =>
  proxyTo === undefined ? `${host}:${port}` : `${proxyTo} through ${host}:${port}`;

/** The first field of MESSAGE, which is its consumer's id. */
function idOf(bytes: Buffer, start: number, end: number): number {
  const reader = new WireReader(bytes, start, end);
  while (reader.next()) {
    if (reader.field === 1) return reader.varint();
    reader.skip();
  }
  return -1;
}

function readReceipt(bytes: Buffer, start: number, end: number): Receipt & { producerId: number } {
  const receipt = { producerId: -1, sequenceId: -1n, ledgerId: -1n, entryId: -1n };
  const reader = new WireReader(bytes, start, end);
  while (reader.next()) {
    if (reader.field === 1) receipt.producerId = reader.varint();
    else if (reader.field === 2) receipt.sequenceId = reader.int64();
    else if (reader.field === 3) {
      const idEnd = reader.delimited();
      const id = new WireReader(bytes, reader.pos, idEnd);
      while (id.next()) {
        if (id.field === 1) receipt.ledgerId = id.int64();
        else if (id.field === 2) receipt.entryId = id.int64();
        else id.skip();
      }
      reader.pos = idEnd;
    } else reader.skip();
  }
  return receipt;
}
