/** Decisions: coordinated from intelligence, judged by policies, approved, sent as orders, and ended. */
import { Action } from "@distribution/proto-types/coordination/v1/coordination";
import { absolute, amountText, quantityText, thousandths } from "../engine/decimals.ts";
import { KINDS } from "../engine/kinds.ts";
import { type Instrument, instrumentOf } from "../instruments.ts";
import { findingsFor } from "../intelligence/intelligence.ts";
import { pickInstrument, scheduleArrival } from "../market/activity.ts";
import { priceOf } from "../market/prices.ts";
import { pickPortfolio } from "../portfolio/portfolios.ts";
import { SECOND_US, type Simulation } from "../simulation.ts";
import type { Decision, Direction, RebalanceTrade } from "../state.ts";
import { judge } from "./policies.ts";
import { tellDecision } from "./voice.ts";

const MS = 1000;
const STRATEGIES = ["carry", "event-driven", "mean-reversion", "momentum"];
const APPROVERS = ["auto-approval", "risk-desk", "trading-desk"];

/** What becomes of decisions that no policy blocks; the rest is approved. */
const CONTESTED = 0.05;
const CONTESTED_LATE = 0.015;
const TURNED_DOWN = 0.02;
const FORGOTTEN = 0.03;

/** Notional of a decision, units of currency: most are small, few large. */
const LEAST_NOTIONAL = 5_000;
const NOTIONAL_SPREAD = 100;

/** The holding, in units of currency, from which on a portfolio rather goes back. */
const FULL_HOLDING = 1_500_000n;
const AMOUNT_ONE = 10_000_000_000n;

export interface DecisionTerms {
  readonly id?: string;
  readonly strategy: string;
  readonly portfolio: number;
  readonly instrument: Instrument;
  readonly direction: Direction;
  readonly quantity: bigint;
  readonly intelligence: readonly string[];
  readonly rebalance?: Decision["rebalance"];
}

export function decisionArrives(world: Simulation): void {
  scheduleArrival(world, "decision");
  const instrument = pickInstrument(world);
  const portfolio = pickPortfolio(world);
  const decision = coordinate(world, {
    strategy: world.random.pick(STRATEGIES),
    portfolio,
    instrument,
    direction: drawDirection(world, portfolio, instrument),
    quantity: drawQuantity(world, instrument),
    intelligence: findingsFor(world, instrument),
  });
  scheduleCheck(world, decision);
}

/** One trade of a rebalance, as a decision of its own. */
export function decideTrade(world: Simulation, { rebalance, number, instrument, quantity }: RebalanceTrade): void {
  const decision = coordinate(world, {
    id: `${rebalance.id}.${number}`,
    strategy: "rebalance",
    portfolio: rebalance.portfolio,
    instrument: instrumentOf(instrument),
    direction: quantity < 0n ? -1 : 1,
    quantity: absolute(quantity),
    intelligence: [],
    rebalance,
  });
  scheduleCheck(world, decision);
}

/** Tells of a new decision; what comes of it is the caller's to schedule. */
export function coordinate(world: Simulation, { id = world.newId("d"), rebalance, ...terms }: DecisionTerms): Decision {
  const { random, nowUs, teller } = world;
  const decision: Decision = {
    ...terms,
    id,
    rebalance,
    instrument: terms.instrument.index,
    confidence: random.between(220, 990),
    urgency: random.between(0, 9),
    validUntil: nowUs + random.between(20, 90) * SECOND_US,
    sequence: 0,
    approved: false,
    orders: [],
    openOrders: 0,
    filled: 0n,
  };
  tellDecision(world, KINDS.decisionCoordinated, decision, () => ({
    $case: "decisionCoordinated",
    value: {
      action: decision.direction > 0 ? Action.BUY : Action.SELL,
      quantity: quantityText(decision.quantity),
      notional: amountText(decision.quantity * priceOf(world, decision.instrument)),
      confidence: thousandths(decision.confidence),
      urgency: decision.urgency,
      validUntil: teller.nsAt(decision.validUntil),
      intelligenceIds: [...decision.intelligence],
    },
  }));
  return decision;
}

