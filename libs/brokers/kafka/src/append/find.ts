/** Finds a batch in its partition: Kafka may say that it has it without saying where. */
import { readBounds } from "../admin/bounds.ts";
import { AT, FRONT_BYTES } from "../batch-head.ts";
import type { Cluster, KnownTopic } from "../connection/cluster.ts";
import { CODE, unavailable } from "../connection/failures.ts";
import { fetchRecords } from "../read/fetch.ts";

const FETCH_BYTES = 4 * 1024 * 1024;
const NOTHING = Buffer.alloc(0);

export interface Wanted {
  readonly topic: KnownTopic;
  readonly partition: number;
  /** As it was sent: it is known by its producer and sequence. */
  readonly batch: Buffer;
  /** It lies behind this record; -1: that is not known. */
  readonly after: bigint;
}

/**
 * The offset of the batch's first record; `gone`: the part of the log where it may have lain is not kept any more; `absent`: it is not
 * there. Throws `unavailable`.
 */
export async function findBatch(
  cluster: Cluster,
  { topic, partition, batch, after }: Wanted,
): Promise<bigint | "gone" | "absent"> {
  const [bounds] = await readBounds(cluster, topic.name, [partition]);
  const { start } = bounds!;
  const isWhole = after + 1n >= start;
  for (let offset = isWhole ? after + 1n : start; ; ) {
    const records = await fetchFrom(cluster, topic, partition, offset);
    const { found, next } = look(records, batch);
    if (found !== undefined) return found;
    if (next === undefined || next <= offset) break;
    offset = next;
  }
  return isWhole ? "absent" : "gone";
}

async function fetchFrom(cluster: Cluster, topic: KnownTopic, partition: number, offset: bigint): Promise<Buffer> {
  const wanted = [{ topicId: topic.id, partition, offset, lastEpoch: -1, maxBytes: FETCH_BYTES }];
  const { partitions } = await cluster.ask(
    () => cluster.leaderOf(topic, partition) ?? "any",
    (connection) => fetchRecords(connection, { waitMs: 0, maxBytes: FETCH_BYTES, uncommitted: true }, wanted),
  );
  const [answer] = partitions;
  // The log ends before.
  if (answer?.errorCode === CODE.OFFSET_OUT_OF_RANGE) return NOTHING;
  if (answer === undefined || answer.errorCode !== 0)
    throw unavailable(`${topic.name}/${partition} could not be read: error ${answer?.errorCode}.`);
  return answer.records;
}

/** Where the batch begins, or behind which record the bytes end. */
function look(bytes: Buffer, batch: Buffer): { readonly found?: bigint; readonly next?: bigint } {
  const wanted = batch.subarray(AT.producer, AT.count);
  let next: bigint | undefined;
  for (let at = 0; at + AT.count <= bytes.length; at += FRONT_BYTES + bytes.readInt32BE(at + AT.length)) {
    const base = bytes.readBigInt64BE(at + AT.base);
    if (bytes.subarray(at + AT.producer, at + AT.count).equals(wanted)) return { found: base };
    next = base + BigInt(bytes.readInt32BE(at + AT.last)) + 1n;
  }
  return next === undefined ? {} : { next };
}
