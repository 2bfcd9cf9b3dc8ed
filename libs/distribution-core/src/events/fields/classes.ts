/** Names of event classes as filters and people write them: `quote`, `trade`, `order`. */
import { messageOf } from "@distribution/proto-types/descriptors";

const field = messageOf("distribution.v1.Event").field["class"];
const values = field?.enum?.values ?? [];

/** The lowercase name by the enum's number; a number that this version does not know is named by its digits. */
export function className(value: number): string {
  return names.get(value) ?? String(value);
}

const names: ReadonlyMap<number, string> = new Map(
  values.map((value) => [value.number, value.name.replace("EVENT_CLASS_", "").toLowerCase()]),
);

/** Every class's name, in the order of the schema. */
export const CLASS_NAMES: readonly string[] = [...names.values()];
