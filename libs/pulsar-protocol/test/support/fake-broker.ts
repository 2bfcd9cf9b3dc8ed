/** A broker on a real socket that does what a test's script says; where the script is silent it is a friendly one. */
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import {
  connectPulsar,
  type PulsarClient,
  type PulsarOptions,
  type Message as Received,
  type Receiver,
} from "../../src/index.ts";
import { encodeSend } from "../../src/producer/encode.ts";
import * as wire from "../../src/wire/commands.ts";
import { createFrameSplitter } from "../../src/wire/frames.ts";
import { WireReader } from "../../src/wire/reader.ts";
import { decode, encode, type Message, type Table } from "../../src/wire/schema.ts";

const SEND = { producerId: [1, "uint"], sequenceId: [2, "u64"], count: [3, "uint"] } as const satisfies Table;
const RECEIPT = {
  producerId: [1, "uint"],
  sequenceId: [2, "u64"],
  messageId: [3, wire.MESSAGE_ID],
} as const satisfies Table;
const MESSAGE = {
  consumerId: [1, "uint"],
  messageId: [2, wire.MESSAGE_ID],
  redeliveryCount: [3, "uint"],
  ackSet: [4, "i64s"],
  consumerEpoch: [5, "uint"],
} as const satisfies Table;
const ACK = {
  consumerId: [1, "uint"],
  type: [2, "uint"],
  ids: [3, [wire.MESSAGE_ID]],
  requestId: [8, "uint"],
} as const satisfies Table;

/** How each command that a client sends is read. */
const TABLES = {
  connect: wire.CONNECT,
  subscribe: wire.SUBSCRIBE,
  producer: wire.PRODUCER,
  send: SEND,
  ack: ACK,
  flow: wire.FLOW,
  unsubscribe: wire.UNSUBSCRIBE,
  closeProducer: wire.CLOSE,
  closeConsumer: wire.CLOSE,
  ping: {},
  pong: {},
  redeliver: wire.REDELIVER,
  partitions: wire.PARTITIONS,
  lookup: wire.LOOKUP,
  seek: wire.SEEK,
  lastMessageId: wire.LAST_MESSAGE_ID,
  authResponse: wire.AUTH_RESPONSE,
} as const satisfies Partial<Record<keyof typeof wire.COMMAND, Table>>;
type Name = keyof typeof TABLES;
type Body<N extends Name> = Message<(typeof TABLES)[N]>;

const NAMES = new Map<number, Name>(Object.keys(TABLES).map((name) => [wire.COMMAND[name as Name], name as Name]));

export interface Peer {
  readonly socket: Socket;
  write<T extends Table>(type: keyof typeof wire.COMMAND, table: T, message: Message<T>): void;
  receipt(producerId: number, sequenceId: bigint, entryId: bigint, ledgerId?: bigint): void;
  /** One entry; several texts make a batch. */
  message(consumerId: number, entryId: bigint, entry: EntryOptions): void;
  success(requestId: number | undefined): void;
  error(requestId: number | undefined, error: number, message?: string): void;
}

export interface EntryOptions {
  readonly texts: readonly string[];
  readonly ackSet?: readonly bigint[];
  readonly epoch?: number;
  readonly publishTime?: bigint;
  readonly producerName?: string;
  readonly sequenceId?: bigint;
  /** Changes the bytes after the command, checksum and all. */
  readonly damage?: (bytes: Buffer) => Buffer;
}

export type Script = { [N in Name]?: (peer: Peer, body: Body<N>) => void };

export interface FakeBroker extends AsyncDisposable {
  readonly url: string;
  readonly peers: Set<Peer>;
  /** Every command in order: its name and body. */
  readonly log: { readonly name: Name; readonly body: Message<Table> }[];
  /** Bodies of one command. */
  all<N extends Name>(name: N): Body<N>[];
  script: Script;
  client(options?: Partial<PulsarOptions>): PulsarClient;
}

/** Metadata and payload of an entry, as MESSAGE carries it. */
export function entryBytes({ texts, publishTime = 1n, producerName = "p", sequenceId = 0n }: EntryOptions): Buffer {
  const messages = texts.map((text) => ({ data: Buffer.from(text), key: text }));
  const { frame } = encodeSend({
    producerId: 1,
    producerName,
    firstSequenceId: sequenceId,
    lastSequenceId: sequenceId + BigInt(texts.length - 1),
    publishTime,
    compression: "none",
    messages,
    batchBytes: messages.reduce((sum, message) => sum + batched(message), 0),
    sharedKey: false,
  });
  return frame.subarray(8 + frame.readUInt32BE(4));
}

const batched = ({ data, key }: { data: Buffer; key: string }): number =>
  4 + encode({ key: [2, "string"], size: [3, "uint"] }, { key, size: data.length }).length + data.length;

