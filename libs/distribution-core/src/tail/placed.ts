import type { StoredBatch } from "../brokers/contract.ts";
import type { PlacedEvent } from "./contract.ts";

/** Event `index` of the batch, with its address. Its bytes are a view of the batch. */
export function placed(topic: string, partition: number, stored: StoredBatch, index: number): PlacedEvent {
  const { bytes, bounds } = stored.batch;
  return {
    position: { topic, partition, epoch: stored.epoch, offset: stored.offsetAt(index) },
    appendedAt: stored.appendedAt,
    bytes: bytes.subarray(bounds[2 * index], bounds[2 * index + 1]),
  };
}
