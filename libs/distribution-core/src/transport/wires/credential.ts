import type { IncomingHttpHeaders } from "node:http";
import type { Credential } from "../../security/index.ts";

/**
 * What a connection shows of itself. The token comes from `Authorization: <scheme> <token>` unless the wire has another place for it.
 * A request that a proxy forwarded is not from loopback, wherever its socket comes from.
 */
export function credentialOf(headers: IncomingHttpHeaders, remote: string | undefined, token?: string): Credential {
  const shown = token ?? tokenOf(headers.authorization);
  const address = remote ?? "unknown";
  const forwarded = headers["forwarded"] !== undefined || headers["x-forwarded-for"] !== undefined;
  const loopback = !forwarded && isLoopback(address);
  return shown === undefined ? { remote: address, loopback } : { token: shown, remote: address, loopback };
}

function tokenOf(authorization: string | undefined): string | undefined {
  const match = /^\s*[\w-]+\s+(\S+)\s*$/.exec(authorization ?? "");
  return match?.[1];
}

/** 127.0.0.0/8 and ::1, the former also as IPv6 writes it. */
export function isLoopback(address: string): boolean {
  return address === "::1" || /^(::ffff:)?127\.\d+\.\d+\.\d+$/.test(address);
}
