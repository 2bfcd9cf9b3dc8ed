/**
 * When a broker of the cluster may be called again after it could not be reached: with growing pauses, at random within
 * them, so that many processes do not come back at one moment; and after credentials were refused, rarely.
 */
import type { DistributionError } from "@distribution/core/errors";
import type { Runtime } from "@distribution/core/runtime";
import type { Address, Settings } from "../options.ts";
import { isSilence, reasonOf, refusalOf, remedyOf, unansweredRemedy, unavailable } from "./failures.ts";

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 1_000;

export interface Gate {
  /** Throws `unavailable`, with the time to wait, while the address may not be called. */
  assertOpen(address: Address): void;
  reached(address: Address): void;
  /** It speaks Kafka, with us. */
  answered(address: Address): void;
  /** Whether it ever did. */
  hasAnswered(address: Address): boolean;
  /** The failure as it is told. `connected`: there was a connection, and it failed before it answered anything. */
  failed(address: Address, failure: unknown, connected: boolean): DistributionError;
  /** Why the settings let nobody in, when that is so. */
  readonly refusal: string | undefined;
}

interface Hold {
  failures: number;
  /** Monotonic, ms. */
  until: number;
  error: DistributionError;
}

export function createGate({ runtime, refusedRetryMs, logger, optionNames, brokers }: Settings): Gate {
  const holds = new Map<string, Hold>();
  const known = new Set<string>();
  const own = new Set(brokers.map(nameOf));
  /** The refusal that the log has. */
  let told: string | undefined;
  let refused: { readonly reason: string; readonly until: number; readonly error: DistributionError } | undefined;

  const whatOf = (failure: unknown, name: string, connected: boolean): string => {
    const reason = reasonOf(failure);
    if (connected && isSilence(failure) && !known.has(name)) {
      return `gives no answer: ${reason}; ${unansweredRemedy(optionNames)}`;
    }
    const remedy = remedyOf(failure, optionNames, own.has(name));
    return `cannot be reached: ${reason}${remedy === undefined ? "" : `; ${remedy}`}`;
  };

  return {
    assertOpen(address) {
      const now = runtime.clock.monotonicMs();
      if (refused !== undefined && now < refused.until) throw waiting(refused.error, refused.until - now);
      const hold = holds.get(nameOf(address));
      if (hold !== undefined && now < hold.until) throw waiting(hold.error, hold.until - now);
    },
    reached(address) {
      holds.delete(nameOf(address));
      refused = undefined;
    },
    answered(address) {
      known.add(nameOf(address));
      told = undefined;
    },
    hasAnswered: (address) => known.has(nameOf(address)),
    failed(address, failure, connected) {
      const now = runtime.clock.monotonicMs();
      const name = nameOf(address);
      const reason = refusalOf(failure, optionNames);
      if (reason !== undefined) {
        const error = unavailable(`Kafka at ${name}: ${reason}.`, failure);
        if (told !== reason) logger?.error({ broker: name }, error.message);
        told = reason;
        refused = { reason, until: now + refusedRetryMs * (1 + runtime.random.next()), error };
        return error;
      }
      const failures = (holds.get(name)?.failures ?? 0) + 1;
      const error = unavailable(`Kafka at ${name} ${whatOf(failure, name, connected)}.`, failure);
      holds.set(name, { failures, until: now + pauseMs(failures, runtime), error });
      return error;
    },
    get refusal() {
      return refused?.reason;
    },
  };
}

const nameOf = ({ host, port }: Address): string => `${host}:${port}`;

const waiting = (error: DistributionError, ms: number): DistributionError =>
  unavailable(error.message, error, Math.ceil(ms));

/** The first time at once or nearly; then up to twice as long each time. */
export function pauseMs(failures: number, { random }: Pick<Runtime, "random">): number {
  return random.next() * Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(failures, 16));
}
