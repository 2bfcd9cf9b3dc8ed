/** Whether a service lives and is ready, and why not. */
import type { Broker } from "../brokers/contract.ts";
import type { Runtime } from "../runtime/index.ts";
import type { ServiceHealth, ServiceState } from "./rest/index.ts";

export interface Health {
  readonly state: ServiceState;
  /** When the process began, Unix nanoseconds. */
  readonly startedAt: bigint;
  read(): ServiceHealth;
  reasons(): readonly string[];
  become(state: "starting" | "ready" | "draining" | "stopped"): void;
  /** Asked at each reading: what is wrong with a part; degraded while it answers anything. */
  watch(part: () => readonly string[]): void;
}

export function createHealth({ broker, runtime }: { broker: Broker; runtime: Runtime }): Health {
  const parts: (() => readonly string[])[] = [() => broker.health().reasons];
  const startedAt = runtime.clock.wallNs();
  let phase: "starting" | "ready" | "draining" | "stopped" = "starting";
  const faults = (): readonly string[] => parts.flatMap((part) => part());
  const reasons = (): readonly string[] => {
    if (phase === "starting") return ["The service is starting.", ...faults()];
    return phase === "ready" ? faults() : ["The service is going down."];
  };

  return {
    startedAt,
    get state() {
      return phase === "ready" && faults().length > 0 ? "degraded" : phase;
    },
    reasons,
    // Degraded is still ready as long as the broker is: what works is served, what does not is said.
    read: () => ({ live: true, ready: phase === "ready" && broker.health().ready, reasons: reasons() }),
    become(state) {
      phase = state;
    },
    watch: (part) => void parts.push(part),
  };
}
