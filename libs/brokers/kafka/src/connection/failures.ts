/** What Kafka and its client say when something fails, and what that is called here. */
import type { OptionNames } from "@distribution/broker-common";
import { DistributionError } from "@distribution/core/errors";
import {
  AuthenticationError,
  GenericError,
  NetworkError,
  protocolErrorsCodesById,
  ResponseError,
  TimeoutError,
} from "@platformatic/kafka";

/** The error codes of Kafka's protocol that are told apart here. */
export const CODE = {
  NONE: 0,
  OFFSET_OUT_OF_RANGE: 1,
  UNKNOWN_TOPIC_OR_PARTITION: 3,
  LEADER_NOT_AVAILABLE: 5,
  NOT_LEADER_OR_FOLLOWER: 6,
  REQUEST_TIMED_OUT: 7,
  REPLICA_NOT_AVAILABLE: 9,
  MESSAGE_TOO_LARGE: 10,
  COORDINATOR_LOAD_IN_PROGRESS: 14,
  COORDINATOR_NOT_AVAILABLE: 15,
  NOT_COORDINATOR: 16,
  INVALID_TOPIC: 17,
  RECORD_LIST_TOO_LARGE: 18,
  NOT_ENOUGH_REPLICAS: 19,
  NOT_ENOUGH_REPLICAS_AFTER_APPEND: 20,
  ILLEGAL_GENERATION: 22,
  UNKNOWN_MEMBER_ID: 25,
  REBALANCE_IN_PROGRESS: 27,
  TOPIC_AUTHORIZATION_FAILED: 29,
  GROUP_AUTHORIZATION_FAILED: 30,
  CLUSTER_AUTHORIZATION_FAILED: 31,
  UNSUPPORTED_SASL_MECHANISM: 33,
  ILLEGAL_SASL_STATE: 34,
  TOPIC_ALREADY_EXISTS: 36,
  INVALID_PARTITIONS: 37,
  UNSUPPORTED_FOR_MESSAGE_FORMAT: 43,
  POLICY_VIOLATION: 44,
  OUT_OF_ORDER_SEQUENCE: 45,
  DUPLICATE_SEQUENCE: 46,
  INVALID_PRODUCER_EPOCH: 47,
  KAFKA_STORAGE_ERROR: 56,
  SASL_AUTHENTICATION_FAILED: 58,
  UNKNOWN_PRODUCER_ID: 59,
  FETCH_SESSION_ID_NOT_FOUND: 70,
  FENCED_LEADER_EPOCH: 74,
  UNKNOWN_LEADER_EPOCH: 75,
  OFFSET_NOT_AVAILABLE: 78,
  MEMBER_ID_REQUIRED: 79,
  FENCED_INSTANCE_ID: 82,
  INVALID_RECORD: 87,
  UNSTABLE_OFFSET_COMMIT: 88,
  PRODUCER_FENCED: 90,
  UNKNOWN_TOPIC_ID: 100,
  INCONSISTENT_TOPIC_ID: 103,
} as const;

/** Codes that pass by themselves. */
const PASSING: ReadonlySet<number> = new Set([
  CODE.REQUEST_TIMED_OUT,
  CODE.COORDINATOR_LOAD_IN_PROGRESS,
  CODE.COORDINATOR_NOT_AVAILABLE,
  CODE.NOT_COORDINATOR,
  CODE.NOT_ENOUGH_REPLICAS,
  CODE.NOT_ENOUGH_REPLICAS_AFTER_APPEND,
  CODE.KAFKA_STORAGE_ERROR,
  CODE.OFFSET_NOT_AVAILABLE,
  CODE.UNSTABLE_OFFSET_COMMIT,
]);

/** Codes that mean: what is known of the cluster is out of date; it is asked for again, and then the right one is asked. */
const STALE: ReadonlySet<number> = new Set([
  CODE.LEADER_NOT_AVAILABLE,
  CODE.NOT_LEADER_OR_FOLLOWER,
  CODE.REPLICA_NOT_AVAILABLE,
  CODE.FENCED_LEADER_EPOCH,
  CODE.UNKNOWN_LEADER_EPOCH,
]);

const REFUSED: ReadonlySet<number> = new Set([
  CODE.TOPIC_AUTHORIZATION_FAILED,
  CODE.GROUP_AUTHORIZATION_FAILED,
  CODE.CLUSTER_AUTHORIZATION_FAILED,
]);

export const isStale = (code: number): boolean => STALE.has(code);
/** Said of a partition: the same, or whoever was asked has not heard of the topic yet. Where that is gone, asking for the leaders tells. */
export const isMoved = (code: number): boolean => isStale(code) || code === CODE.UNKNOWN_TOPIC_OR_PARTITION;
export const isPassing = (code: number): boolean => PASSING.has(code);
export const isRefused = (code: number): boolean => REFUSED.has(code);

export const nameOf = (code: number): string =>
  (protocolErrorsCodesById as Readonly<Record<number, string | undefined>>)[code] ?? `error ${code}`;

/** The first code of an answer that says what failed; undefined when there was no answer. */
export function codeOf(failure: unknown): number | undefined {
  if (!(failure instanceof ResponseError)) return undefined;
  const code: unknown = (failure.errors[0] as { readonly apiCode?: unknown } | undefined)?.apiCode;
  return typeof code === "number" ? code : undefined;
}

