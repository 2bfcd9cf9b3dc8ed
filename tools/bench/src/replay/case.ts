/** What the replay bench asks of its processes. */
import type { Wish } from "../fanout/protocols.ts";
import { type PayloadForm, symbolOf } from "../service/trades.ts";

export interface ReplayCase {
  readonly from: "log" | "ring";
  readonly frames: "json" | "proto";
  readonly payload: PayloadForm;
  /** One event in 500 is wanted. */
  readonly filtered: boolean;
  /** The subscriber is a process of its own that reads; else the frames end where the kernel's writes would begin. */
  readonly drained: boolean;
}

/** `begin` starts the clock, and the subscriber too unless it is a process of its own; `end` waits for the last event. */
export type ReplayRequest = { readonly begin: ReplayCase } | { readonly end: ReplayCase };

export interface ReplayResult {
  /** Passed, whether delivered or not. */
  readonly events: number;
  readonly cpuSeconds: number;
  readonly seconds: number;
}

export interface DrainRequest {
  readonly port: number;
  readonly replay: ReplayCase;
}

export const topicOf = ({ from, payload }: Pick<ReplayCase, "from" | "payload">): string => `replay.${from}-${payload}`;

export function wishOf(replay: ReplayCase): Wish {
  const topics = [topicOf(replay)];
  return replay.filtered
    ? { topics, earliest: true, filter: `data.symbol == "${symbolOf(7)}"` }
    : { topics, earliest: true };
}
