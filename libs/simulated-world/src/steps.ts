/** What is scheduled, and which part of the world does it. */
import { contest, resolve } from "./coordination/conflicts.ts";
import { approve, check, decideTrade, decisionArrives, expire, reject, settle } from "./coordination/decisions.ts";
import { confirm } from "./execution/fills.ts";
import { acknowledge, end, send, work } from "./execution/orders.ts";
import { intelligenceArrives } from "./intelligence/intelligence.ts";
import {
  scheduleArrival,
  scheduleBurst,
  scheduleEvenly,
  scheduleOutage,
  turnBurst,
  turnOutage,
} from "./market/activity.ts";
import { movePrices } from "./market/prices.ts";
import { markNext, tellState } from "./portfolio/books.ts";
import { measureNext, turnDay } from "./portfolio/performance.ts";
import { endPart, rebalanceArrives } from "./portfolio/rebalances.ts";
import { SECOND_US, type Simulation } from "./simulation.ts";
import type { Step } from "./state.ts";

/** Every portfolio tells what it begins with, and everything that goes on by itself is set going. */
function begin(world: Simulation): void {
  const { paces, settings, state } = world;
  for (const portfolio of state.portfolios) tellState(world, portfolio);
  world.schedule(settings.daySeconds * SECOND_US, { kind: "day" });
  world.schedule(paces.pricesUs, { kind: "prices" });
  scheduleArrival(world, "intelligence");
  scheduleArrival(world, "decision");
  scheduleArrival(world, "rebalance");
  scheduleEvenly(world, "mark", 1, paces.markEvents);
  scheduleEvenly(world, "performance", 2, paces.performanceEvents);
  scheduleBurst(world);
  scheduleOutage(world);
}

type Handler<Kind extends Step["kind"]> = (world: Simulation, step: Extract<Step, { kind: Kind }>) => void;

const HANDLERS: { readonly [Kind in Step["kind"]]: Handler<Kind> } = {
  begin,
  look: (world, { of }) => scheduleArrival(world, of),
  day: turnDay,
  prices: movePrices,
  intelligence: intelligenceArrives,
  decision: decisionArrives,
  rebalance: rebalanceArrives,
  mark: markNext,
  performance: measureNext,
  burst: turnBurst,
  outage: turnOutage,
  check: (world, { decision }) => check(world, decision),
  contest: (world, { decision }) => contest(world, decision),
  approve: (world, { decision }) => approve(world, decision),
  reject: (world, { decision }) => reject(world, decision),
  expire: (world, { decision }) => expire(world, decision),
  send: (world, { decision }) => send(world, decision),
  settle: (world, { decision }) => settle(world, decision),
  resolve: (world, { conflict }) => resolve(world, conflict),
  acknowledge: (world, { order }) => acknowledge(world, order),
  work: (world, { order }) => work(world, order),
  end: (world, { order }) => end(world, order),
  confirm: (world, { trade }) => confirm(world, trade),
  "rebalance-trade": (world, { trade }) => decideTrade(world, trade),
  "rebalance-part": (world, { decision }) => endPart(world, decision),
};

export function run(world: Simulation, step: Step): void {
  const handler = HANDLERS[step.kind] as Handler<Step["kind"]>;
  handler(world, step);
}
