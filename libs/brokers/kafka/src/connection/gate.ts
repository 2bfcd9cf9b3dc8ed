/**
 * When a broker of the cluster may be called again after it could not be reached: with growing pauses, at random within
 * them, so that many processes do not come back at one moment; and after credentials were refused, rarely.
 */
import type { DistributionError } from "@distribution/core/errors";
import type { Runtime } from "@distribution/core/runtime";
import type { Address, Settings } from "../options.ts";
import { reasonOf, refusalOf, unavailable } from "./failures.ts";

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 1_000;

export interface Gate {
  /** Throws `unavailable`, with the time to wait, while the address may not be called. */
  assertOpen(address: Address): void;
  reached(address: Address): void;
  /** The failure as it is told. */
  failed(address: Address, failure: unknown): DistributionError;
  /** Why the settings let nobody in, when that is so. */
  readonly refusal: string | undefined;
}

interface Hold {
  failures: number;
  /** Monotonic, ms. */
  until: number;
  error: DistributionError;
}

export function createGate({ runtime, refusedRetryMs, logger }: Settings): Gate {
  const holds = new Map<string, Hold>();
  let refused: { readonly reason: string; readonly until: number; readonly error: DistributionError } | undefined;

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
    failed(address, failure) {
      const now = runtime.clock.monotonicMs();
      const name = nameOf(address);
      const reason = refusalOf(failure);
      if (reason !== undefined) {
        const error = unavailable(`Kafka at ${name}: ${reason}.`, failure);
        if (refused?.reason !== reason) logger?.error({ broker: name }, error.message);
        refused = { reason, until: now + refusedRetryMs * (1 + runtime.random.next()), error };
        return error;
      }
      const failures = (holds.get(name)?.failures ?? 0) + 1;
      const error = unavailable(`Kafka at ${name} cannot be reached: ${reasonOf(failure)}.`, failure);
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
