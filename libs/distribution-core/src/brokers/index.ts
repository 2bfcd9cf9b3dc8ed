export * from "./contract.ts";
export { partitionOf, partitionOfBytes } from "./partition.ts";
