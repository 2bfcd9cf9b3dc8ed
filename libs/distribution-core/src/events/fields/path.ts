/** The fields that can be named: `key`, `extensions.region`, `data.instrument.symbol`, the elements of `data.tags`. */

/** Envelope fields with one value each. `time` is int, Unix nanoseconds; `class` is lowercase: `trade`, `quote`. */
export const ENVELOPE_KINDS = {
  id: "string",
  source: "string",
  type: "string",
  subject: "string",
  time: "int",
  key: "string",
  class: "string",
  sequence: "int",
  priority: "int",
} as const;

export type EnvelopeName = keyof typeof ENVELOPE_KINDS;

export function isEnvelopeName(name: string): name is EnvelopeName {
  return Object.hasOwn(ENVELOPE_KINDS, name);
}

export interface Field {
  /** An envelope name alone, `extensions` and a name, or `data` and any number of names: its own is the payload itself. */
  readonly path: readonly string[];
  /** Each element of the list (or each name of the object) at the path, rather than the value there. */
  readonly elements: boolean;
}

/** Equal for equal fields only, whatever characters their names have. */
export function fieldKey(field: Field): string {
  return JSON.stringify([field.elements, ...field.path]);
}
