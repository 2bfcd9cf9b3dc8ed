/**
 * The native client gives a message's properties by name and ends a value at a zero byte, while an event's bytes are made of
 * their order too. So they are put back in the order in which encoders write an event's fields; where that is not how they were,
 * a property of our own says all of them.
 */
import { PULSAR_BINDING } from "@distribution/broker-common";

type Properties = readonly (readonly [name: string, value: string])[];

/** JSON of all others, as pairs. Other clients do not look at it. */
export const EXACT_PROPERTY = "distribution-properties";

/** Extensions have no number of their own. */
const rank = (name: string): number => PULSAR_BINDING.attributes.get(name)?.tag ?? Number.MAX_SAFE_INTEGER;

function inOrder(properties: Properties): Properties {
  return properties.toSorted(([a], [b]) => rank(a) - rank(b) || (a < b ? -1 : 1));
}

/** What is to be sent, so that `received` gives the same in the same order. */
export function sendable(properties: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const given = Object.entries(properties);
  const exact = inOrder(given).every(([name, value], at) => name === given[at]![0] && !value.includes("\0"));
  return exact ? properties : { ...properties, [EXACT_PROPERTY]: JSON.stringify(given) };
}

export function received(properties: Readonly<Record<string, string>>): Properties {
  const exact = properties[EXACT_PROPERTY];
  try {
    if (exact !== undefined) return JSON.parse(exact) as Properties;
  } catch {
    // Not one of ours.
  }
  return inOrder(Object.entries(properties));
}
