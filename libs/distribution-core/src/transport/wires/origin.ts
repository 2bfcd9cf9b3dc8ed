import type { IncomingHttpHeaders } from "node:http";
import { DistributionError } from "../../errors.ts";

/**
 * Browsers let any page open a WebSocket or send a POST anywhere and say in `Origin` which page it was. Pages of this very host may;
 * others only when listed in `allowed` ("*": all). Programs send no Origin. That the host is this service's own is for
 * `createHostGuard` to say. Returns the refusal, or undefined.
 */
export function originRefusal(headers: IncomingHttpHeaders, allowed: readonly string[]): DistributionError | undefined {
  const { origin, host } = headers;
  if (origin === undefined || allowed.includes("*") || allowed.includes(origin)) return undefined;
  if (URL.canParse(origin) && new URL(origin).host === host) return undefined;
  return new DistributionError(
    "forbidden",
    `Pages of ${origin.slice(0, 100)} may not do this; the operator can list that origin in the setting ORIGINS.`,
  );
}
