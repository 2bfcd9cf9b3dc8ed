/** What a failed port means to who asked. */
import { DistributionError } from "@distribution/core/errors";
import { PortError, type PortErrorCode } from "./port.ts";

const MEANING: Readonly<
  Record<
    PortErrorCode,
    ["unavailable" | "unknown_topic" | "storage_full" | "batch_too_large" | "record_damaged", string]
  >
> = {
  unavailable: ["unavailable", "Pulsar is away"],
  refused: ["unavailable", "Pulsar refuses this service; check the setting token"],
  unknown_topic: ["unknown_topic", "Pulsar has no such topic"],
  too_large: [
    "batch_too_large",
    "Pulsar takes no message of this size; lower maxBatchBytes or raise its maxMessageSize",
  ],
  full: ["storage_full", "the topic's backlog quota is used up"],
  damaged: ["record_damaged", "a stored record cannot be read"],
  closed: ["unavailable", "the broker is closed, open it again"],
};

/** The failure as the contract names it; what is no PortError stays as it is. `what` begins the sentence. */
export function failureOf(failure: unknown, what: string): unknown {
  if (!(failure instanceof PortError)) return failure;
  const [code, meaning] = MEANING[failure.code];
  return new DistributionError(code, `${what}: ${meaning}: ${failure.message}`, { cause: failure });
}
