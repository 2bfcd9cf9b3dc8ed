import type { BrokerCapabilities } from "@distribution/core/brokers";

/** What this broker can do, but for the size of a batch, which is a setting. docs/brokers.md shows it. */
export const PULSAR_CAPABILITIES: Omit<BrokerCapabilities, "maxBatchBytes"> = {
  transactions: false,
  groups: true,
  individualAck: true,
  delayedRedelivery: true,
  keyShared: true,
  nativeDeduplication: false,
  compaction: true,
  exactTruncation: true,
};
