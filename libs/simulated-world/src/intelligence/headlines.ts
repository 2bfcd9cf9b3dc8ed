/** Headlines made of parts. No company, person or publisher in them exists. */
import type { Random } from "../engine/random.ts";

const PUBLISHERS = ["Tape Room Wire", "The Morning Tick", "Ledger and Lamp", "Open Outcry Bulletin"];

const UP = ["gains", "climbs", "rallies", "edges higher"];
const DOWN = ["slips", "falls", "sells off", "edges lower"];

const REASONS = [
  "inventories surprise",
  "a large order is worked",
  "the sector is rated anew",
  "funding costs shift",
  "an outlook is revised",
  "volumes thin out",
  "a maintenance window is announced",
  "positioning unwinds",
];

export interface Headline {
  readonly text: string;
  readonly publisher: string;
}

export function headline(random: Random, symbol: string, direction: 1 | -1): Headline {
  const verb = random.pick(direction > 0 ? UP : DOWN);
  return { text: `${symbol} ${verb} as ${random.pick(REASONS)}`, publisher: random.pick(PUBLISHERS) };
}
