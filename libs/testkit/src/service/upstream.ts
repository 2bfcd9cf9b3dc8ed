/** An upstream that publishes bad data among the good, and what a service makes of that. */
import type { Logger } from "@distribution/core/observability";
import { systemRuntime } from "@distribution/core/runtime";
import { expect } from "vitest";
import type { RunningService } from "./runner.ts";
import { until } from "./until.ts";

/** What an upstream is started with. */
export interface UpstreamOptions {
  readonly url: string;
  readonly runtime: typeof systemRuntime;
  readonly logger: Logger;
}

export interface Upstream {
  /** Of its events, how many the service did not take, and of these those that were bad on purpose. */
  readonly stats: { readonly refused: number; readonly refusedBad: number };
  stop(): Promise<void>;
}

/**
 * Lets an upstream publish until so many bad events are refused, and stops it. Resolves when all that it sent is settled. Throws
 * when anything good was refused, or the upstream complained.
 */
export async function refuseBadData(
  service: RunningService,
  bad: number,
  start: (options: UpstreamOptions) => Upstream,
): Promise<void> {
  const warnings: string[] = [];
  const warn = (_: object, message: string) => void warnings.push(message);
  const logger: Logger = { debug: () => {}, info: () => {}, warn, error: warn };
  const upstream = start({ url: `http://127.0.0.1:${service.ports.public}`, runtime: systemRuntime, logger });
  try {
    await until(
      () => `${bad} bad events are refused; it was ${upstream.stats.refusedBad}`,
      () => upstream.stats.refusedBad >= bad,
    );
  } finally {
    await upstream.stop();
  }
  // A stop waits for what is under way as long as a shutdown may take, and no longer.
  await until("what was sent is settled", () => service.ingest.inFlight().batches === 0);
  const { refused, refusedBad } = upstream.stats;
  expect([warnings, refused]).toEqual([[], refusedBad]);
}
