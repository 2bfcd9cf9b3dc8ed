/** A domain's own events, in the order in which its upstream tells them. */
import { connect, type EventToPublish, type ReceivedEvent } from "@distribution/client";
import { createWorld, type WorldDomain } from "@distribution/simulated-world";
import { RECORDED } from "./app.ts";

export interface Told {
  readonly topic: string;
  readonly event: EventToPublish;
  /** When it is told, ns; only distances mean something. */
  readonly at: bigint;
}

/** Events a second of all domains: what the services' simulators have by default. */
const WORLD_RATE = 100;
/** The world began a day ago, so that nothing in it is in the future. */
const WORLD_AGE_NS = 86_400_000_000_000n;

/** Of a world of the normal scenario, from its beginning. */
export function worldMix(domain: WorldDomain, count: number): Told[] {
  const startNs = BigInt(Date.now()) * 1_000_000n - WORLD_AGE_NS;
  const world = createWorld({ seed: 1, startNs, scenario: "normal", rate: WORLD_RATE, domains: [domain] });
  const mix: Told[] = [];
  while (mix.length < count) {
    for (const { topic, event, at } of world.next(startNs + WORLD_AGE_NS, 500)) {
      const { id, source, type, subject, time, key, contentType, data, sequence } = event;
      mix.push({ topic, at, event: { id, source, type, subject, time, key, contentType, data, sequence } });
    }
  }
  return mix.slice(0, count);
}

/** What its feeds publish; copies that routes make are left out. */
const RECORDED_TOPICS = ["trades", "quotes", "books", "bars", "status"].map((name) => `${RECORDED}.${name}`);

/**
 * What a service that plays its recordings gives to a subscriber, from its beginning; a microsecond apart: when each came says
 * more of how busy this machine was than of the feeds.
 */
export async function recordedMix(url: string, count: number): Promise<Told[]> {
  await using client = connect({ url });
  await using subscription = client.subscribe({ topics: RECORDED_TOPICS, from: "earliest" });
  const taken: ReceivedEvent[] = [];
  for await (const received of subscription) {
    if (taken.push(received) === count) break;
  }
  // A subscription keeps the order of each partition only.
  taken.sort((a, b) => Number(a.ingested - b.ingested));
  return taken.map((received, index) => {
    const { topic, id, source, type, subject, time, key, contentType, payload, sequence, priority } = received;
    const event = { id, source, type, subject, time, key, contentType, data: payload, sequence, priority };
    return { topic, event, at: BigInt(index) * 1_000n };
  });
}
