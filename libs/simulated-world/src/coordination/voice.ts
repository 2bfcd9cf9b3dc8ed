/** How coordination tells of decisions. */
import type { CoordinationEvent } from "@distribution/proto-types/coordination/v1/coordination";
import type { KINDS, Kind } from "../engine/kinds.ts";
import { instrumentOf } from "../instruments.ts";
import { portfolioId } from "../portfolio/portfolios.ts";
import type { Simulation } from "../simulation.ts";
import type { Conflict, Decision } from "../state.ts";

type Payload = NonNullable<CoordinationEvent["payload"]>;

/** A step of the decision's life. */
export function tellDecision(
  world: Simulation,
  kind: Kind<CoordinationEvent>,
  decision: Decision,
  payload: () => Payload,
) {
  decision.sequence += 1;
  tell(world, kind, decision, decision.sequence, payload);
}

/** What a policy said of it. */
export function tellPolicy(
  world: Simulation,
  kind: Kind<CoordinationEvent>,
  decision: Decision,
  payload: () => Payload,
) {
  tell(world, kind, decision, 0, payload);
}

export function tellConflict(
  { teller }: Simulation,
  kind: typeof KINDS.conflictDetected | typeof KINDS.conflictResolved,
  { id, decisions }: Conflict,
  payload: () => Payload,
): void {
  const { portfolio, instrument } = decisions[0]!;
  teller.tell<CoordinationEvent>(kind, id, instrumentOf(instrument).id, 0, () => ({
    decisionId: "",
    strategy: "",
    portfolioId: portfolioId(portfolio),
    instrument: instrumentOf(instrument).id,
    eventTime: teller.nowNs,
    payload: payload(),
  }));
}

function tell(
  { teller }: Simulation,
  kind: Kind<CoordinationEvent>,
  { id, strategy, portfolio, instrument }: Decision,
  sequence: number,
  payload: () => Payload,
): void {
  teller.tell<CoordinationEvent>(kind, id, instrumentOf(instrument).id, sequence, () => ({
    decisionId: id,
    strategy,
    portfolioId: portfolioId(portfolio),
    instrument: instrumentOf(instrument).id,
    eventTime: teller.nowNs,
    payload: payload(),
  }));
}
