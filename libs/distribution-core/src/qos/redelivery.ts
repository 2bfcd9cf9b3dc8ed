import type { Broker, StoredBatch } from "../brokers/contract.ts";
import { toDistributionError } from "../errors.ts";
import type { OutstandingEvent } from "./window.ts";

/** Read at a time; `before` is nearly always the offset right before the event. */
const SEARCH_BYTES = 64 * 1024;

/** The event once more, from the ring or else from the log; undefined when retention took it. */
export async function readOne(
  broker: Broker,
  event: OutstandingEvent,
): Promise<{ stored: StoredBatch; index: number } | undefined> {
  const { tail } = event.lane;
  const held = tail.ring.find(event.number);
  const same = held?.stored.epoch === event.epoch && held.stored.offsetAt(event.number - held.first) === event.offset;
  if (held && same) {
    return { stored: held.stored, index: event.number - held.first };
  }
  try {
    return await search(broker, event);
  } catch (failure) {
    if (toDistributionError(failure).code === "position_gone") return undefined;
    throw failure;
  }
}

async function search(broker: Broker, { lane, epoch, before, offset }: OutstandingEvent) {
  const { topic, partition } = lane.tail;
  const reader = await broker.read(topic.name, partition, { after: { epoch, offset: before } });
  try {
    for (;;) {
      for (const stored of await reader.next(SEARCH_BYTES)) {
        const { count } = stored.batch;
        for (let index = 0; index < count; index += 1) if (stored.offsetAt(index) === offset) return { stored, index };
        // Passed: compaction took it.
        if (broker.compareOffsets(stored.offsetAt(count - 1), offset) > 0) return undefined;
      }
    }
  } finally {
    await reader.close();
  }
}
