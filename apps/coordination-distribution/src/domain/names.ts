/** Enums of the wire as the API names them: `CONFLICT_KIND_OPPOSITE_SIDES` is `opposite-sides`. */
import { fieldError } from "@distribution/core/errors";
import {
  Action,
  ConflictKind,
  Resolution,
  ViolationSeverity,
} from "@distribution/proto-types/coordination/v1/coordination";

export const ACTIONS = { [Action.BUY]: "buy", [Action.SELL]: "sell" } as const;

export const SEVERITIES = { [ViolationSeverity.WARNING]: "warning", [ViolationSeverity.BLOCKING]: "blocking" } as const;

export const CONFLICT_KINDS = {
  [ConflictKind.OPPOSITE_SIDES]: "opposite-sides",
  [ConflictKind.SHARED_LIMIT]: "shared-limit",
  [ConflictKind.DUPLICATE]: "duplicate",
} as const;

export const RESOLUTIONS = {
  [Resolution.NETTED]: "netted",
  [Resolution.PRIORITIZED]: "prioritized",
  [Resolution.ABANDONED]: "abandoned",
} as const;

export type NameOf<Names extends Readonly<Record<string, string>>> = Names[keyof Names];

/** Throws `invalid_event` at `path` for a value that is not stated, or that this version does not know. */
export function nameOf<const Names extends Readonly<Record<string, string>>>(
  names: Names,
  value: string,
  path: string,
): NameOf<Names> {
  if (Object.hasOwn(names, value)) return names[value] as NameOf<Names>;
  throw fieldError("invalid_event", path, `must be one of ${Object.keys(names).join(", ")}; it is ${value}.`);
}

/** A value for each name. */
export function recordOf<const Name extends string, Value>(
  names: readonly Name[],
  make: (name: Name) => Value,
): Readonly<Record<Name, Value>> {
  return Object.fromEntries(names.map((name) => [name, make(name)])) as Record<Name, Value>;
}
