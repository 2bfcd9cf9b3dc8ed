/** One batch into a topic; passing failures are tried again, which the events' ids make harmless. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Position } from "@distribution/client";
import { CliError } from "../exit.ts";
import { type Api, RefusedError } from "../service/api.ts";

export interface Outgoing {
  /** Of its line in the input. */
  readonly number: number;
  /** A CloudEvent. */
  readonly json: string;
}

export interface Published {
  readonly positions: readonly Position[];
  readonly duplicates: number;
}

const BATCH = "application/cloudevents-batch+json";
/** After the first refusal; each further wait is twice as long. */
const TRIES = 6;
const FIRST_WAIT_MS = 250;
/** "Try again later", as status codes have it. */
const PASSING = new Set([429, 502, 503, 504, 507]);

export function createSender(api: Api, topic: string, signal: AbortSignal) {
  return async (batch: readonly Outgoing[]): Promise<Published> => {
    const body = `[${batch.map(({ json }) => json).join(",")}]`;
    for (let attempt = 1; ; attempt += 1) {
      try {
        const response = await api.post(`/topics/${encodeURIComponent(topic)}/events`, body, BATCH);
        return (await response.json()) as Published;
      } catch (failure) {
        if (!(failure instanceof RefusedError)) throw failure;
        if (!PASSING.has(failure.status) || attempt === TRIES) throw named(failure, batch);
        const waitMs = (failure.retryAfterS ?? 0) * 1_000 || FIRST_WAIT_MS * 2 ** (attempt - 1);
        await sleep(waitMs, undefined, { signal });
      }
    }
  };
}

/** The service counts within the request; the one at the keyboard counts lines. */
function named(failure: RefusedError, batch: readonly Outgoing[]): CliError {
  const message = failure.message.replaceAll(/\bevents\[(\d+)\]/g, (path, index) => {
    const line = batch[Number(index)]?.number;
    return line === undefined ? path : `line ${line}`;
  });
  const remedy = failure.code === "event_conflict" ? "\n  To publish them as events of their own, add --new-ids." : "";
  return new CliError(message + remedy, failure.exit, failure);
}
