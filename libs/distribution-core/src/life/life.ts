/** A service publishes its own life like any other event: through ingest, onto its own topic. */
import { packEvents } from "../events/index.ts";
import type { Ingest } from "../ingest/contract.ts";
import type { Logger } from "../observability/index.ts";
import type { Runtime, Timer } from "../runtime/index.ts";
import type { Identity } from "../security/contract.ts";
import { createLifeEvent, type LifeKind, type LifePayloads, lifeTopic } from "./life-events.ts";

export interface Life {
  /** Never throws and never waits: what cannot be published is logged, and counted in the next error event. */
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

  const add = <Kind extends LifeKind>(kind: Kind, payload: LifePayloads[Kind]): void => {
    last += 1;
    gathered.push(
      createLifeEvent({ service, kind, id: `${replica}-${last}`, replica, time: runtime.clock.wallNs(), payload }),
    );
  };

  const publish = async (): Promise<void> => {
    timer?.cancel();
    timer = undefined;
    if (dropped > 0)
      add("error", {
        code: "overloaded",
        part: "life",
        message: `${dropped} events of the service's own life were dropped.`,
      });
    dropped = 0;
    const events = gathered;
    gathered = [];
    if (events.length === 0) return;
    try {
      await ingest.publish(topic, packEvents(events), ownIdentity);
    } catch (failure) {
      dropped += events.length;
      logger.warn({ err: failure, events: events.length }, "Events of the service's own life were not published.");
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
