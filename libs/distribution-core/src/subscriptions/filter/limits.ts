/** How much a filter may cost. */
import { fieldError } from "../../errors.ts";

export interface FilterLimits {
  /** Longest source, UTF-16 code units. */
  readonly maxLength: number;
  /** Most nodes of the syntax tree: names, constants, operators, list items. */
  readonly maxNodes: number;
  /** Deepest nesting of parentheses, lists, calls and field names. */
  readonly maxDepth: number;
  /** Most items in all lists of the filter together. */
  readonly maxListItems: number;
  /** Most macros that walk a list (`exists`, `all`, `exists_one`). They cannot be nested: cost stays linear in the event. */
  readonly maxComprehensions: number;
}

export const DEFAULT_LIMITS: FilterLimits = {
  maxLength: 16_384,
  maxNodes: 3_000,
  maxDepth: 32,
  maxListItems: 1_000,
  maxComprehensions: 4,
};

export const FILTER_PATH = "filter";

/** Throws filter_too_costly when there are more than the limit allows. */
export function enforce(limit: keyof FilterLimits, limits: FilterLimits, actual: number, what: string): void {
  if (actual > limits[limit]) throw tooCostly(limit, limits, what);
}

export function tooCostly(limit: keyof FilterLimits, limits: FilterLimits, what: string): Error {
  const message = `has more than ${limits[limit]} ${what} (limit ${limit}); make it smaller or split the subscription`;
  return fieldError("filter_too_costly", FILTER_PATH, message);
}
