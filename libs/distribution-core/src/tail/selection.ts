import type { StoredBatch } from "../brokers/contract.ts";
import type { Filter, MatchBuffer, Matcher, TopicSchema } from "../subscriptions/contract.ts";

/** Whether one event of a stored batch is wanted. */
export type Selection = (stored: StoredBatch, index: number) => boolean;

/** One wish alone, asked event by event: with a matcher like live matching's, so that history and live see the same. */
export function createSelection(
  createMatcher: (schema: TopicSchema) => Matcher,
  schema: TopicSchema,
  keys: readonly string[],
  filter: Filter | undefined,
): Selection {
  if (keys.length === 0 && !filter) return () => true;
  const matcher = createMatcher(schema);
  matcher.add(0, filter, keys);
  const found: MatchBuffer = { ids: new Uint32Array(1), count: 0 };
  return ({ batch }, index) => {
    found.count = 0;
    matcher.match(batch.bytes, batch.bounds[2 * index]!, batch.bounds[2 * index + 1]!, found);
    return found.count > 0;
  };
}
