/**
 * The executions that have changed a position: at least the newest `limit`, at most twice as many. Never changed in place,
 * and little of it is copied to add one: two generations, and the few that came last before them.
 */
export interface Executions {
  readonly older: ReadonlySet<string>;
  readonly newer: ReadonlySet<string>;
  /** Not in `newer` yet. */
  readonly last: ReadonlySet<string>;
}

const NONE: ReadonlySet<string> = new Set();

export const NO_EXECUTIONS: Executions = { older: NONE, newer: NONE, last: NONE };

/** Adding one copies `last` each time, and `newer` once in so many times. */
const MAX_LAST = 32;

export function hasExecution({ older, newer, last }: Executions, id: string): boolean {
  return last.has(id) || newer.has(id) || older.has(id);
}

export function withExecution({ older, newer, last }: Executions, id: string, limit: number): Executions {
  const added = new Set(last).add(id);
  if (added.size < Math.min(MAX_LAST, limit)) return { older, newer, last: added };
  const grown = new Set([...newer, ...added]);
  return grown.size < limit ? { older, newer: grown, last: NONE } : { older: grown, newer: NONE, last: NONE };
}

/** In memory, about: ids have 128 characters at most, and usually a quarter of that. */
export const bytesOfExecutions = ({ older, newer, last }: Executions): number =>
  200 + (older.size + newer.size + last.size) * 100;
