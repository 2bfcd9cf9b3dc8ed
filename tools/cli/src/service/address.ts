/** Where the service is: by address, by name at its default port on this machine, or by the topics it has. */
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

const STANDARD: ServiceName = "market-data";

export interface AddressOptions {
  readonly url?: string;
  readonly service?: string;
}

/**
 * What the command line says, then DISTRIBUTION_URL, then the service that the topics (names or patterns) begin with, then market
 * data. Throws a usage error on a name or an address that is none, and on topics of several services or of none.
 */
export function baseUrl(
  { url, service }: AddressOptions,
  topics: readonly string[] = [],
  environment: Readonly<Record<string, string | undefined>> = process.env,
): URL {
  if (url !== undefined && service !== undefined) {
    throw usageError("--url", "can't go with --service; leave one of them out");
  }
  if (url !== undefined) return parseAddress("--url", url);
  if (service !== undefined) return addressOf(service);
  const given = environment["DISTRIBUTION_URL"];
  return given ? parseAddress("DISTRIBUTION_URL", given) : addressOf(serviceOf(topics));
}

function parseAddress(name: string, url: string): URL {
  const parsed = URL.parse(url.includes("://") ? url : `http://${url}`);
  if (parsed !== null && /^https?:$/.test(parsed.protocol)) return parsed;
  throw usageError(name, `"${url}" is no address; give one like http://localhost:7030`);
}

function addressOf(service: string): URL {
  if (Object.hasOwn(SERVICES, service)) return new URL(`http://localhost:${SERVICES[service as ServiceName]}`);
  throw usageError("--service", `"${service}" is none; take ${Object.keys(SERVICES).join(", ")}, or give --url`);
}

/** Every topic of a service begins with its name. A pattern that begins with a wildcard is any service's. */
function serviceOf(topics: readonly string[]): string {
  const named = topics.map((topic) => ({ topic, first: topic.split(".", 1)[0] ?? "" }));
  const foreign = named.find(({ first }) => !Object.hasOwn(SERVICES, first) && first !== "*" && first !== ">");
  if (foreign) {
    const known = Object.keys(SERVICES).join(", ");
    throw usageError(
      "topics",
      `"${foreign.topic}" begins with none of the services ${known}; "topics --service <name>" lists what each has, and --url says where a topic of another one is`,
    );
  }
  const services = new Set(named.map(({ first }) => first).filter((first) => Object.hasOwn(SERVICES, first)));
  if (services.size <= 1) return [...services][0] ?? STANDARD;
  throw usageError(
    "topics",
    `${[...services].join(" and ")} are different services; name topics of one, or say where with --service or --url`,
  );
}
