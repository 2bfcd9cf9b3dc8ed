/** What a failed port means to who asked. */
import type { OptionNames } from "@distribution/broker-common";
import { DistributionError } from "@distribution/core/errors";
import { PortError, type PortErrorCode } from "./port.ts";

const MEANING: Readonly<
  Record<
    PortErrorCode,
    ["unavailable" | "unknown_topic" | "storage_full" | "batch_too_large" | "record_damaged", string]
  >
> = {
  unavailable: ["unavailable", "Pulsar is away"],
  not_taken: ["unavailable", "Pulsar did not take it"],
  refused: ["unavailable", "no way to Pulsar with these settings"],
  ended: ["unavailable", "its producer was ended; append again"],
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

/** What to do where TLS fails. `url`, `plain`: the option that has the address, and how it is written for a port without TLS. */
export function tlsRemedy(
  failure: unknown,
  called: OptionNames,
  { url, plain }: { readonly url: string; readonly plain: string },
): string | undefined {
  const code = codeOf(failure);
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID") return `call it in ${called(url)} by a name that its certificate has`;
  if (code === "CERT_HAS_EXPIRED" || code === "CERT_NOT_YET_VALID") return "renew its certificate";
  if (/^ERR_SSL_.*(CERT|UNKNOWN_CA)/.test(code)) return `check ${called("tls.cert")} and ${called("tls.key")}`;
  if (code === "EPROTO" || code.startsWith("ERR_SSL_")) {
    return `if the port speaks no TLS, set ${called(url)} to ${plain}, or to one that does`;
  }
  if (/^(CERT_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|INVALID_CA)/.test(code)) {
    return `set ${called("tls.ca")} to the certificate of the authority that signed it`;
  }
  return undefined;
}

const UNREACHABLE: ReadonlySet<string> = new Set([
  ...["EADDRNOTAVAIL", "EAI_AGAIN", "ECONNREFUSED", "EHOSTUNREACH", "ENETUNREACH", "ENOTFOUND", "ETIMEDOUT"],
]);

/** What to do where nobody is. */
export const awayRemedy = (failure: unknown, called: OptionNames, url: string): string | undefined =>
  UNREACHABLE.has(codeOf(failure)) ? `start it, or set ${called(url)} to where it is` : undefined;

function codeOf(failure: unknown): string {
  const at = failure instanceof AggregateError ? (failure.errors[0] as unknown) : failure;
  const { code } = (at ?? {}) as { readonly code?: unknown };
  return typeof code === "string" ? code : "";
}
