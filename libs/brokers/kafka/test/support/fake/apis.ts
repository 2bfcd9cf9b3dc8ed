/** Kafka's answers, as far as our broker asks, by the number of the question. */

import {
  alterConfigs,
  createPartitions,
  createTopics,
  deleteRecords,
  deleteTopics,
  describeConfigs,
  describeLogDirs,
  initProducerId,
} from "./admin-apis.ts";
import { type Answer, KEY } from "./answer.ts";
import {
  findCoordinator,
  heartbeat,
  joinGroup,
  leaveGroup,
  offsetCommit,
  offsetFetch,
  syncGroup,
} from "./group-apis.ts";
import { fetch, listOffsets, metadata, produce } from "./log-apis.ts";

export const ANSWERS: Readonly<Record<number, Answer>> = {
  [KEY.PRODUCE]: produce,
  [KEY.FETCH]: fetch,
  [KEY.LIST_OFFSETS]: listOffsets,
  [KEY.METADATA]: metadata,
  [KEY.OFFSET_COMMIT]: offsetCommit,
  [KEY.OFFSET_FETCH]: offsetFetch,
  [KEY.FIND_COORDINATOR]: findCoordinator,
  [KEY.JOIN_GROUP]: joinGroup,
  [KEY.HEARTBEAT]: heartbeat,
  [KEY.LEAVE_GROUP]: leaveGroup,
  [KEY.SYNC_GROUP]: syncGroup,
  [KEY.CREATE_TOPICS]: createTopics,
  [KEY.DELETE_TOPICS]: deleteTopics,
  [KEY.DELETE_RECORDS]: deleteRecords,
  [KEY.INIT_PRODUCER_ID]: initProducerId,
  [KEY.DESCRIBE_CONFIGS]: describeConfigs,
  [KEY.DESCRIBE_LOG_DIRS]: describeLogDirs,
  [KEY.CREATE_PARTITIONS]: createPartitions,
  [KEY.INCREMENTAL_ALTER_CONFIGS]: alterConfigs,
};
