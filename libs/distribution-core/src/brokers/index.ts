export type { BrokerChoice, BrokerChoices, BrokerPlace } from "./choice.ts";
export * from "./contract.ts";
export { partitionOf, partitionOfBytes } from "./partition.ts";
export { AppendUnsettled, type Stored } from "./unsettled.ts";
