import type { IncomingHttpHeaders } from "node:http";
import { isIPv6 } from "node:net";
import { type DistributionError, fieldError } from "../../errors.ts";
import { isLoopback } from "./credential.ts";

/** The refusal of a request by the name that it was sent to, or undefined. */
export type HostGuard = (headers: IncomingHttpHeaders) => DistributionError | undefined;

/** A name or address with or without a port; nothing else of a URL. */
const HOST = /^(?:\[[\da-f:.]+\]|[^\s/?#@:\\[\]%]+)(?::\d+)?$/i;

/** Bound to, they stand for every address; as names they are nobody's. */
const WILDCARDS: readonly string[] = ["0.0.0.0", "[::]"];

/**
 * Refuses requests whose Host is neither `localhost`, nor a loopback address, nor one of `names`; ports do not matter. Anybody can
 * point a name of theirs at 127.0.0.1, and a browser then takes their page and this service for one origin (DNS rebinding): the page
 * would be a client on loopback. A request without Host is refused too.
 *
 * gRPC needs none of this. Its port speaks HTTP/2 from the first byte; over a plain connection browsers speak HTTP/1.1, whose first
 * bytes no page can choose, and the server closes such a connection with GOAWAY before there is a request. With TLS a browser
 * would come as far as HTTP/2, but not with a name that the certificate does not have.
 */
export function createHostGuard(names: readonly string[] = []): HostGuard {
  const known = new Set(["localhost"]);
  for (const each of names) {
    const name = hostName(each);
    if (name !== undefined && !WILDCARDS.includes(name)) known.add(name);
  }
  return ({ host = "" }) => {
    const name = hostName(host);
    if (name !== undefined && (known.has(name) || isLoopbackName(name))) return undefined;
    const asked = host === "" ? "is missing" : `${host.slice(0, 100)} is no name of this service`;
    const message = `${asked}; ask for localhost, or have the operator list the name in the setting HOSTS`;
    return fieldError("forbidden", "Host", message);
  };
}

/** The name in the spelling of URLs, IPv6 in brackets, without a port or a final dot; undefined when it is none. */
function hostName(host: string): string | undefined {
  const authority = isIPv6(host) ? `[${host}]` : host;
  if (!HOST.test(authority) || !URL.canParse(`http://${authority}`)) return undefined;
  return new URL(`http://${authority}`).hostname.replace(/\.$/, "");
}

/** URLs write ::ffff:127.0.0.1 in hexadecimal. */
const isLoopbackName = (name: string): boolean =>
  isLoopback(name.replace(/^\[(.*)\]$/, "$1")) || name.startsWith("[::ffff:7f");
