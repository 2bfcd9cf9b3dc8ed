/** A service publishes its own life like any other event: through ingest, onto its own topic. */
import { toDistributionError } from "../errors.ts";
import { packEvents } from "../events/index.ts";
import type { Ingest } from "../ingest/contract.ts";
import type { Logger } from "../observability/index.ts";
import type { Runtime, Timer } from "../runtime/index.ts";
import type { Identity } from "../security/contract.ts";
import { createLifeEvent, type LifeKind, type LifePayloads, lifeTopic } from "./life-events.ts";

export interface Life {
  /** Never throws and never waits: what cannot be published is counted in the next error event. */
  tell<Kind extends LifeKind>(kind: Kind, payload: LifePayloads[Kind]): void;
  /** Publishes what is still to be told; what is told later is not. */
  close(): Promise<void>;
}

export interface LifeOptions {
  readonly service: string;
  readonly ingest: Ingest;
  /** The very object that ingest knows as the service's own. */
  readonly ownIdentity: Identity;
  readonly runtime: Runtime;
  readonly logger: Logger;
}

/** Events told within this time are published together. Milliseconds. */
const GATHER_MS = 100;
/** More within that time are dropped and counted: a storm of subscriptions must not become a storm of events. */
const MAX_GATHERED = 1_000;

export function createLife({ service, ingest, ownIdentity, runtime, logger }: LifeOptions): Life {
  const topic = lifeTopic(service).name;
  const replica = Buffer.from(runtime.random.bytes(6)).toString("base64url");
  let gathered: ReturnType<typeof createLifeEvent>[] = [];
  let dropped = 0;
  let last = 0;
  let timer: Timer | undefined;
  let closed = false;
  /** The last batch was refused. */
  let failing = false;

  const add = <Kind extends LifeKind>(kind: Kind, payload: LifePayloads[Kind]): void => {
    last += 1;
    gathered.push(
      createLifeEvent({ service, kind, id: `${replica}-${last}`, replica, time: runtime.clock.wallNs(), payload }),
    );
  };

  const publish = async (): Promise<void> => {
    timer?.cancel();
    timer = undefined;
    const lost = dropped;
    const told = gathered.length;
    if (lost > 0) {
      const message = `${lost} events of the service's own life were dropped.`;
      add("error", { code: "overloaded", part: "life", message });
    }
    dropped = 0;
    const events = gathered;
    gathered = [];
    if (events.length === 0) return;
    try {
      await ingest.publish(topic, packEvents(events), ownIdentity);
      if (failing) logger.info({ lost }, "Events of the service's own life are published again.");
      failing = false;
    } catch (failure) {
      dropped += lost + told;
      // Once: a broker that is away refuses every batch of them.
      const { code, message } = toDistributionError(failure);
      if (!failing)
        logger.warn({ code }, `Events of the service's own life are not published, but counted: ${message}`);
      failing = true;
    }
  };

  return {
    tell(kind, payload) {
      if (closed) return;
      if (gathered.length >= MAX_GATHERED) {
        dropped += 1;
        return;
      }
      add(kind, payload);
      timer ??= runtime.timers.after(GATHER_MS, () => void publish());
    },
    close() {
      closed = true;
      return publish();
    },
  };
}
