/** Where a conjunction is. */
import type { Filter } from "../contract.ts";
import type { FilterPlan } from "../filter/terms.ts";
import type { Node } from "./node.ts";
import type { Test } from "./tests.ts";

/** One alternative of one subscriber. */
export interface Entry {
  readonly id: number;
  readonly tests: readonly Test[];
  /** Asked as well, once the tests have passed. */
  readonly verify: Verifier | undefined;
  /** An entry is in several places where a set or a wide band puts it into several groups. */
  placements: Placement[];
}

/** The filter itself: with its plan on the decoded event, without one on the bytes. */
export interface Verifier {
  readonly filter: Filter;
  readonly plan: FilterPlan | undefined;
}

export interface Placement {
  readonly entry: Entry;
  readonly node: Node;
  row: number;
  /** By test: a group on the way here stands for it. */
  readonly used: number;
  /** What the row does not hold. */
  readonly rest: readonly Test[];
}
