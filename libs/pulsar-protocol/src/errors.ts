/** The one error class of this library, and its closed list of codes. */
import type { MessageId } from "./contract.ts";

/** Every code: what it means, and whether the same call may succeed later without a change on the caller's side. */
export const PULSAR_ERRORS = {
  invalid_argument: { retriable: false, meaning: "An option or argument is out of range, or does not fit the others." },
  closed: { retriable: false, meaning: "The client, producer, consumer or reader was closed by its owner." },
  unavailable: { retriable: true, meaning: "No broker could be reached, or it was not ready to serve the topic." },
  disconnected: { retriable: true, meaning: "The connection was lost before the broker answered." },
  timeout: { retriable: true, meaning: "No answer in time; what was asked for may have happened." },
  protocol: { retriable: true, meaning: "The broker sent what is not the protocol; the connection was closed." },
  handshake: {
    retriable: true,
    meaning:
      "The connection ended before the broker said anything, as when one side speaks TLS and the other does not.",
  },
  tls: { retriable: false, meaning: "A certificate is not to the other side's liking, or one side speaks no TLS." },
  authentication: { retriable: false, meaning: "The broker refuses the token, or wants one." },
  authorization: { retriable: false, meaning: "The role may not do this to the topic." },
  topic_not_found: { retriable: false, meaning: "The topic, its namespace or tenant does not exist." },
  subscription_not_found: { retriable: false, meaning: "The subscription does not exist." },
  partitioned_topic: { retriable: false, meaning: "The topic has partitions: use one of them." },
  topic_terminated: { retriable: false, meaning: "The topic was terminated: it takes no more messages." },
  producer_busy: { retriable: true, meaning: "A producer of this name, or an exclusive one, is on the topic." },
  producer_fenced: { retriable: false, meaning: "Another producer took the topic for itself." },
  consumer_busy: {
    retriable: true,
    meaning: "The subscription has a consumer that allows no other, or of another type.",
  },
  quota_exceeded: { retriable: true, meaning: "The topic's backlog quota is used up." },
  queue_full: { retriable: true, meaning: "Too many messages or bytes wait for confirmation: wait for `writable`." },
  message_too_large: { retriable: false, meaning: "The message with its metadata is larger than the broker takes." },
  checksum_mismatch: { retriable: false, meaning: "An entry's bytes are not those that were sent." },
  entry_corrupt: { retriable: false, meaning: "An entry's metadata, batch or compressed bytes cannot be read." },
  unsupported: {
    retriable: false,
    meaning: "An entry or request needs what this client has not: encryption, chunks.",
  },
  refused: { retriable: false, meaning: "The broker refused for another reason, given in the message." },
} as const satisfies Readonly<Record<string, { readonly retriable: boolean; readonly meaning: string }>>;

export type PulsarErrorCode = keyof typeof PULSAR_ERRORS;

export class PulsarError extends Error {
  override readonly name = "PulsarError";
  readonly code: PulsarErrorCode;
  /** The same call may succeed later. */
  readonly retriable: boolean;
  /** The entry that could not be read. */
  readonly messageId: MessageId | undefined;
  /** Of that entry: its payload as it was received, compressed as it is; where its metadata cannot be read, all of it. */
  readonly data: Buffer | undefined;

  constructor(
    code: PulsarErrorCode,
    message: string,
    options: { cause?: unknown; messageId?: MessageId; data?: Buffer } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.retriable = PULSAR_ERRORS[code].retriable;
    this.messageId = options.messageId;
    this.data = options.data;
  }
}
