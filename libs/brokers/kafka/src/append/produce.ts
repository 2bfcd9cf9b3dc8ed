/** The produce request, of batches that are encoded already. The client's own would encode them anew with every try. */
import { type Connection, createAPI, type Reader, Writer } from "@platformatic/kafka";

export interface PartitionProduce {
  readonly topic: string;
  readonly partition: number;
  readonly batch: Buffer;
}

export interface PartitionProduced {
  readonly topic: string;
  readonly partition: number;
  readonly errorCode: number;
  /** What the broker has to say about the error. */
  readonly message: string | null;
  /** Of the batch's first record; -1 after an error. */
  readonly baseOffset: bigint;
}

const KEY = 0;
/** Known to every Kafka from 2.8 on; later versions add nothing that is used here. */
const VERSION = 9;
const ALL_IN_SYNC_REPLICAS = -1;

export function produce(
  connection: Connection,
  timeoutMs: number,
  batches: readonly PartitionProduce[],
): Promise<PartitionProduced[]> {
  return api.async(connection, timeoutMs, batches);
}

function createRequest(timeoutMs: number, batches: readonly PartitionProduce[]): Writer {
  const byTopic = Map.groupBy(batches, ({ topic }) => topic);
  return Writer.create()
    .appendString(null) // no transaction
    .appendInt16(ALL_IN_SYNC_REPLICAS)
    .appendInt32(timeoutMs)
    .appendArray([...byTopic], (writer, [topic, partitions]) => {
      writer.appendString(topic).appendArray([...partitions], (one, { partition, batch }) => {
        one
          .appendInt32(partition)
          .appendUnsignedVarInt(batch.length + 1)
          .append(batch);
      });
    })
    .appendTaggedFields();
}

function parseResponse(_correlation: number, _key: number, _version: number, reader: Reader): PartitionProduced[] {
  const produced: PartitionProduced[] = [];
  reader.readArray((r) => {
    const topic = r.readString();
    r.readArray((one) => {
      const partition = one.readInt32();
      const errorCode = one.readInt16();
      const baseOffset = one.readInt64();
      one.skip(16); // the time of appending, the log's start
      one.readArray((error) => [error.readInt32(), error.readNullableString()]);
      produced.push({ topic, partition, errorCode, baseOffset, message: one.readNullableString() });
    });
  });
  return produced;
}

const api = createAPI<[number, readonly PartitionProduce[]], PartitionProduced[]>(
  KEY,
  VERSION,
  createRequest,
  parseResponse,
);
