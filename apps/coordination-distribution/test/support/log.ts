/** The log of a topic, read back as a client does, and what follows from it: reckoned without the service's own code. */

import type { Ports } from "./service.ts";
import { urlOf } from "./ways-in.ts";

export interface LoggedEvent {
  readonly id: string;
  readonly type: string;
  readonly key: string;
  /** The payload in JSON. */
  readonly data: Readonly<Record<string, unknown>>;
  /** Of the payload's oneof. */
  readonly member: Readonly<Record<string, unknown>>;
}

/** In order by partition, and so by key. Throws when the answer is not whole. */
export async function readLog(ports: Ports, topic: string): Promise<readonly LoggedEvent[]> {
  const response = await fetch(`${urlOf(ports)}/api/v1/topics/${topic}/events`, {
    headers: { accept: "application/x-ndjson" },
  });
  const lines = (await response.text()).trimEnd().split("\n");
  const last = JSON.parse(lines.pop() ?? "{}") as { complete?: boolean };
  if (last.complete !== true) throw new Error(`The history of ${topic} is not whole: ${JSON.stringify(last)}`);
  return lines.map((line) => {
    const { event } = JSON.parse(line) as { event: Record<string, string> & { data: LoggedEvent["data"] } };
    const { id = "", type = "", partitionkey = "", data } = event;
    const member = Object.values(data).find((value) => typeof value === "object") as LoggedEvent["member"];
    return { id, type, key: partitionkey, data, member };
  });
}

/** What happened of an event type: `approved` of coordination.decision-approved.v1. */
export const happened = ({ type }: LoggedEvent): string => /\.[a-z]+-([a-z]+)\.v1$/.exec(type)?.[1] ?? type;

/** Events by key, each list in order. */
export function byKey(log: readonly LoggedEvent[]): ReadonlyMap<string, readonly LoggedEvent[]> {
  const lists = new Map<string, LoggedEvent[]>();
  for (const event of log) lists.set(event.key, [...(lists.get(event.key) ?? []), event]);
  return lists;
}

/** How many of each text there are. */
export function tally(texts: Iterable<string>): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const text of texts) counts[text] = (counts[text] ?? 0) + 1;
  return counts;
}
