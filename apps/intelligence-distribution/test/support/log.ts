/** The log of a topic as any client reads it, and what the read models have to be by it, reckoned apart from the service. */
import { logOf } from "@distribution/testkit/service";
import type { Ports } from "./service.ts";

/** As much of an event as is looked at; the payload in proto3 JSON. */
export interface LoggedEvent {
  readonly id: string;
  readonly type: string;
  readonly partitionkey: string;
  readonly priority?: number;
  readonly data: {
    readonly intelligenceId: string;
    readonly symbol: string;
    readonly confidence: string;
    readonly qualityTier?: string;
    readonly targetWorkflows?: readonly string[];
    readonly producedAt: string;
    readonly validUntil?: string;
    readonly urgency?: number;
    readonly synthesis?: { readonly intelligenceIds: readonly string[] };
  };
}

/** All of it, in the order in which it was appended. Throws when the answer is not whole. */
export async function readLog(ports: Ports, topic: string): Promise<readonly LoggedEvent[]> {
  return (await logOf<LoggedEvent>(ports, topic)).map(({ event }) => event);
}

/** The ids of the newest by symbol, of the findings of one kind; of equal times the later in the log. */
export function newestBySymbol(log: readonly LoggedEvent[]): Map<string, string> {
  const newest = new Map<string, LoggedEvent["data"]>();
  for (const { data } of log) {
    const before = newest.get(data.symbol);
    if (!before || BigInt(data.producedAt) >= BigInt(before.producedAt)) newest.set(data.symbol, data);
  }
  return new Map([...newest].map(([symbol, { intelligenceId }]) => [symbol, intelligenceId]));
}
