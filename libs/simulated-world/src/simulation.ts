/** What every part of the world works on: its state, its randomness, its clock and its voice. */
import { enqueue, type Scheduled } from "./engine/queue.ts";
import type { Random } from "./engine/random.ts";
import type { Teller } from "./engine/teller.ts";
import type { Paces } from "./market/paces.ts";
import type { ScenarioSettings } from "./scenarios.ts";
import type { Step, WorldState } from "./state.ts";

export interface SimulationParts {
  readonly state: WorldState;
  readonly random: Random;
  readonly teller: Teller;
  readonly settings: ScenarioSettings;
  readonly paces: Paces;
  readonly tag: string;
  /** Cumulative shares of the instruments' activity, and which instrument has which. */
  readonly activity: Activity;
}

export interface Activity {
  readonly cumulative: readonly number[];
  readonly instruments: readonly number[];
}

export const SECOND_US = 1_000_000;

export class Simulation {
  readonly state: WorldState;
  readonly random: Random;
  readonly teller: Teller;
  readonly settings: ScenarioSettings;
  readonly paces: Paces;
  readonly activity: Activity;
  readonly #tag: string;

  constructor({ state, random, teller, settings, paces, tag, activity }: SimulationParts) {
    this.state = state;
    this.random = random;
    this.teller = teller;
    this.settings = settings;
    this.paces = paces;
    this.activity = activity;
    this.#tag = tag;
  }

  /** Microseconds since the start. */
  get nowUs(): number {
    return this.state.nowUs;
  }

  scheduleAt(at: number, step: Step): void {
    const entry: Scheduled<Step> = { at: Math.max(at, this.state.nowUs), order: this.state.scheduled, step };
    this.state.scheduled += 1;
    enqueue(this.state.queue, entry);
  }

  /** After this many microseconds, rounded. */
  schedule(afterUs: number, step: Step): void {
    this.scheduleAt(this.state.nowUs + Math.round(afterUs), step);
  }

  /** After a time between the two, microseconds. */
  scheduleWithin(leastUs: number, mostUs: number, step: Step): void {
    this.schedule(this.random.between(leastUs, mostUs), step);
  }

  /** An id that no other thing of any world has: `o-1k2j3h4-17`. */
  newId(prefix: string): string {
    this.state.ids += 1;
    return `${prefix}-${this.#tag}-${this.state.ids}`;
  }
}
