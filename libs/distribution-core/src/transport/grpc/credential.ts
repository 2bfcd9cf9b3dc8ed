import type { Metadata } from "@grpc/grpc-js";
import type { Credential } from "../../security/index.ts";
import { credentialOf } from "../wires/index.ts";

/** What grpc-js tells of whoever called. */
export interface Caller {
  readonly metadata: Metadata;
  getPeer(): string;
}

/** From the `authorization` metadata and the peer, which grpc-js writes as `address:port`. */
export function grpcCredential(call: Caller): Credential {
  const headers: Record<string, string> = {};
  for (const name of ["authorization", "forwarded", "x-forwarded-for"]) {
    const value = call.metadata.get(name)[0];
    if (value !== undefined) headers[name] = value.toString();
  }
  const remote = call
    .getPeer()
    .replace(/:\d+$/, "")
    .replace(/^\[(.*)\]$/, "$1");
  return credentialOf(headers, remote);
}
