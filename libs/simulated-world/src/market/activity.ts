/** How busy the world is now, and with which instrument: a day with an open and a close, bursts, and few instruments that everybody trades. */

import { Random, seededState } from "../engine/random.ts";
import { INSTRUMENTS, type Instrument, instrumentOf } from "../instruments.ts";
import { DOMAINS } from "../names.ts";
import { dayShape } from "../scenarios.ts";
import { type Activity, SECOND_US, type Simulation } from "../simulation.ts";
import type { Arrival } from "../state.ts";

/** The n-th busiest instrument is this power of n less busy than the busiest (Zipf's law has 1). */
const ZIPF_EXPONENT = 1;
const ACTIVITY_STREAM = 2;

/** So long the world is taken to be as busy as it is. */
const LOOK_US = SECOND_US;

/** Which instruments are busy differs by seed. */
export function activityOf(seed: number): Activity {
  const random = new Random(seededState(seed, ACTIVITY_STREAM));
  const instruments = INSTRUMENTS.map(({ index }) => index);
  for (let last = instruments.length - 1; last > 0; last -= 1) {
    const other = random.below(last + 1);
    [instruments[last], instruments[other]] = [instruments[other]!, instruments[last]!];
  }
  const weights = instruments.map((_, rank) => (rank + 1) ** -ZIPF_EXPONENT);
  const total = weights.reduce((sum, weight) => sum + weight);
  let sum = 0;
  const cumulative = weights.map((weight) => {
    sum += weight;
    return sum / total;
  });
  return { instruments, cumulative };
}

export function pickInstrument({ random, activity: { cumulative, instruments } }: Simulation): Instrument {
  const drawn = random.next();
  let low = 0;
  let high = cumulative.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (cumulative[middle]! > drawn) high = middle;
    else low = middle + 1;
  }
  return instrumentOf(instruments[low]!);
}

/**
 * Schedules the next of what comes at its pace on average, but more often when the world is busy. How busy it is changes
 * while a rare thing is waited for; as what comes at random forgets how long it was waited for, the wait is just drawn anew.
 */
export function scheduleArrival(world: Simulation, kind: Arrival): void {
  const wait = world.random.exponential(SECOND_US / (world.paces[kind] * busyness(world)));
  if (wait > LOOK_US) world.schedule(LOOK_US, { kind: "look", of: kind });
  else world.schedule(wait, { kind });
}

/** Schedules the next of what comes evenly: `events` of it were told just now, of `perSecond`. */
export function scheduleEvenly(
  world: Simulation,
  kind: "mark" | "performance",
  events: number,
  perSecond: number,
): void {
  world.schedule((events / perSecond) * SECOND_US, { kind });
}

function busyness({ nowUs, state, settings }: Simulation): number {
  const dayUs = settings.daySeconds * SECOND_US;
  const part = (nowUs % dayUs) / dayUs;
  const burst = state.bursting ? (settings.bursts?.factor ?? 1) : 1;
  return dayShape(part, settings.openFactor) * burst;
}

export function scheduleBurst(world: Simulation): void {
  const { bursts } = world.settings;
  if (!bursts) return;
  const seconds = world.state.bursting
    ? bursts.seconds
    : world.random.exponential(bursts.everySeconds - bursts.seconds);
  world.schedule(seconds * SECOND_US, { kind: "burst" });
}

/** A burst begins or ends. */
export function turnBurst(world: Simulation): void {
  world.state.bursting = !world.state.bursting;
  scheduleBurst(world);
}

export function scheduleOutage(world: Simulation): void {
  const { outages } = world.settings;
  if (!outages) return;
  const isOut = world.state.outages % 2 === 1;
  const seconds = isOut ? outages.seconds : world.random.exponential(outages.everySeconds);
  world.schedule(seconds * SECOND_US, { kind: "outage" });
}

/** The upstream of one domain after another falls silent, or is back. */
export function turnOutage(world: Simulation): void {
  const { state, teller } = world;
  if (state.outages % 2 === 0) teller.beSilent(DOMAINS[(state.outages / 2) % DOMAINS.length]!);
  else teller.endSilence();
  state.outages += 1;
  scheduleOutage(world);
}
