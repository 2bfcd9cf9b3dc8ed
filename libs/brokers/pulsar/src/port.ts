/**
 * What the adapter needs of a Pulsar client, so that any client can be behind it. Topics are single logs: a partition
 * `...-partition-N`. All errors are PortError. Every part attaches again by itself when its connection is lost.
 */
import type { LyingRecord } from "@distribution/broker-common";
import type { EntryId } from "./offset.ts";
import type { Compression } from "./options.ts";

/** Where a message lies: in an entry, and within the entry's batch where it has one. */
export interface MessagePlace extends EntryId {
  /** -1: the entry is no batch. */
  readonly batchIndex: number;
  /** Messages in the batch; 0: no batch. */
  readonly batchSize: number;
}

export interface PortMessage {
  readonly place: MessagePlace;
  /** Bytes of the received buffer, not to be written to. */
  readonly data: Uint8Array;
  /** What it is keyed by, as its writer gave it; a key of bytes is their base64. Throws `damaged`, as `properties` does. */
  key(): string | undefined;
  /** In the order of the message; values as bytes are UTF-8, and views. */
  properties(): readonly (readonly [name: string, value: Uint8Array | string])[];
  /** Where its parts lie, if the client tells. Its `layHeaders` throws as `properties` does. */
  readonly lying?: LyingRecord | undefined;
  /** Unix milliseconds: the broker's clock where it tells, else the producer's. */
  readonly time: bigint;
}

export interface OutgoingMessage {
  readonly data: Uint8Array;
  readonly key?: string;
  readonly properties: Readonly<Record<string, string>>;
}

export interface PortProducer {
  /** Why what was sent is not stored yet, where that is known. */
  readonly trouble?: string | undefined;
  /** While this stays what it is, messages go into one topic, whatever its ledgers are. Undefined: the client does not tell. */
  readonly attachments?: number | undefined;
  /**
   * Resolves once it is stored, however long the broker is away. Messages are stored once, in the order of `send`, whatever
   * happens to the connection. Rejects when it is not stored and never will be; with `unavailable` or `closed` when that is
   * not to be found out any more.
   */
  send(message: OutgoingMessage): Promise<MessagePlace>;
  /** Goes on until everything that was sent is settled, then lets go. */
  close(): Promise<void>;
  /** Lets go now, also during `close`: nothing is sent again, and what is not settled rejects with `closed`. */
  abort(): void;
}

export interface PortReader {
  /** The next messages in order, at least one and about as many bytes; empty only when it was closed. */
  receive(maxBytes: number): Promise<readonly PortMessage[]>;
  close(): Promise<void>;
}

/** This process's place in the line for a partition of a group. It is not given messages. */
export interface PortSeat {
  /** False while the connection is lost: another process may have the partition by now. */
  readonly attached: boolean;
  /** Everything up to and including this entry may be let go of. */
  release(entry: EntryId): Promise<void>;
  close(): Promise<void>;
}

export interface ProduceOptions {
  readonly topic: string;
  /** Whether messages that are sent in one turn may lie in one entry. */
  readonly batches: boolean;
  readonly compression: Compression;
}

export type PortStart =
  | { readonly at: "earliest" }
  /** The messages of this entry and what follows; from the nearest that is kept when it is gone. */
  | { readonly entry: EntryId }
  /** What follows this entry. */
  | { readonly after: EntryId };

export interface ReadOptions {
  readonly topic: string;
  readonly from: PortStart;
  readonly queueBytes: number;
  /** Of a compacted topic: the newest of every key where it was compacted, then everything. */
  readonly compacted: boolean;
}

export interface SeatOptions {
  readonly topic: string;
  readonly subscription: string;
  /** Shown in the topic's stats. */
  readonly name: string;
  /** Where a subscription starts that is not there. */
  readonly from: "earliest" | "latest";
  /** The partition is this process's now, or no longer. Called at a change that Pulsar tells of, not after `close`. */
  onActive(active: boolean): void;
  /** The connection was lost and is there again: who has the partition has to be asked. */
  onReattached(): void;
}

export interface PortHealth {
  readonly connected: boolean;
  /** Why not. */
  readonly reason: string | undefined;
}

export interface PulsarPort {
  /** Connects, if that has not happened. */
  ready(): Promise<{ readonly maxMessageBytes: number }>;
  produce(options: ProduceOptions): Promise<PortProducer>;
  read(options: ReadOptions): Promise<PortReader>;
  seat(options: SeatOptions): Promise<PortSeat>;
  health(): PortHealth;
  close(): Promise<void>;
}

/**
 * - `refused`: the token is wrong or may not: trying again does not help soon.
 * - `unavailable`: the broker is away, or did not answer in time: what was sent may be stored or not.
 * - `not_taken`: one message was refused, and is not stored.
 * - `ended`: the producer is of no more use, as where another one has the topic to itself; the message is not stored.
 * - `full`: the topic takes no more before something of it goes.
 * - `damaged`: one entry cannot be read; the reader is of no more use.
 */
export type PortErrorCode =
  | "unavailable"
  | "not_taken"
  | "refused"
  | "ended"
  | "unknown_topic"
  | "too_large"
  | "full"
  | "damaged"
  | "closed";

export class PortError extends Error {
  override readonly name = "PortError";
  readonly code: PortErrorCode;
  /** Of `damaged`: which one. */
  readonly entry: EntryId | undefined;
  /** Of `damaged`: what lies there, as far as it is known. */
  readonly data: Uint8Array | undefined;

  constructor(
    code: PortErrorCode,
    message: string,
    details: { entry?: EntryId; data?: Uint8Array | undefined; cause?: unknown } = {},
  ) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.entry = details.entry;
    this.data = details.data;
  }
}
