/** Server frames from what the core works with. */
import type { DistributionError } from "../errors.ts";
import type { GapNotice, StateNotice } from "../qos/index.ts";
import type { Identity } from "../security/index.ts";
import type { OpenSubscription } from "./open-subscription.ts";
import type { SessionContext } from "./session-context.ts";
import type { Answer } from "./session-output.ts";

export function welcomeAnswer(session: string, identity: Identity, context: SessionContext): Answer {
  const { service, limits, frameLimits } = context;
  return {
    $case: "welcome",
    value: {
      session,
      service,
      heartbeatMs: limits.heartbeatMs,
      identity: identity.subject,
      limits: {
        maxFrameBytes: frameLimits.maxBytes,
        maxEventBytes: limits.maxEventBytes,
        maxSubscriptions: limits.maxSubscriptions,
        maxWindow: limits.maxWindow,
      },
    },
  };
}

export function ledgerAnswer({ id, core, from }: OpenSubscription): Answer {
  const { published, delivered, counts } = core.ledger.read();
  const { filtered, conflated, expired, dropped, denied, deadLettered } = counts;
  return {
    $case: "ledger",
    value: {
      subscription: id,
      from: [...from],
      to: core.positions(),
      published: BigInt(published),
      delivered: BigInt(delivered),
      counts: {
        filtered: BigInt(filtered),
        conflated: BigInt(conflated),
        expired: BigInt(expired),
        dropped: BigInt(dropped),
        denied: BigInt(denied),
        deadLettered: BigInt(deadLettered),
      },
    },
  };
}

export function gapAnswer({ channel, from, to, reason }: GapNotice): Answer {
  return { $case: "gap", value: { channel, topic: to.topic, partition: to.partition, from, to, reason } };
}

export function stateAnswer({ channel, topic, state, reason }: StateNotice): Answer {
  return { $case: "state", value: { channel, topic, state, reason } };
}

export function errorAnswer({ code, message, errors, definition, retryAfterMs }: DistributionError): Answer {
  const value = { code, message, errors: [...errors], retryable: definition.retry, retryAfterMs: retryAfterMs ?? 0 };
  return { $case: "error", value };
}