export async function startFakeBroker(script: Script = {}): Promise<FakeBroker> {
  const server = createServer();
  const peers = new Set<Peer>();
  const clients: PulsarClient[] = [];
  const log: FakeBroker["log"] = [];
  let entries = 0n;

  const friendly: Required<Pick<Script, Name>> = {
    connect: (peer) =>
      peer.write("connected", wire.CONNECTED, {
        serverVersion: "fake",
        protocolVersion: 19,
        maxMessageSize: 1_000_000,
      }),
    partitions: (peer, { requestId }) =>
      peer.write("partitionsResponse", wire.PARTITIONS_RESPONSE, { requestId, partitions: 0, response: 0 }),
    lookup: (peer, { requestId }) =>
      peer.write("lookupResponse", wire.LOOKUP_RESPONSE, {
        requestId,
        response: 1,
        url: broker.url,
        authoritative: true,
      }),
    producer: (peer, { requestId, name }) =>
      peer.write("producerSuccess", wire.PRODUCER_SUCCESS, { requestId, name: name ?? "given", lastSequenceId: -1n }),
    send: (peer, { producerId, sequenceId }) => peer.receipt(producerId ?? 0, sequenceId ?? 0n, entries++),
    subscribe: (peer, { requestId }) => peer.success(requestId),
    closeProducer: (peer, { requestId }) => peer.success(requestId),
    closeConsumer: (peer, { requestId }) => peer.success(requestId),
    unsubscribe: (peer, { requestId }) => peer.success(requestId),
    seek: (peer, { requestId }) => peer.success(requestId),
    lastMessageId: (peer, { requestId }) =>
      peer.write("lastMessageIdResponse", wire.LAST_MESSAGE_ID_RESPONSE, {
        requestId,
        messageId: { ledgerId: 1n, entryId: -1n },
      }),
    ack: (peer, { requestId, consumerId }) => peer.write("ackResponse", wire.ACK_RESPONSE, { requestId, consumerId }),
    ping: (peer) => peer.write("pong", {}, {}),
    flow: () => undefined,
    pong: () => undefined,
    redeliver: () => undefined,
    authResponse: () => undefined,
  };

  server.on("connection", (socket) => {
    const peer = peerOf(socket);
    peers.add(peer);
    socket.on("error", () => undefined);
    socket.on("close", () => peers.delete(peer));
    const splitter = createFrameSplitter(64 * 1024 * 1024, (bytes, start) => {
      const { name, body } = readCommand(bytes, start);
      log.push({ name, body });
      const answer = (broker.script[name] ?? friendly[name]) as (peer: Peer, body: Message<Table>) => void;
      answer(peer, body);
    });
    socket.on("data", (chunk: Buffer) => splitter.push(chunk));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");

  const broker: FakeBroker = {
    url: `pulsar://127.0.0.1:${(server.address() as AddressInfo).port}`,
    peers,
    log,
    script,
    all: <N extends Name>(name: N) => log.filter((each) => each.name === name).map(({ body }) => body as Body<N>),
    client(options = {}) {
      const client = connectPulsar({
        serviceUrl: broker.url,
        backoff: { minMs: 1, maxMs: 5 },
        operationTimeoutMs: 5_000,
        ...options,
      });
      clients.push(client);
      return client;
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(clients.map((client) => client.close()));
      for (const { socket } of peers) socket.destroy();
      server.close();
    },
  };
  return broker;
}

function readCommand(bytes: Buffer, start: number): { name: Name; body: Message<Table> } {
  const end = start + 4 + bytes.readUInt32BE(start);
  const reader = new WireReader(bytes, start + 4, end);
  reader.next();
  const type = reader.varint();
  reader.next();
  const bodyEnd = reader.delimited();
  const name = NAMES.get(type);
  if (name === undefined) throw new Error(`The client sent command ${type}, of which the fake broker knows nothing.`);
  return { name, body: decode(TABLES[name] as Table, bytes, reader.pos, bodyEnd) };
}

function peerOf(socket: Socket): Peer {
  const peer: Peer = {
    socket,
    write(type, table, message) {
      socket.write(wire.frameOf(wire.COMMAND[type], table, message));
    },
    receipt(producerId, sequenceId, entryId, ledgerId = 1n) {
      peer.write("sendReceipt", RECEIPT, { producerId, sequenceId, messageId: { ledgerId, entryId } });
    },
    message(consumerId, entryId, entry) {
      const { ackSet, epoch, damage = (bytes: Buffer) => bytes } = entry;
      const messageId = { ledgerId: 1n, entryId };
      const command = wire.frameOf(wire.COMMAND.message, MESSAGE, {
        consumerId,
        messageId,
        redeliveryCount: 0,
        ackSet,
        consumerEpoch: epoch,
      });
      const body = damage(Buffer.from(entryBytes(entry)));
      command.writeUInt32BE(command.length - 4 + body.length, 0);
      socket.write(Buffer.concat([command, body]));
    },
    success: (requestId) => peer.write("success", wire.SUCCESS, { requestId }),
    error: (requestId, error, message = "said the script") =>
      peer.write("error", wire.ERROR, { requestId, error, message }),
  };
  return peer;
}

/** Polls until it is true. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

/** Runs a test against a broker of its own. */
export async function withBroker(script: Script, test: (broker: FakeBroker) => Promise<void>): Promise<void> {
  await using broker = await startFakeBroker(script);
  await test(broker);
}

export const texts = (messages: readonly Received[]): string[] => messages.map(({ data }) => data.toString());

/** The next `count` messages. */
export async function take(receiver: Receiver, count: number): Promise<Received[]> {
  const got: Received[] = [];
  while (got.length < count) got.push(...(await receiver.receive({ maxMessages: count - got.length })));
  return got;
}

/** The peer and consumer id of the newest subscription. */
export function newest(broker: FakeBroker): { peer: Peer; id: number } {
  return { peer: [...broker.peers].at(-1)!, id: broker.all("subscribe").at(-1)!.consumerId! };
}
