/** Finds in the log what the broker took before a connection was lost, when the confirmation went with it. */
import type { MessageId, Reader, ReaderOptions } from "../contract.ts";
import { PulsarError } from "../errors.ts";
import { compareMessageIds } from "../message-id.ts";
import { confirm, type PendingBatch } from "./pending.ts";

export interface LocateOptions {
  readonly topic: string;
  readonly partition: number;
  readonly producerName: string;
  readonly batches: readonly PendingBatch[];
  /** The id of an earlier message of the producer; undefined: none is known. */
  readonly after: MessageId | undefined;
  readonly timeoutMs: number;
  /** Called once for each batch, before its senders are told. */
  settled(batch: PendingBatch): void;
  openReader(options: ReaderOptions): Promise<Reader>;
}

/** Clocks of other producers may be off by as much: the broker finds a time by the publish times of all. */
const CLOCK_SKEW_MS = 60_000n;

/** Settles every batch: with its id, or with `refused` when the broker called it a duplicate although it is not in the log. */
export async function locate(options: LocateOptions): Promise<void> {
  const wanted = new Map(options.batches.map((batch) => [batch.firstSequenceId, batch]));
  try {
    await search(options, wanted);
  } catch (cause) {
    const error = new PulsarError(
      "timeout",
      `Where a message was stored could not be found out: ${(cause as Error).message}`,
      {
        cause,
      },
    );
    rejectAll(options, wanted, error);
  }
  const where = `The broker dropped a message on ${options.topic} as one that it has, but it is not in the log.`;
  rejectAll(options, wanted, new PulsarError("refused", where));
}

function rejectAll(options: LocateOptions, wanted: Map<bigint, PendingBatch>, error: PulsarError): void {
  for (const batch of wanted.values()) {
    options.settled(batch);
    for (const sender of batch.senders) sender.reject(error);
  }
  wanted.clear();
}

async function search(options: LocateOptions, wanted: Map<bigint, PendingBatch>): Promise<void> {
  const { topic, after } = options;
  const since = (options.batches[0]?.publishTime ?? 0n) - CLOCK_SKEW_MS;
  const reader = await options.openReader({
    topic,
    from: after === undefined ? { time: since < 0n ? 0n : since } : { id: after },
  });
  const deadline = Date.now() + options.timeoutMs;
  try {
    const end = await reader.lastMessageId();
    while (wanted.size > 0 && end.entryId >= 0n && compareMessageIds(reader.position, end) < 0) {
      const left = deadline - Date.now();
      if (left <= 0) throw new PulsarError("timeout", "the log could not be read in time");
      for (const message of await receive(reader, left)) {
        const batch = message.producerName === options.producerName ? wanted.get(message.sequenceId) : undefined;
        if (batch === undefined || message.id.batchIndex > 0) continue;
        wanted.delete(batch.firstSequenceId);
        options.settled(batch);
        confirm(batch, message.id.ledgerId, message.id.entryId, options.partition);
      }
    }
  } finally {
    await reader.close();
  }
}

/** Entries that cannot be read are not what is looked for. */
async function receive(reader: Reader, waitMs: number): ReturnType<Reader["receive"]> {
  try {
    return await reader.receive({ waitMs });
  } catch (error) {
    if (error instanceof PulsarError && error.messageId !== undefined) return [];
    throw error;
  }
}
