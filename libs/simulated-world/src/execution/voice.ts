/** How execution tells of orders. */
import { type ExecutionEvent, Side } from "@distribution/proto-types/execution/v1/execution";
import type { Kind } from "../engine/kinds.ts";
import { instrumentOf } from "../instruments.ts";
import { portfolioId } from "../portfolio/portfolios.ts";
import type { Simulation } from "../simulation.ts";
import type { Direction, Order } from "../state.ts";

type Payload = NonNullable<ExecutionEvent["payload"]>;

export const sideOf = (direction: Direction): Side => (direction > 0 ? Side.BUY : Side.SELL);

/** A step of the order's life. */
export function tellOrder(world: Simulation, kind: Kind<ExecutionEvent>, order: Order, payload: () => Payload): void {
  order.sequence += 1;
  tellAbout(world, kind, order, order.id, order.sequence, payload);
}

/** Something about the order that is no step of its life. */
export function tellAbout(
  { teller }: Simulation,
  kind: Kind<ExecutionEvent>,
  { id, decision }: Order,
  key: string,
  sequence: number,
  payload: () => Payload,
): void {
  const instrument = instrumentOf(decision.instrument).id;
  teller.tell<ExecutionEvent>(kind, key, instrument, sequence, () => ({
    orderId: id,
    portfolioId: portfolioId(decision.portfolio),
    instrument,
    decisionId: decision.id,
    eventTime: teller.nowNs,
    payload: payload(),
  }));
}
