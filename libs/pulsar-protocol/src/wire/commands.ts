/** The commands of Pulsar's binary protocol that this client speaks: numbers of commands, fields and errors are the protocol's. */
import type { PulsarErrorCode } from "../errors.ts";
import { encode, type Message, type Table } from "./schema.ts";
import { varintSize, writeVarint } from "./writer.ts";

/** A command's number is both its type and its field in BaseCommand. */
export const COMMAND = {
  connect: 2,
  connected: 3,
  subscribe: 4,
  producer: 5,
  send: 6,
  sendReceipt: 7,
  sendError: 8,
  message: 9,
  ack: 10,
  flow: 11,
  unsubscribe: 12,
  success: 13,
  error: 14,
  closeProducer: 15,
  closeConsumer: 16,
  producerSuccess: 17,
  ping: 18,
  pong: 19,
  redeliver: 20,
  partitions: 21,
  partitionsResponse: 22,
  lookup: 23,
  lookupResponse: 24,
  reachedEndOfTopic: 27,
  seek: 28,
  lastMessageId: 29,
  lastMessageIdResponse: 30,
  activeConsumerChange: 31,
  authChallenge: 36,
  authResponse: 37,
  ackResponse: 38,
} as const;

const KEY_VALUE = { key: [1, "string"], value: [2, "string"] } as const satisfies Table;
const AUTH_DATA = { method: [1, "string"], data: [2, "bytes"] } as const satisfies Table;

export const MESSAGE_ID = {
  ledgerId: [1, "i64"],
  entryId: [2, "i64"],
  partition: [3, "int"],
  batchIndex: [4, "int"],
  /** Bits of messages of the batch that are still open. */
  ackSet: [5, "i64s"],
  batchSize: [6, "int"],
} as const satisfies Table;

export const CONNECT = {
  clientVersion: [1, "string"],
  authData: [3, "bytes"],
  protocolVersion: [4, "int"],
  authMethod: [5, "string"],
  proxyToBroker: [6, "string"],
  features: [10, { authRefresh: [1, "bool"], brokerEntryMetadata: [2, "bool"] }],
} as const satisfies Table;

export const CONNECTED = {
  serverVersion: [1, "string"],
  protocolVersion: [2, "int"],
  maxMessageSize: [3, "int"],
} as const satisfies Table;

export const AUTH_CHALLENGE = { challenge: [2, AUTH_DATA] } as const satisfies Table;
export const AUTH_RESPONSE = {
  clientVersion: [1, "string"],
  response: [2, AUTH_DATA],
  protocolVersion: [3, "int"],
} as const satisfies Table;

/** What every answer has: which request it answers, and what went wrong. Fields differ by command, hence one table each. */
export const SUCCESS = { requestId: [1, "uint"] } as const satisfies Table;
export const ERROR = { requestId: [1, "uint"], error: [2, "int"], message: [3, "string"] } as const satisfies Table;

export const PARTITIONS = {
  topic: [1, "string"],
  requestId: [2, "uint"],
  createTopic: [6, "bool"],
} as const satisfies Table;
export const PARTITIONS_RESPONSE = {
  partitions: [1, "uint"],
  requestId: [2, "uint"],
  /** 1: failed. */
  response: [3, "int"],
  error: [4, "int"],
  message: [5, "string"],
} as const satisfies Table;

export const LOOKUP = {
  topic: [1, "string"],
  requestId: [2, "uint"],
  authoritative: [3, "bool"],
  listenerName: [7, "string"],
} as const satisfies Table;
export const LOOKUP_RESPONSE = {
  url: [1, "string"],
  urlTls: [2, "string"],
  /** 0 redirect, 1 connect, 2 failed. */
  response: [3, "int"],
  requestId: [4, "uint"],
  authoritative: [5, "bool"],
  error: [6, "int"],
  message: [7, "string"],
  proxyThroughServiceUrl: [8, "bool"],
} as const satisfies Table;

export const PRODUCER = {
  topic: [1, "string"],
  producerId: [2, "uint"],
  requestId: [3, "uint"],
  name: [4, "string"],
  metadata: [6, [KEY_VALUE]],
  epoch: [8, "uint"],
  ownName: [9, "bool"],
  /** 0 shared, 1 exclusive. */
  access: [10, "int"],
  topicEpoch: [11, "u64"],
} as const satisfies Table;
export const PRODUCER_SUCCESS = {
  requestId: [1, "uint"],
  name: [2, "string"],
  lastSequenceId: [3, "i64"],
  topicEpoch: [5, "u64"],
} as const satisfies Table;

