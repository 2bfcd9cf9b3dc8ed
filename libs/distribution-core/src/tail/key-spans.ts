import type { PackedBatch } from "../events/batch.ts";
import { createEnvelope, EVENT_FIELD } from "../events/index.ts";

/**
 * Start and end of each event's key in the bytes of a batch, two numbers an event; equal where there is no key.
 * Throws `invalid_event` on what is no event. The answer holds until the next batch is asked for.
 */
export function createKeySpans(): (batch: PackedBatch) => Uint32Array {
  const envelope = createEnvelope();
  let spans = new Uint32Array(1024);
  return ({ bytes, bounds, count }) => {
    if (spans.length < 2 * count) spans = new Uint32Array(4 * count);
    for (let index = 0; index < count; index += 1) {
      envelope.read(bytes, bounds[2 * index]!, bounds[2 * index + 1]!);
      spans[2 * index] = envelope.startOf(EVENT_FIELD.key);
      spans[2 * index + 1] = envelope.endOf(EVENT_FIELD.key);
    }
    return spans;
  };
}
