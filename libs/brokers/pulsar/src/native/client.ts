/** As much of npm's `pulsar-client` as is used here, and how it is loaded: when it is chosen, from wherever it is installed. */
import { createRequire } from "node:module";
import type { OptionNames } from "@distribution/broker-common";
import { fieldError } from "@distribution/core/errors";

/** 64-bit numbers are only in its bytes, protobuf's MessageIdData. */
export interface NativeId {
  serialize(): Buffer;
}

export interface NativeMessage {
  getMessageId(): NativeId;
  getData(): Buffer;
  /** Empty: it has none. */
  getPartitionKey(): string;
  /** By name, in the order of the names. */
  getProperties(): Readonly<Record<string, string>>;
  /** Unix ms. */
  getPublishTimestamp(): number;
  getProducerName(): string;
}

export interface NativeReader {
  seek(id: NativeId): Promise<unknown>;
  isConnected(): boolean;
  close(): Promise<unknown>;
}

export interface NativeProducer {
  send(message: {
    readonly data: Buffer;
    readonly partitionKey?: string;
    readonly properties: Readonly<Record<string, string>>;
  }): Promise<NativeId>;
  getProducerName(): string;
  isConnected(): boolean;
  close(): Promise<unknown>;
}

export interface NativeConsumer {
  acknowledgeCumulativeId(id: NativeId): Promise<unknown>;
  isConnected(): boolean;
  close(): Promise<unknown>;
}

export interface NativeClient {
  createProducer(config: object): Promise<NativeProducer>;
  /** The client waits for the promise before it gives the next message to any listener. */
  createReader(config: {
    readonly topic: string;
    readonly startMessageId: NativeId;
    readonly receiverQueueSize: number;
    readonly readCompacted: boolean;
    readonly listener: (message: NativeMessage) => Promise<void> | undefined;
  }): Promise<NativeReader>;
  subscribe(config: object): Promise<NativeConsumer>;
  getPartitionsForTopic(topic: string): Promise<readonly string[]>;
  close(): Promise<unknown>;
}

export interface NativeApi {
  readonly Client: new (config: object) => NativeClient;
  readonly AuthenticationToken: new (config: { readonly token: () => string }) => object;
  readonly MessageId: { earliest(): NativeId; latest(): NativeId; deserialize(bytes: Buffer): NativeId };
}

/** Throws `invalid_request` naming the option, the setting and what to do, where it is not installed or cannot be loaded. */
export function loadNativeClient(called: OptionNames): NativeApi {
  try {
    return createRequire(import.meta.url)("pulsar-client") as NativeApi;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message.split("\n")[0] : String(cause);
    const remedy = `install it (npm install --no-save pulsar-client@1.18.0), or set ${called("client")} to protocol`;
    throw fieldError(
      "invalid_request",
      "client",
      `native needs npm's pulsar-client: ${remedy}. It was not loaded: ${why}`,
    );
  }
}
