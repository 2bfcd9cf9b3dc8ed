/** What of a filter the index can hold: alternatives, each a list of terms that all have to be true. */
import type { DescMessage } from "@bufbuild/protobuf";
import type { DecodedEvent, Field, MessageFactory } from "../../events/fields/index.ts";
import type { Constant } from "./constants.ts";

/** Every term but `absent` is true of a field that is there only. */
export type Term =
  /** Equal to one of the values; for elements: one of them is. */
  | { readonly op: "in"; readonly field: Field; readonly values: readonly Constant[] }
  /** There, and equal to none. */
  | { readonly op: "notIn"; readonly field: Field; readonly values: readonly Constant[] }
  /** A number from `low` to `high`, both included. */
  | { readonly op: "range"; readonly field: Field; readonly low: number; readonly high: number }
  /** A string that starts so. Never empty. */
  | { readonly op: "prefix"; readonly field: Field; readonly prefix: string }
  | { readonly op: "exists" | "absent"; readonly field: Field };

export interface Conjunction {
  readonly terms: readonly Term[];
  /** The terms are necessary but not sufficient: the filter itself has to be asked as well. */
  readonly verify: boolean;
}

/** What the matcher knows of a filter beyond its contract. */
export interface FilterPlan {
  readonly message: DescMessage | undefined;
  /** The filter is true exactly of the events for which one of these is. */
  readonly conjunctions: readonly Conjunction[];
  readonly create: MessageFactory;
  /** `test` on an event that was decoded with `create`. */
  testDecoded(event: DecodedEvent): boolean;
}
