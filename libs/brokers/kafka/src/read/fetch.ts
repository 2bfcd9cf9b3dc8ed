/** The fetch request, its records left as bytes: the client's own reader takes them apart without looking at checksums. */
import { type Connection, createAPI, FetchIsolationLevels, fetchV13, type Reader } from "@platformatic/kafka";

export interface PartitionFetch {
  readonly topicId: string;
  readonly partition: number;
  /** Of the first record wanted. */
  readonly offset: bigint;
  /** The leader epoch of the record before it; -1: unknown. The broker answers where histories part. */
  readonly lastEpoch: number;
  /** At most so many bytes, unless the first record batch is larger. */
  readonly maxBytes: number;
}

export interface PartitionFetched {
  readonly topicId: string;
  readonly partition: number;
  readonly errorCode: number;
  /** Behind the last record that may be read. */
  readonly end: bigint;
  readonly logStart: bigint;
  /** The log was another one from here on; undefined: it is the one that was read. */
  readonly divergedAt: bigint | undefined;
  readonly aborted: readonly AbortedTransaction[];
  /** Whole record batches, the last one perhaps cut off. */
  readonly records: Buffer;
}

/** Records of this producer from this offset on, up to the end of the transaction, were given up. */
export interface AbortedTransaction {
  readonly producerId: bigint;
  readonly firstOffset: bigint;
}

export interface FetchAnswer {
  readonly errorCode: number;
  readonly partitions: readonly PartitionFetched[];
}

const KEY = 1;
/** With topic ids, and answers about diverged logs: Kafka 3.1 on. */
const VERSION = 13;
const DIVERGING_EPOCH_TAG = 0;
const NO_RECORDS = Buffer.alloc(0);

export interface FetchLimits {
  /** How long the broker holds the question while there is nothing, ms. */
  readonly waitMs: number;
  /** Of the whole answer. */
  readonly maxBytes: number;
  /** Also what lies behind the beginning of a transaction that is under way. Default false. */
  readonly uncommitted?: boolean;
}

export function fetchRecords(
  connection: Connection,
  { waitMs, maxBytes, uncommitted = false }: FetchLimits,
  partitions: readonly PartitionFetch[],
): Promise<FetchAnswer> {
  const isolation = uncommitted ? FetchIsolationLevels.READ_UNCOMMITTED : FetchIsolationLevels.READ_COMMITTED;
  return api.async(connection, waitMs, maxBytes, isolation, partitions);
}

function createRequest(waitMs: number, maxBytes: number, isolation: number, partitions: readonly PartitionFetch[]) {
  const topics = [...Map.groupBy(partitions, ({ topicId }) => topicId)].map(([topicId, wanted]) => ({
    topicId,
    partitions: wanted.map(({ partition, offset, lastEpoch, maxBytes: partitionMaxBytes }) => ({
      ...{ partition, fetchOffset: offset, currentLeaderEpoch: -1, lastFetchedEpoch: lastEpoch, partitionMaxBytes },
    })),
  }));
  return fetchV13.createRequest(waitMs, 1, maxBytes, isolation, 0, -1, topics, [], "");
}

function parseResponse(_correlation: number, _key: number, _version: number, reader: Reader): FetchAnswer {
  reader.skip(4); // throttled, ms
  const errorCode = reader.readInt16();
  reader.skip(4); // no session
  const partitions: PartitionFetched[] = [];
  reader.readArray((r) => {
    const topicId = r.readUUID();
    r.readArray((one) => void partitions.push(readPartition(one, topicId)), true, false);
  });
  return { errorCode, partitions };
}

function readPartition(reader: Reader, topicId: string): PartitionFetched {
  const partition = reader.readInt32();
  const errorCode = reader.readInt16();
  reader.skip(8); // the high watermark, which may be behind transactions that are under way
  const end = reader.readInt64();
  const logStart = reader.readInt64();
  const aborted = reader.readNullableArray((r) => ({ producerId: r.readInt64(), firstOffset: r.readInt64() })) ?? [];
  reader.skip(4); // a replica that it would rather be read from
  const records = reader.readNullableBytes() ?? NO_RECORDS;
  const divergedAt = readDivergence(reader);
  return { topicId, partition, errorCode, end, logStart, aborted, records, divergedAt };
}

/** The answer's tagged fields. */
function readDivergence(reader: Reader): bigint | undefined {
  let divergedAt: bigint | undefined;
  for (let left = reader.readUnsignedVarInt(); left > 0; left -= 1) {
    const tag = reader.readUnsignedVarInt();
    const size = reader.readUnsignedVarInt();
    const next = reader.position + size;
    if (tag === DIVERGING_EPOCH_TAG) {
      reader.skip(4);
      divergedAt = reader.readInt64();
    }
    reader.skip(next - reader.position);
  }
  return divergedAt;
}

const api = createAPI<[number, number, number, readonly PartitionFetch[]], FetchAnswer>(
  KEY,
  VERSION,
  createRequest,
  parseResponse,
);
