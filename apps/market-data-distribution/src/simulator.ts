/** The upstream of demos, load and tests: the recorded traffic of two venues, played as if it happened now. */
import { fileURLToPath } from "node:url";
import type { Runtime } from "@distribution/core/runtime";
import type { Publish } from "./domain/feeds/outbox.ts";
import { createFeedPlayer, type FeedFile, type FeedPlayer } from "./domain/feeds/player.ts";

const dataFile = (name: string): string => fileURLToPath(new URL(`../data/${name}`, import.meta.url));

/** About 30 seconds each: 10 instruments of each venue. See data/README.md. */
export const RECORDINGS: readonly FeedFile[] = [
  { venue: "coinbase", path: dataFile("coinbase-level2-2021-04-17.ndjson.gz") },
  { venue: "bitmex", path: dataFile("bitmex-2021-07-22.ndjson.gz") },
];

export interface SimulatorOptions {
  readonly publish: Publish;
  readonly runtime: Runtime;
  /** Default 1: as fast as it was recorded. */
  readonly speed?: number | "max";
  /** Default "loop". */
  readonly repeat?: "once" | "loop";
  /** Default: a new UUID. */
  readonly runId?: string;
}

/** Not started yet. Times are moved to now, so that latencies and bars of a running service make sense. */
export function createSimulator({ speed = 1, repeat = "loop", ...options }: SimulatorOptions): FeedPlayer {
  return createFeedPlayer({ files: RECORDINGS, speed, repeat, times: "now", ...options });
}
