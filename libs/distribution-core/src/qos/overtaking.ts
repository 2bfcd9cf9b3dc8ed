/**
 * Who of a session's is next where several wait: topics have priorities, and what waits on a higher one overtakes. Within a
 * topic nothing does: its log is its order.
 */
import type { TopicDefinition } from "../topics.ts";

/** One in so many turns is of who waited longest, whatever its priority: so the routine goes on however much is urgent. */
export const ROUTINE_EVERY = 8;

/** The highest of the topics' priorities; 0 when none states one. */
export function highestPriority(topics: readonly Pick<TopicDefinition, "priority">[]): number {
  return topics.reduce((highest, { priority = 0 }) => Math.max(highest, priority), 0);
}

/**
 * Of the line, who waited longest first: the first of the highest priority, or, in every `ROUTINE_EVERY`th turn, the first.
 * `priorityOf`: undefined for who is in line and wants nothing. `highest`: none is above it.
 */
export function nextInLine<Each>(
  line: Iterable<Each>,
  priorityOf: (each: Each) => number | undefined,
  turn: number,
  highest: number,
): Each | undefined {
  let next: Each | undefined;
  let found = -1;
  for (const each of line) {
    const priority = priorityOf(each);
    if (priority === undefined || priority <= found) continue;
    next = each;
    found = priority;
    if (priority >= highest || turn % ROUTINE_EVERY === 0) break;
  }
  return next;
}
