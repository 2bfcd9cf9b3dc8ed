/** The upstream of demos and tests: events that are made up, one an interval, of one instrument after the other. */
import { divideDecimals } from "@distribution/core/events";
import type { Logger } from "@distribution/core/observability";
import type { Runtime } from "@distribution/core/runtime";
import { Event } from "@distribution/proto-types/distribution/v1/event";
import { NewDomainEvent } from "@distribution/proto-types/new_domain/v1/new_domain";
import { EVENT_TYPES, TOPICS } from "./domain/topics.ts";

export const INSTRUMENTS = ["coinbase:BTC-USD", "coinbase:ETH-USD", "bitmex:XBTUSD"] as const;

const MAX_CENTS = 200_000_000;

export interface SimulatorOptions {
  readonly publish: (topic: string, event: Event) => Promise<unknown>;
  readonly runtime: Runtime;
  readonly logger: Logger;
  readonly intervalMs: number;
}

export interface Simulator {
  /** Resolves when nothing is under way any more. */
  stop(): Promise<void>;
}

/** An interval in which the event before is still under way has none: the service sets the pace. */
export function startSimulator({ publish, runtime, logger, intervalMs }: SimulatorOptions): Simulator {
  const { clock, random, timers } = runtime;
  // In the ids, which have to be others in every run.
  const run = Buffer.from(random.bytes(8)).toString("hex");
  let count = 0;
  let underWay: Promise<void> | undefined;

  const publishNext = async (): Promise<void> => {
    const instrument = INSTRUMENTS[count % INSTRUMENTS.length]!;
    count += 1;
    const amount = divideDecimals(String(Math.floor(random.next() * MAX_CENTS)), "100", 2);
    const eventTime = clock.wallNs();
    const data = NewDomainEvent.encode({ instrument, eventTime, payload: { $case: "someEvent", value: { amount } } });
    const event = Event.create({
      ...{ id: `${run}-${count}`, source: "/simulator", type: EVENT_TYPES.someEvent, key: instrument, time: eventTime },
      ...{ contentType: "application/protobuf", data: Buffer.from(data.finish()) },
    });
    try {
      await publish(TOPICS.events, event);
    } catch (failure) {
      logger.warn({ err: failure, instrument }, "An event that was made up was refused.");
    }
    underWay = undefined;
  };
  const timer = timers.every(intervalMs, () => {
    underWay ??= publishNext();
  });
  return {
    async stop() {
      timer.cancel();
      await underWay;
    },
  };
}
