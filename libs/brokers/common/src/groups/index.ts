/** Groups of competing consumers on any log that can be read by partition: see contract.ts for how an adapter uses them. */
export type {
  AssignedPartition,
  EngineGroup,
  GroupSession,
  Groups,
  GroupsOptions,
  PartitionName,
  PartitionStanding,
  Progress,
  ProgressPart,
  Removal,
} from "./contract.ts";
export { type Counted, type CountOptions, countEvents } from "./count.ts";
export { createGroups } from "./groups.ts";
export { decodeProgress, encodeProgress } from "./progress.ts";
