/** One world in which everything happens that five services are told of: seeded, repeatable, consistent. See README.md. */
import { dequeue, enqueue } from "./engine/queue.ts";
import { Random, type RandomState, seededState } from "./engine/random.ts";
import { newTellerState, Teller } from "./engine/teller.ts";
import { INSTRUMENTS } from "./instruments.ts";
import { activityOf } from "./market/activity.ts";
import { pacesOf } from "./market/paces.ts";
import { newPrices } from "./market/prices.ts";
import { checkDomains, checkIdentity, type WorldOptions, worldTag } from "./options.ts";
import { newPortfolios } from "./portfolio/portfolios.ts";
import { restoreWorld, saveWorld } from "./saved-world.ts";
import { SCENARIO_SETTINGS } from "./scenarios.ts";
import { Simulation } from "./simulation.ts";
import type { WorldState } from "./state.ts";
import { run } from "./steps.ts";
import type { WorldEvent } from "./world-event.ts";

export interface World {
  /** When the next thing happens, at the earliest: Unix time, ns. Everything before it has been given out. */
  readonly nextNs: bigint;
  /**
   * What its domains are told from where it was up to `untilNs`, included, in the order of `at`. Stops after about `atMost`
   * events of all domains, given out or not; `nextNs` is then not beyond `untilNs`.
   */
  next(untilNs: bigint, atMost?: number): WorldEvent[];
  /** Where it is now. A world made with it gives the same further events as this one. */
  save(): Uint8Array;
}

const WORLD_STREAM = 1;

/** Throws `invalid_request` for options out of range, and what a state that cannot be used is refused with. */
export function createWorld(options: WorldOptions): World {
  checkIdentity(options);
  const { seed, startNs, scenario, rate } = options;
  const identity = { seed, startNs, scenario, rate };
  const domains = checkDomains(options.domains);
  const saved = options.state ? restoreWorld(identity, domains, options.state) : newState(seed);
  const { state } = saved;
  const settings = SCENARIO_SETTINGS[scenario];
  const random = new Random(saved.random);
  const tag = worldTag(identity);
  const heldEvents = settings.outages?.heldEvents ?? Number.POSITIVE_INFINITY;
  const teller = new Teller({ tag, startNs, domains, badShare: settings.badShare, heldEvents }, state.teller);
  const simulation = new Simulation({
    state,
    random,
    teller,
    settings,
    paces: pacesOf(rate, settings),
    tag,
    activity: activityOf(seed),
  });

  return {
    get nextNs() {
      return teller.nsAt(state.queue[0]!.at);
    },
    next(untilNs, atMost = Number.POSITIVE_INFINITY) {
      const untilUs = untilNs < startNs ? -1 : Number((untilNs - startNs) / 1000n);
      const enough = teller.count + atMost;
      while (state.queue[0]!.at <= untilUs && teller.count < enough) {
        const { at, step } = dequeue(state.queue)!;
        state.nowUs = at;
        teller.setNow(at);
        run(simulation, step);
      }
      return teller.take();
    },
    save: () => saveWorld(identity, domains, { state, random: random.state }),
  };
}

function newState(seed: number): { readonly state: WorldState; readonly random: RandomState } {
  const prices = newPrices();
  const state: WorldState = {
    nowUs: 0,
    scheduled: 1,
    queue: [],
    ids: 0,
    prices,
    findings: INSTRUMENTS.map(() => []),
    portfolios: newPortfolios(prices),
    day: 0,
    bursting: false,
    markNext: 0,
    performanceNext: 0,
    outages: 0,
    teller: newTellerState(seed),
  };
  enqueue(state.queue, { at: 0, order: 0, step: { kind: "begin" } });
  return { state, random: seededState(seed, WORLD_STREAM) };
}