export const SEND_ERROR = {
  producerId: [1, "uint"],
  sequenceId: [2, "u64"],
  error: [3, "int"],
  message: [4, "string"],
} as const satisfies Table;

export const CLOSE = { id: [1, "uint"], requestId: [2, "uint"] } as const satisfies Table;

export const SUBSCRIBE = {
  topic: [1, "string"],
  subscription: [2, "string"],
  type: [3, "int"],
  consumerId: [4, "uint"],
  requestId: [5, "uint"],
  name: [6, "string"],
  priority: [7, "int"],
  durable: [8, "bool"],
  startMessageId: [9, MESSAGE_ID],
  metadata: [10, [KEY_VALUE]],
  readCompacted: [11, "bool"],
  /** 0 latest, 1 earliest. */
  initialPosition: [13, "int"],
  createTopic: [15, "bool"],
  subscriptionProperties: [18, [KEY_VALUE]],
  epoch: [19, "uint"],
} as const satisfies Table;
/** In the protocol's numbers. */
export const SUBSCRIPTION_TYPE = { exclusive: 0, shared: 1, failover: 2, key_shared: 3 } as const;

export const FLOW = { consumerId: [1, "uint"], permits: [2, "uint"] } as const satisfies Table;
export const UNSUBSCRIBE = { consumerId: [1, "uint"], requestId: [2, "uint"] } as const satisfies Table;
export const SEEK = {
  consumerId: [1, "uint"],
  requestId: [2, "uint"],
  messageId: [3, MESSAGE_ID],
  publishTime: [4, "u64"],
} as const satisfies Table;
export const LAST_MESSAGE_ID = { consumerId: [1, "uint"], requestId: [2, "uint"] } as const satisfies Table;
export const LAST_MESSAGE_ID_RESPONSE = {
  messageId: [1, MESSAGE_ID],
  requestId: [2, "uint"],
} as const satisfies Table;
export const ACTIVE_CONSUMER_CHANGE = { consumerId: [1, "uint"], active: [2, "bool"] } as const satisfies Table;
export const REDELIVER = {
  consumerId: [1, "uint"],
  messageIds: [2, [MESSAGE_ID]],
  epoch: [3, "uint"],
} as const satisfies Table;
export const ACK_RESPONSE = {
  consumerId: [1, "uint"],
  error: [4, "int"],
  message: [5, "string"],
  requestId: [6, "uint"],
} as const satisfies Table;

/** A whole frame: `u32 total, u32 size, BaseCommand{1: type, type: command}`. */
export function commandFrame(type: number, body: Buffer): Buffer {
  const tag = type * 8 + 2;
  const size = 2 + varintSize(tag) + varintSize(body.length) + body.length;
  const frame = Buffer.allocUnsafe(8 + size);
  frame.writeUInt32BE(4 + size, 0);
  frame.writeUInt32BE(size, 4);
  frame[8] = 8;
  frame[9] = type;
  body.copy(frame, writeVarint(frame, writeVarint(frame, 10, tag), body.length));
  return frame;
}

export const frameOf = <T extends Table>(type: number, table: T, message: Message<T>): Buffer =>
  commandFrame(type, encode(table, message));

export const toPairs = (record: Readonly<Record<string, string>> = {}): { key: string; value: string }[] =>
  Object.entries(record).map(([key, value]) => ({ key, value }));

/** The broker's ServerError numbers. */
const SERVER_ERRORS: readonly PulsarErrorCode[] = [
  "unavailable", // unknown: mostly what passes
  "unavailable", // metadata
  "unavailable", // persistence
  "authentication",
  "authorization",
  "consumer_busy",
  "unavailable", // service not ready
  "quota_exceeded",
  "quota_exceeded",
  "checksum_mismatch",
  "unsupported", // version
  "topic_not_found",
  "subscription_not_found",
  "disconnected", // consumer not found
  "unavailable", // too many requests
  "topic_terminated",
  "producer_busy",
  "invalid_argument", // topic name
  "refused", // schema
  "consumer_busy", // consumer assign
  "refused", // transactions: 20, 21
  "refused",
  "refused", // not allowed
  "refused", // transactions: 23, 24
  "refused",
  "producer_fenced",
];

export const codeOf = (serverError: number | undefined): PulsarErrorCode =>
  SERVER_ERRORS[serverError ?? 0] ?? "refused";