export function scheduleCheck(world: Simulation, decision: Decision): void {
  world.scheduleWithin(5 * MS, 50 * MS, { kind: "check", decision });
}

/** A decision that goes on after a conflict: to approval, or to the market where it is approved already. */
export function goOn(world: Simulation, decision: Decision): void {
  world.scheduleWithin(10 * MS, 200 * MS, { kind: decision.approved ? "send" : "approve", decision });
}

export function check(world: Simulation, decision: Decision): void {
  const blocking = judge(world, decision);
  const drawn = world.random.next();
  if (blocking !== undefined) {
    reject(world, decision, `policy:${blocking}`, "A policy does not allow it.");
    return;
  }
  if (drawn < TURNED_DOWN) world.scheduleWithin(100 * MS, 2000 * MS, { kind: "reject", decision });
  else if (drawn < TURNED_DOWN + FORGOTTEN) world.scheduleAt(decision.validUntil, { kind: "expire", decision });
  else if (drawn < TURNED_DOWN + FORGOTTEN + CONTESTED && !decision.rebalance) scheduleContest(world, decision);
  else world.scheduleWithin(20 * MS, 800 * MS, { kind: "approve", decision });
}

export function approve(world: Simulation, decision: Decision): void {
  const approvedBy = world.random.pick(APPROVERS);
  decision.approved = true;
  tellDecision(world, KINDS.decisionApproved, decision, () => ({ $case: "decisionApproved", value: { approvedBy } }));
  const drawn = world.random.next();
  if (drawn < CONTESTED_LATE && !decision.rebalance) scheduleContest(world, decision);
  else if (drawn > 1 - FORGOTTEN) world.scheduleAt(decision.validUntil, { kind: "expire", decision });
  else world.scheduleWithin(5 * MS, 100 * MS, { kind: "send", decision });
}

export function reject(world: Simulation, decision: Decision, by = "trading-desk", reason = "Not now."): void {
  const value = { rejectedBy: by, reason };
  tellDecision(world, KINDS.decisionRejected, decision, () => ({ $case: "decisionRejected", value }));
  ended(world, decision);
}

export function supersede(world: Simulation, decision: Decision, supersededBy: string): void {
  const payload = { $case: "decisionSuperseded", value: { supersededBy } } as const;
  tellDecision(world, KINDS.decisionSuperseded, decision, () => payload);
  ended(world, decision);
}

export function expire(world: Simulation, decision: Decision): void {
  tellDecision(world, KINDS.decisionExpired, decision, () => ({ $case: "decisionExpired", value: {} }));
  ended(world, decision);
}

/** All its orders have ended. One that came to nothing is not executed: it expires in its time. */
export function settle(world: Simulation, decision: Decision): void {
  if (decision.filled === 0n) {
    world.scheduleAt(decision.validUntil, { kind: "expire", decision });
    return;
  }
  const { orders, filled } = decision;
  tellDecision(world, KINDS.decisionExecuted, decision, () => ({
    $case: "decisionExecuted",
    value: { orderIds: [...orders], filledQuantity: quantityText(filled) },
  }));
  ended(world, decision);
}

function ended(world: Simulation, decision: Decision): void {
  if (decision.rebalance) world.schedule(0, { kind: "rebalance-part", decision });
}

function scheduleContest(world: Simulation, decision: Decision): void {
  world.scheduleWithin(30 * MS, 500 * MS, { kind: "contest", decision });
}

/** The fuller a holding, the rather it is traded back. */
function drawDirection({ random, state }: Simulation, portfolio: number, { index }: Instrument): Direction {
  const { value } = state.portfolios[portfolio]!.holdings[index]!;
  const fullness = Number((value * 100n) / (FULL_HOLDING * AMOUNT_ONE)) / 100;
  const lean = Math.max(-1, Math.min(1, fullness)) * 0.45;
  return random.chance(0.5 - lean) ? 1 : -1;
}

function drawQuantity(world: Simulation, { index, lot }: Instrument): bigint {
  const notional = BigInt(Math.round(LEAST_NOTIONAL * NOTIONAL_SPREAD ** world.random.next())) * AMOUNT_ONE;
  const lots = notional / (priceOf(world, index) * lot);
  return (lots > 0n ? lots : 1n) * lot;
}
