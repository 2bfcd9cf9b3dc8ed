/** Whether a portfolio is there at all: nothing of a known one is an empty list, anything of another `not_found`. */
import { breachesByTime, holdingsByInstrument, type ReadModels, rebalancesByTime } from "../read-models.ts";

/** Throws `not_found` when nothing was told of the portfolio. */
export function knownPortfolio({ states, holdings, breaches, rebalances }: ReadModels, id: string): void {
  const told =
    holdings.count(holdingsByInstrument, id) +
    breaches.count(breachesByTime, id) +
    rebalances.count(rebalancesByTime, id);
  if (told === 0) states.read(id);
}
