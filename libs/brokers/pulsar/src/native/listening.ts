/** One reader of the native client, whose listener is not at work when it is closed. */
import { pause, type Runtime } from "@distribution/core/runtime";
import type { NativeClient, NativeId } from "./client.ts";
import { told } from "./failures.ts";
import { ReceivedMessage } from "./message.ts";

export interface ListenOptions {
  readonly client: NativeClient;
  readonly runtime: Runtime;
  readonly topic: string;
  readonly queueMessages: number;
  readonly compacted: boolean;
}

/** False: no more, until it is closed. It may not throw. */
export type Hear = (message: ReceivedMessage) => boolean;

export interface Listening {
  readonly connected: boolean;
  readonly closed: boolean;
  /** Goes to the place; resolves without, when it is closed meanwhile. */
  seek(place: NativeId): Promise<void>;
  close(): Promise<void>;
}

/** How long one more message is waited for before closing, ms. */
const PARK_MS = 5;
/** A lost connection comes again by itself. */
const RETRY_MS = 100;

export async function listen(options: ListenOptions, start: NativeId, hear: Hear): Promise<Listening> {
  const { promise: gone, resolve: letGo } = Promise.withResolvers<void>();
  const { promise: parked, resolve: park } = Promise.withResolvers<void>();
  let closing: Promise<void> | undefined;

  const reader = await told(
    options.client.createReader({
      ...{ topic: options.topic, startMessageId: start, receiverQueueSize: options.queueMessages },
      readCompacted: options.compacted,
      listener(raw) {
        if (closing === undefined && hear(new ReceivedMessage(raw))) return undefined;
        // The client's thread waits here until the reader is closed: it must not find it gone.
        park();
        return gone;
      },
    }),
  );

  const close = async (): Promise<void> => {
    await Promise.race([parked, pause(options.runtime, PARK_MS)]);
    await reader.close().catch(() => undefined);
    letGo();
  };

  return {
    get connected() {
      return reader.isConnected();
    },
    get closed() {
      return closing !== undefined;
    },
    async seek(place) {
      while (closing === undefined) {
        try {
          await reader.seek(place);
          return;
        } catch {
          await pause(options.runtime, RETRY_MS);
        }
      }
    },
    close() {
      closing ??= close();
      return closing;
    },
  };
}
