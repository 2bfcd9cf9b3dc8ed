/** What our broker asks a Kafka for: by number, and how the fake one answers. */
import { type Reader, Writer } from "@platformatic/kafka";
import { CODE } from "../../../src/connection/failures.ts";
import type { FakeLog } from "./log.ts";
import type { FakeNode } from "./node.ts";

export const KEY = {
  PRODUCE: 0,
  FETCH: 1,
  LIST_OFFSETS: 2,
  METADATA: 3,
  OFFSET_COMMIT: 8,
  OFFSET_FETCH: 9,
  FIND_COORDINATOR: 10,
  JOIN_GROUP: 11,
  HEARTBEAT: 12,
  LEAVE_GROUP: 13,
  SYNC_GROUP: 14,
  CREATE_TOPICS: 19,
  DELETE_TOPICS: 20,
  DELETE_RECORDS: 21,
  INIT_PRODUCER_ID: 22,
  DESCRIBE_CONFIGS: 32,
  DESCRIBE_LOG_DIRS: 35,
  CREATE_PARTITIONS: 37,
  INCREMENTAL_ALTER_CONFIGS: 44,
} as const;

/** Reads the request, does what it says, and writes the response. */
export type Answer = (node: FakeNode, reader: Reader) => Writer | Promise<Writer>;

export const writer = (): Writer => Writer.create();
export const strings = (r: Reader): string[] => r.readArray((one) => one.readString(), true, false);
export const ints = (r: Reader): number[] => r.readArray((one) => one.readInt32(), true, false);

/** The code for this partition, or the log when this node leads it. */
export function leading(node: FakeNode, name: string, partition: number): FakeLog | number {
  const log = node.cluster.topics.get(name)?.logs[partition];
  if (log === undefined) return CODE.UNKNOWN_TOPIC_OR_PARTITION;
  return log.leader === node.id ? log : CODE.NOT_LEADER_OR_FOLLOWER;
}