/** The answer within a failure: an answer of many parts is a failure to the client when one part has a code. */
export function answerOf<T>(failure: unknown): T {
  if (failure instanceof ResponseError && failure["response"] !== undefined) return failure["response"] as T;
  throw failure;
}

/** Every failure within, from the outside in. */
function* causesOf(failure: unknown): Generator<Error> {
  let at: unknown = failure;
  for (let depth = 0; at instanceof Error && depth < 10; depth += 1) {
    yield at;
    at = at instanceof AggregateError ? at.errors[0] : at.cause;
  }
}

/** What in the settings keeps us out, when that is what failed: waiting does not help, so it is tried again slowly. */
export function refusalOf(failure: unknown, called: OptionNames): string | undefined {
  for (const cause of causesOf(failure)) {
    // The password's file cannot be read: that says more.
    if (cause instanceof DistributionError) return cause.message.replace(/\.$/, "");
  }
  for (const cause of causesOf(failure)) {
    const { code, message } = cause as { readonly code?: unknown; readonly message: string };
    if ((cause instanceof AuthenticationError && !isSilence(failure)) || isSaslRefusal(codeOf(cause))) {
      const [mechanism, username, password] = ["mechanism", "username", "password"].map((name) =>
        called(`sasl.${name}`),
      );
      return `the cluster refuses the credentials; check ${mechanism}, ${username} and ${password}`;
    }
    if (message === "Broker requires TLS.") {
      return `the cluster wants TLS; set ${called("tls")}, or ${called("brokers")} to a port without`;
    }
    const refusal = typeof code === "string" ? tlsRefusal(code, message, called) : undefined;
    if (refusal !== undefined) return refusal;
  }
  return undefined;
}

function tlsRefusal(code: string, message: string, called: OptionNames): string | undefined {
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID") {
    return `TLS: the broker's certificate is for another name (${message}); call it in ${called("brokers")} by one that is there`;
  }
  if (code === "CERT_HAS_EXPIRED" || code === "CERT_NOT_YET_VALID") {
    return `TLS: the broker's certificate is not valid now (${code}); renew it`;
  }
  if (/^ERR_SSL_.*(CERT|UNKNOWN_CA)/.test(code)) {
    const [cert, key] = [called("tls.cert"), called("tls.key")];
    return `TLS: the broker does not take this side's certificate (${code}); check ${cert} and ${key}`;
  }
  if (code.startsWith("ERR_SSL_")) {
    return `TLS fails (${code}): if the port does not speak it, switch ${called("tls")} off, or set ${called("brokers")} to one that does`;
  }
  if (/^(CERT_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|INVALID_CA|HOSTNAME_MISMATCH)/.test(code)) {
    return `TLS: the broker's certificate is not trusted (${code}); set ${called("tls.ca")} to that of the authority that signed it`;
  }
  return undefined;
}

/** What may be wrong where nobody can be reached. `own`: the address is one of the settings', not one that the cluster gave. */
export function remedyOf(failure: unknown, called: OptionNames, own: boolean): string | undefined {
  const all = [...causesOf(failure)];
  const brokers = called("brokers");
  if (all.some(({ message }) => message.includes("secure TLS connection was established"))) {
    return `if the port speaks no TLS, switch ${called("tls")} off, or set ${brokers} to one that does`;
  }
  if (all.some((cause) => "code" in cause && UNREACHABLE.has(String(cause.code))) || all[0] instanceof TimeoutError) {
    return own
      ? `start it, or set ${brokers} to where it is`
      : "the cluster itself gives this address (advertised.listeners): it has to be one that is reached from here";
  }
  return undefined;
}

/** The connection ended, and nobody said why. */
export function isSilence(failure: unknown): boolean {
  const innermost = [...causesOf(failure)].at(-1);
  return innermost instanceof NetworkError || innermost instanceof TimeoutError;
}

/** What may be wrong where nothing was ever answered. */
export const unansweredRemedy = (called: OptionNames): string =>
  `it may want a login (${called("sasl.mechanism")}) or TLS (${called("tls")}), or be no Kafka (${called("brokers")})`;

const UNREACHABLE: ReadonlySet<string> = new Set([
  "ECONNREFUSED",
  "EADDRNOTAVAIL",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTFOUND",
  "ETIMEDOUT",
]);

const isSaslRefusal = (code: number | undefined): boolean =>
  code === CODE.SASL_AUTHENTICATION_FAILED ||
  code === CODE.UNSUPPORTED_SASL_MECHANISM ||
  code === CODE.ILLEGAL_SASL_STATE;

/** The innermost reason, for people. */
export function reasonOf(failure: unknown): string {
  const code = codeOf(failure);
  if (code !== undefined) return nameOf(code);
  let reason = failure instanceof Error ? failure.message : String(failure);
  for (const cause of causesOf(failure)) {
    if (!(cause instanceof GenericError) || cause.cause === undefined) reason = cause.message || reason;
  }
  return reason.replace(/\.$/, "");
}

export function unavailable(message: string, cause?: unknown, retryAfterMs?: number): DistributionError {
  const details = retryAfterMs === undefined ? { cause } : { cause, retryAfterMs };
  return new DistributionError("unavailable", message, details);
}
