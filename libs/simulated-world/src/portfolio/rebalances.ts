/** Rebalances: trades are proposed, each becomes a decision, and the rebalance is complete when all of those have ended. */
import { quantityText } from "../engine/decimals.ts";
import { KINDS } from "../engine/kinds.ts";
import { instrumentOf } from "../instruments.ts";
import { pickInstrument, scheduleArrival } from "../market/activity.ts";
import type { Simulation } from "../simulation.ts";
import type { Decision, Portfolio, Rebalance, RebalanceTrade } from "../state.ts";
import { tellPortfolio } from "./books.ts";
import { pickPortfolio } from "./portfolios.ts";

const MS = 1000;
const MOST_TRADES = 6;
const REASONS = ["Weights drifted from their targets.", "A limit came near.", "The model portfolio was revised."];

/** A portfolio has one rebalance at a time. */
export function rebalanceArrives(world: Simulation): void {
  scheduleArrival(world, "rebalance");
  const portfolio = world.state.portfolios[pickPortfolio(world)]!;
  if (!portfolio.rebalancing) propose(world, portfolio);
}

/** Large holdings go halfway back. */
function propose(world: Simulation, portfolio: Portfolio): void {
  const { random } = world;
  const rebalance: Rebalance = { id: world.newId("r"), portfolio: portfolio.index, pending: 0, done: 0, failed: 0 };
  const trades = new Map<number, RebalanceTrade>();
  for (let tries = random.between(2, MOST_TRADES); tries > 0; tries -= 1) {
    const { index, lot } = pickInstrument(world);
    const quantity = -(portfolio.holdings[index]!.quantity / 2n / lot) * lot;
    if (quantity === 0n || trades.has(index)) continue;
    trades.set(index, { rebalance, number: trades.size + 1, instrument: index, quantity });
  }
  if (trades.size === 0) return;
  rebalance.pending = trades.size;
  portfolio.rebalancing = true;
  const reason = random.pick(REASONS);
  tellPortfolio(world, KINDS.rebalanceProposed, portfolio, rebalance.id, 0, () => ({
    $case: "proposal",
    value: {
      rebalanceId: rebalance.id,
      reason,
      trades: [...trades.values()].map(({ instrument, quantity }) => ({
        instrument: instrumentOf(instrument).id,
        quantity: quantityText(quantity),
      })),
    },
  }));
  for (const trade of trades.values()) world.scheduleWithin(10 * MS, 300 * MS, { kind: "rebalance-trade", trade });
}

/** A trade is carried out when its decision was executed, in full or in part. */
export function endPart(world: Simulation, { rebalance, filled }: Decision): void {
  if (!rebalance) return;
  rebalance.pending -= 1;
  if (filled > 0n) rebalance.done += 1;
  else rebalance.failed += 1;
  if (rebalance.pending > 0) return;
  const portfolio = world.state.portfolios[rebalance.portfolio]!;
  portfolio.rebalancing = false;
  tellPortfolio(world, KINDS.rebalanceCompleted, portfolio, rebalance.id, 0, () => ({
    $case: "completion",
    value: { rebalanceId: rebalance.id, tradesDone: rebalance.done, tradesFailed: rebalance.failed },
  }));
}
