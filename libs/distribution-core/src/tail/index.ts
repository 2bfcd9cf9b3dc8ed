export { type Checkpoints, createFileCheckpoints } from "./checkpoint.ts";
export * from "./contract.ts";
export type { PartitionTail, Place, TableSeed } from "./partition-tail.ts";
export { placed } from "./placed.ts";
export { createQueries } from "./queries.ts";
export { createRing, type Ring, type RingBatch } from "./ring.ts";
export { createSelection, type Selection } from "./selection.ts";
export { copyOf, createTable, type Table, type TableEntry } from "./table.ts";
export { openTail, type Tail, type TailListener } from "./tail.ts";
