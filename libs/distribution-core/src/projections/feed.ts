/** Feeds projections event by event, for a domain's tests: what a service does from its log, without one. */
import type { PlacedEvent } from "../tail/contract.ts";
import type { TopicDefinition } from "../topics.ts";
import type { Projection } from "./contract.ts";
import { createReceiver } from "./incoming.ts";

/** Gives each event to the projections of its topic. Throws on a topic that is not among `topics`: a test that tests nothing. */
export function feedProjections(
  topics: readonly TopicDefinition[],
  projections: readonly Pick<Projection<unknown>, "intake">[],
): (event: PlacedEvent) => void {
  const receivers = new Map(topics.map((topic) => [topic.name, createReceiver(topic)]));
  return (event) => {
    const receive = receivers.get(event.position.topic);
    if (!receive) throw new TypeError(`${event.position.topic} is none of ${[...receivers.keys()].join(", ")}.`);
    const incoming = receive({ ...event, start: 0, end: event.bytes.length });
    for (const { intake } of projections) {
      if (!intake.topics.includes(event.position.topic)) continue;
      intake.take(incoming);
      intake.moved(event.position);
    }
  };
}
