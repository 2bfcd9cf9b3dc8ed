/** What the topics take: an event that cannot be, or cannot follow what the log holds of its key, is refused at the way in. */
import type { IngestService } from "@distribution/core/ingest";
import { PortfolioEvent } from "@distribution/proto-types/portfolio/v1/portfolio";
import { newest } from "./read-models/history.ts";
import { breachesByKey, type ReadModels } from "./read-models.ts";
import { nextBreach } from "./rules/breach.ts";
import type { Timed } from "./rules/checks.ts";
import { nextMeasure } from "./rules/performance.ts";
import { nextPosition, type PositionState } from "./rules/position.ts";
import { nextRebalance, type Rebalance } from "./rules/rebalance.ts";
import { nextState } from "./rules/state.ts";
import { TOPICS } from "./topics.ts";

/** Of the topics that publishers' events end on; the alerts are copies of what the risk topic took. */
export function governTopics(ingest: Pick<IngestService, "govern">, models: ReadModels): void {
  const { states, holdings, performance, attribution, breaches, rebalances } = models;
  const payload = PortfolioEvent;

  ingest.govern<Timed, PortfolioEvent>({
    ...{ topic: TOPICS.state, payload, by: [states], next: nextState },
    current(key) {
      const history = states.find(key)?.state;
      return history && newest(history);
    },
  });
  ingest.govern<PositionState, PortfolioEvent>({
    ...{ topic: TOPICS.positions, payload, by: [holdings], next: (before, event) => nextPosition(before, event) },
    current: (key) => holdings.find(key)?.state.position,
  });
  ingest.govern<Timed, PortfolioEvent>({
    ...{ topic: TOPICS.performance, payload, by: [performance, attribution], next: nextMeasure },
    current: (key) => (performance.find(key) ?? attribution.find(key))?.state,
  });
  ingest.govern<Timed, PortfolioEvent>({
    ...{ topic: TOPICS.risk, payload, by: [breaches], next: nextBreach },
    current: (key) => breaches.list(breachesByKey, { group: key, limit: 1 }).value.entries[0]?.state,
  });
  ingest.govern<Rebalance, PortfolioEvent>({
    ...{ topic: TOPICS.rebalancing, payload, by: [rebalances], next: nextRebalance },
    current: (key) => rebalances.find(key)?.state,
  });
}
