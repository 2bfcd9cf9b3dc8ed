/** What a player needs of a service: that it takes events, and what its refusals mean. */
import { DistributionClientError } from "@distribution/client";
import { DistributionError } from "@distribution/core/errors";
import type { Event } from "@distribution/proto-types/distribution/v1/event";

/**
 * Resolves when all events are durable; rejects when none is, or when that is not known. The same ids may come again.
 * What it rejects with says by its code, and by a path like `events[3]`, what may help.
 */
export type Publish = (topic: string, events: readonly Event[]) => Promise<{ readonly duplicates: number }>;

/**
 * The ids of what the service has of a topic that was appended since then, Unix ns, or a little before. Rejects as `Publish`
 * does.
 */
export type Held = (topic: string, sinceNs: bigint) => Promise<ReadonlySet<string>>;

export interface Refusal {
  readonly error: Error;
  /** The same again may be taken later. */
  readonly retry: boolean;
  /** Not before this, ms. */
  readonly retryAfterMs: number;
  /** The event that is to blame, by its place. */
  readonly culprit: number | undefined;
  /** Fewer events may be taken. */
  readonly tooMany: boolean;
}

const EVENT_PATH = /(?:^|\.)events\[(\d+)\]/;

/** A failure that is of neither the client's nor the core's errors is taken for a passing one. */
export function refusalOf(failure: unknown): Refusal {
  const error = failure instanceof Error ? failure : new Error(String(failure));
  if (!(error instanceof DistributionClientError) && !(error instanceof DistributionError)) {
    return { error, retry: true, retryAfterMs: 0, culprit: undefined, tooMany: false };
  }
  const retry = error instanceof DistributionError ? error.definition.retry : error.retryable;
  const place = error.errors.map(({ path }) => EVENT_PATH.exec(path)?.[1]).find((found) => found !== undefined);
  return {
    error,
    retry,
    retryAfterMs: error.retryAfterMs ?? 0,
    culprit: place === undefined ? undefined : Number(place),
    tooMany: error.code === "batch_too_large",
  };
}
