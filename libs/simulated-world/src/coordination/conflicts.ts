/** Strategies that want different things of one instrument, and how that is settled. */
import { ConflictKind, Resolution } from "@distribution/proto-types/coordination/v1/coordination";
import { absolute } from "../engine/decimals.ts";
import { KINDS } from "../engine/kinds.ts";
import { instrumentOf } from "../instruments.ts";
import { findingsFor } from "../intelligence/intelligence.ts";
import type { Simulation } from "../simulation.ts";
import type { Conflict, Decision } from "../state.ts";
import { coordinate, goOn, reject, scheduleCheck, supersede } from "./decisions.ts";
import { tellConflict } from "./voice.ts";

const MS = 1000;
const RIVALS = ["hedging", "index-tracking", "liquidity"];
const THREE_SIDED = 0.15;
/** Findings that a netted decision takes over from those it stands for. */
const NETTED_FINDINGS = 6;

const KIND_OF = {
  opposite: ConflictKind.OPPOSITE_SIDES,
  duplicate: ConflictKind.DUPLICATE,
  limit: ConflictKind.SHARED_LIMIT,
} as const satisfies Record<Conflict["kind"], ConflictKind>;

/** One or two other strategies decide on the same instrument for the same portfolio before the decision is carried out. */
export function contest(world: Simulation, decision: Decision): void {
  const { random } = world;
  const drawn = random.next();
  const kind = drawn < 0.6 ? "opposite" : drawn < 0.85 ? "duplicate" : "limit";
  const decisions = [decision, rival(world, decision, kind)];
  if (random.chance(THREE_SIDED)) decisions.push(rival(world, decision, kind));
  const conflict: Conflict = { id: world.newId("c"), kind, decisions };
  tellConflict(world, KINDS.conflictDetected, conflict, () => ({
    $case: "conflictDetected",
    value: { conflictId: conflict.id, kind: KIND_OF[kind], decisionIds: idsOf(conflict) },
  }));
  world.scheduleWithin(50 * MS, 1500 * MS, { kind: "resolve", conflict });
}

function rival(world: Simulation, { portfolio, instrument, direction, quantity }: Decision, kind: Conflict["kind"]) {
  const about = instrumentOf(instrument);
  const part = (quantity * BigInt(world.random.between(30, 100))) / 100n / about.lot;
  return coordinate(world, {
    strategy: world.random.pick(RIVALS),
    portfolio,
    instrument: about,
    direction: kind === "opposite" ? (direction > 0 ? -1 : 1) : direction,
    quantity: kind === "duplicate" || part === 0n ? quantity : part * about.lot,
    intelligence: findingsFor(world, about),
  });
}

export function resolve(world: Simulation, conflict: Conflict): void {
  const { kind, decisions } = conflict;
  const drawn = world.random.next();
  const net = decisions.reduce((sum, { direction, quantity }) => sum + BigInt(direction) * quantity, 0n);
  // What is approved cannot be rejected any more.
  if (drawn > 0.88 && !decisions.some(({ approved }) => approved)) abandon(world, conflict);
  else if (drawn < 0.5 && kind === "opposite" && net !== 0n) netOut(world, conflict, net);
  else prioritize(world, conflict);
}

/** A new decision for the difference takes the place of all. */
function netOut(world: Simulation, conflict: Conflict, net: bigint): void {
  const { portfolio, instrument } = conflict.decisions[0]!;
  const findings = new Set(conflict.decisions.flatMap(({ intelligence }) => intelligence));
  const netted = coordinate(world, {
    strategy: "netting",
    portfolio,
    instrument: instrumentOf(instrument),
    direction: net > 0n ? 1 : -1,
    quantity: absolute(net),
    intelligence: [...findings].slice(0, NETTED_FINDINGS),
  });
  tellResolution(world, conflict, Resolution.NETTED, netted.id);
  for (const decision of conflict.decisions) supersede(world, decision, netted.id);
  scheduleCheck(world, netted);
}

/** The most urgent goes on, of several the surest. */
function prioritize(world: Simulation, conflict: Conflict): void {
  const winner = conflict.decisions.reduce((best, other) => (outranks(other, best) ? other : best));
  tellResolution(world, conflict, Resolution.PRIORITIZED, winner.id);
  for (const decision of conflict.decisions) if (decision !== winner) supersede(world, decision, winner.id);
  goOn(world, winner);
}

function abandon(world: Simulation, conflict: Conflict): void {
  tellResolution(world, conflict, Resolution.ABANDONED, "");
  for (const decision of conflict.decisions) {
    reject(world, decision, "conflict-desk", `Given up in conflict ${conflict.id}.`);
  }
}

const outranks = (a: Decision, b: Decision): boolean =>
  a.urgency > b.urgency || (a.urgency === b.urgency && a.confidence > b.confidence);

const idsOf = ({ decisions }: Conflict): string[] => decisions.map(({ id }) => id);

function tellResolution(world: Simulation, conflict: Conflict, resolution: Resolution, winner: string): void {
  const value = { conflictId: conflict.id, resolution, winningDecisionId: winner, decisionIds: idsOf(conflict) };
  tellConflict(world, KINDS.conflictResolved, conflict, () => ({ $case: "conflictResolved", value }));
}
