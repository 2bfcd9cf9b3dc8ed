/** Where the service is: by address, or by name at its default port on this machine. */
import { usageError } from "../exit.ts";

/** Public ports, as docs and services have them by default. */
export const SERVICES = {
  portfolio: 7010,
  coordination: 7020,
  "market-data": 7030,
  intelligence: 7040,
  execution: 7050,
} as const;

export type ServiceName = keyof typeof SERVICES;

export interface AddressOptions {
  readonly url?: string;
  readonly service: string;
}

/** Throws a usage error on a name or an address that is none. */
export function baseUrl({ url, service }: AddressOptions): URL {
  if (url === undefined) {
    if (Object.hasOwn(SERVICES, service)) return new URL(`http://localhost:${SERVICES[service as ServiceName]}`);
    throw usageError("--service", `"${service}" is none; take ${Object.keys(SERVICES).join(", ")}, or give --url`);
  }
  const parsed = URL.parse(url.includes("://") ? url : `http://${url}`);
  if (parsed === null || !/^https?:$/.test(parsed.protocol)) {
    throw usageError("--url", `"${url}" is no address; give one like http://localhost:7030`);
  }
  return parsed;
}
