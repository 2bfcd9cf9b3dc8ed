/** Event classes as people write them: `quote`, `trade`, `order`. */
import { EventClass, eventClassToNumber } from "@distribution/proto-types/distribution/v1/event";

const known = Object.values(EventClass).filter(
  (value) => value !== EventClass.UNRECOGNIZED && value !== EventClass.UNSPECIFIED,
);

const prefix = "EVENT_CLASS_";

/** By number. Number 0 (not stated) has the empty name. */
export const EVENT_CLASS_NAMES: readonly string[] = known.reduce<string[]>(
  (names, value) => {
    names[eventClassToNumber(value)] = value.slice(prefix.length).toLowerCase();
    return names;
  },
  [""],
);

const byName = new Map<string, EventClass>(
  known.map((value) => [value.slice(prefix.length).toLowerCase(), value] as const),
);

/** The class of this name; undefined when there is none. */
export function eventClassOf(name: string): EventClass | undefined {
  return byName.get(name);
}

/** The name of this class; empty when it is not stated. */
export function eventClassName(value: EventClass): string {
  return EVENT_CLASS_NAMES[eventClassToNumber(value)] ?? "";
}
