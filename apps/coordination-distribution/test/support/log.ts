/** The log of a topic, read back as a client does, and what follows from it: reckoned without the service's own code. */
import { logOf } from "@distribution/testkit/service";
import type { Ports } from "./service.ts";

export interface LoggedEvent {
  readonly id: string;
  readonly type: string;
  readonly key: string;
  /** The payload in JSON. */
  readonly data: Readonly<Record<string, unknown>>;
  /** Of the payload's oneof. */
  readonly member: Readonly<Record<string, unknown>>;
}

type LoggedCloudEvent = Readonly<Record<"id" | "type" | "partitionkey", string>> & Pick<LoggedEvent, "data">;

/** In order by partition, and so by key. Throws when the answer is not whole. */
export async function readLog(ports: Ports, topic: string): Promise<readonly LoggedEvent[]> {
  return (await logOf<LoggedCloudEvent>(ports, topic)).map(({ event }) => {
    const { id, type, partitionkey: key, data } = event;
    const member = Object.values(data).find((value) => typeof value === "object") as LoggedEvent["member"];
    return { id, type, key, data, member };
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
