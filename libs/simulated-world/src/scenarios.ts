/** How a world is: how busy, how nervous, and what goes wrong in it. */

export const SCENARIOS = ["quiet", "normal", "open", "burst", "upstream-outage", "bad-data"] as const;

export type Scenario = (typeof SCENARIOS)[number];

export interface Bursts {
  /** How much more happens than otherwise. */
  readonly factor: number;
  /** Seconds from one to the next, on average, and of one. */
  readonly everySeconds: number;
  readonly seconds: number;
}

export interface Outages {
  /** Seconds from the end of one to the beginning of the next, on average, and of one. */
  readonly everySeconds: number;
  readonly seconds: number;
  /** Events held back at which an outage ends early: the bound of what a world keeps. */
  readonly heldEvents: number;
}

export interface ScenarioSettings {
  /** Events, as a part of the world's rate. */
  readonly activity: number;
  /** Of prices, as a multiple of the normal. */
  readonly volatility: number;
  /** Of a world day, which is shorter than a real one: the world begins at an open. */
  readonly daySeconds: number;
  /** How much more happens at the open than at the day's calmest. */
  readonly openFactor: number;
  readonly bursts?: Bursts;
  readonly outages?: Outages;
  /** Bad events told for each good one. */
  readonly badShare: number;
}

const NORMAL: ScenarioSettings = { activity: 1, volatility: 1, daySeconds: 1800, openFactor: 3, badShare: 0 };

export const SCENARIO_SETTINGS: Readonly<Record<Scenario, ScenarioSettings>> = {
  quiet: { ...NORMAL, activity: 0.2, volatility: 0.4 },
  normal: NORMAL,
  open: { ...NORMAL, volatility: 2, daySeconds: 120, openFactor: 30 },
  burst: { ...NORMAL, volatility: 1.5, bursts: { factor: 10, everySeconds: 20, seconds: 2 } },
  "upstream-outage": { ...NORMAL, outages: { everySeconds: 30, seconds: 10, heldEvents: 5000 } },
  "bad-data": { ...NORMAL, badShare: 0.01 },
};

/** Parts of a day in which the rush of the open, and of the close, falls to 1/e. */
const OPEN_FADES = 0.04;
const CLOSE_FADES = 0.06;
const CLOSE_FACTOR = 2;

/** How busy it is at a part of the day, 0 at the open to 1 at the close, as a multiple of the day's mean. */
export function dayShape(part: number, openFactor: number): number {
  const shape =
    (openFactor - 1) * Math.exp(-part / OPEN_FADES) + (CLOSE_FACTOR - 1) * Math.exp((part - 1) / CLOSE_FADES);
  return (1 + shape) / (1 + (openFactor - 1) * OPEN_FADES + (CLOSE_FACTOR - 1) * CLOSE_FADES);
}
