/** What a world is made from. The same options give the same world, event by event. */
import { DistributionError, fieldError } from "@distribution/core/errors";
import { DOMAINS, type WorldDomain } from "./names.ts";
import { SCENARIOS, type Scenario } from "./scenarios.ts";

/** What several processes have to agree on to play parts of one world. */
export interface WorldIdentity {
  /** A whole number of 0 to 2^53 - 1. */
  readonly seed: number;
  /** When the world begins: Unix time, ns. */
  readonly startNs: bigint;
  readonly scenario: Scenario;
  /** Events of all domains in a second of world time, on average in the normal scenario: 1 to 1,000,000. */
  readonly rate: number;
}

export interface WorldOptions extends WorldIdentity {
  /** Whose events are given out; what happens is the same. Default: all. */
  readonly domains?: readonly WorldDomain[];
  /** What `save` of a world with the same other options gave: it goes on from there. */
  readonly state?: Uint8Array;
}

export const MAX_RATE = 1_000_000;
/** About the year 2243: a hundred years of world fit behind it. */
const MAX_START_NS = 2n ** 63n - 630_000_000_000_000_000n;

/** Throws `invalid_request` naming the option that is out of range, below `path`. */
export function checkIdentity({ seed, startNs, scenario, rate }: WorldIdentity, path = "world"): void {
  if (!Number.isSafeInteger(seed) || seed < 0) {
    throw fieldError("invalid_request", `${path}.seed`, `It is ${seed}; give a whole number of 0 to 2^53 - 1.`);
  }
  if (typeof startNs !== "bigint" || startNs < 0n || startNs > MAX_START_NS) {
    throw fieldError("invalid_request", `${path}.startNs`, `It is ${startNs}; give Unix nanoseconds of 1970 to 2242.`);
  }
  if (!SCENARIOS.includes(scenario)) {
    throw fieldError("invalid_request", `${path}.scenario`, `It is "${scenario}"; use one of ${SCENARIOS.join(", ")}.`);
  }
  if (!(rate >= 1 && rate <= MAX_RATE)) {
    const message = `It is ${rate}; give events a second, 1 to ${MAX_RATE}.`;
    throw fieldError("invalid_request", `${path}.rate`, message);
  }
}

/** The domains in their own order, each once. Throws `invalid_request`. */
export function checkDomains(domains: readonly WorldDomain[] = DOMAINS): readonly WorldDomain[] {
  for (const domain of domains) {
    if (DOMAINS.includes(domain)) continue;
    const message = `There is no domain "${domain}"; use ${DOMAINS.join(", ")}.`;
    throw fieldError("invalid_request", "world.domains", message);
  }
  return DOMAINS.filter((domain) => domains.includes(domain));
}

/** Says of which world something is: the same for the same options only. */
export function identityText({ seed, startNs, scenario, rate }: WorldIdentity): string {
  return `seed ${seed}, start ${startNs}, scenario ${scenario}, rate ${rate}`;
}

/** Seven characters that stand for the identity in ids, so that those of another world are other ones (FNV-1a). */
export function worldTag(identity: WorldIdentity): string {
  let hash = 0x811c9dc5;
  for (const character of identityText(identity)) {
    hash = Math.imul(hash ^ character.charCodeAt(0), 0x01000193);
  }
  return (hash >>> 0).toString(36).padStart(7, "0");
}

export const damaged = (what: string, remedy: string, cause?: unknown): DistributionError =>
  new DistributionError("record_damaged", `${what} ${remedy}`, { cause });
