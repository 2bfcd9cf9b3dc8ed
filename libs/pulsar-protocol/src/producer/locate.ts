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
  /** Why the producer was let go, when it was. */
  ended(): PulsarError | undefined;
  /** Called once for each batch, before its senders are told. */
  settled(batch: PendingBatch): void;
  openReader(options: ReaderOptions): Promise<Reader>;
}

/** Clocks of other producers may be off by as much: the broker finds a time by the publish times of all. */
const CLOCK_SKEW_MS = 60_000n;
/** Between two tries, ms. */
const AGAIN_MS = 1_000;
/** Of a log that has more, something comes within this, ms. */
const QUIET_MS = 1_000;
/** After so many seconds without an answer a broker gives up what it was storing (bookkeeperClientTimeoutInSeconds). */
const STORING_LOOKS = 30;

/**
 * Settles every batch: with its id, or, when it is not in the log, with why the broker refused it later, or `refused` when it called it a
 * duplicate all the same. A log that cannot be read is tried again until the batch's time is over (`timeout`) or the producer is let go.
 */
export async function locate(options: LocateOptions): Promise<void> {
  const wanted = new Map(options.batches.map((batch) => [batch.firstSequenceId, batch]));
  const reject = (isMeant: (batch: PendingBatch) => boolean, errorOf: (batch: PendingBatch) => PulsarError): void => {
    for (const batch of [...wanted.values()].filter(isMeant)) {
      wanted.delete(batch.firstSequenceId);
      options.settled(batch);
      for (const sender of batch.senders) sender.reject(errorOf(batch));
    }
  };
  const where = `The broker dropped a message on ${options.topic} as one that it has, but it is not in the log.`;
  const notStored = ({ refusal }: PendingBatch): PulsarError => refusal ?? new PulsarError("refused", where);
  for (let looks = 1; wanted.size > 0; ) {
    try {
      await search(options, wanted);
      const isStoring = ({ known, refusal }: PendingBatch): boolean => known && refusal !== undefined;
      reject((batch) => !isStoring(batch) || looks > STORING_LOOKS, notStored);
      looks += 1;
    } catch (cause) {
      const { code, message } = cause as PulsarError;
      // There is no log that it could be in.
      if (code === "topic_not_found") reject(everything, notStored);
      if (code === "closed") reject(everything, () => cause as PulsarError);
      const what = `Where a message was stored could not be found out: ${message}`;
      const now = Date.now();
      reject(
        ({ deadline }) => deadline <= now,
        () => new PulsarError("timeout", what, { cause }),
      );
    }
    if (wanted.size === 0) return;
    await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    const end = options.ended();
    if (end !== undefined) reject(everything, () => end);
  }
}

const everything = (): boolean => true;

async function search(options: LocateOptions, wanted: Map<bigint, PendingBatch>): Promise<void> {
  const { topic, after } = options;
  const publishTime = (options.batches[0]?.publishTime ?? 0n) - CLOCK_SKEW_MS;
  const since = publishTime < 0n ? 0n : publishTime;
  const reader = await options.openReader({
    topic,
    createTopic: false,
    from: after === undefined ? { time: since } : { id: after },
  });
  const deadline = Date.now() + options.timeoutMs;
  try {
    const end = await reader.lastMessageId();
    // A topic that was terminated with an empty ledger does not tell its end: it ends where nothing comes any more.
    while (wanted.size > 0 && (end.entryId < 0n || compareMessageIds(reader.position, end) < 0)) {
      const left = deadline - Date.now();
      if (left <= 0) throw new PulsarError("timeout", "the log could not be read in time");
      const { position } = reader;
      const messages = await receive(reader, Math.min(left, QUIET_MS));
      for (const message of messages) {
        const batch = message.producerName === options.producerName ? wanted.get(message.sequenceId) : undefined;
        if (batch === undefined || message.id.batchIndex > 0) continue;
        wanted.delete(batch.firstSequenceId);
        options.settled(batch);
        confirm(batch, message.id.ledgerId, message.id.entryId, options.partition);
      }
      const isQuiet = messages.length === 0 && compareMessageIds(reader.position, position) === 0;
      if (isQuiet && (end.entryId < 0n || (after === undefined && (await isOlder(options, end, since))))) return;
    }
  } finally {
    await reader.close();
  }
}

/** Whether the log ends before that time: a reader that begins there gets nothing. */
async function isOlder({ topic, openReader }: LocateOptions, end: MessageId, since: bigint): Promise<boolean> {
  const reader = await openReader({ topic, createTopic: false, from: { id: end, inclusive: true } });
  try {
    const [last] = await receive(reader, QUIET_MS);
    return last !== undefined && last.publishTime < since;
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
