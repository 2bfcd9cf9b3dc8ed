/** Checks that run millions of times: plain, because those of the test runner cost more than what is checked. */

export function must(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Error(what);
}

export function same(actual: unknown, expected: unknown, what: string): void {
  if (actual !== expected) throw new Error(`${what}: ${String(actual)} instead of ${String(expected)}`);
}

/** Present, or the check fails. */
export function found<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Error(what);
  return value;
}
