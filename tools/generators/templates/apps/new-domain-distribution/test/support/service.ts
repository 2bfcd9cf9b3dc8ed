/** The real service, on free ports, and its REST face as a client uses it. */
import { join } from "node:path";
import type { DistributionService } from "@distribution/core";
import type { Position } from "@distribution/core/brokers";
import { serviceRunner } from "@distribution/testkit/service";
import { startNewDomain } from "../../src/compose.ts";
import { readConfig } from "../../src/config.ts";
import type { InstrumentView } from "../../src/domain/endpoints.ts";
import { EVENT_TYPES, TOPICS } from "../../src/domain/topics.ts";

export const { startService } = serviceRunner({
  name: "new-domain",
  start: (environment) => startNewDomain(readConfig(environment)),
  main: join(import.meta.dirname, "../../src/main.ts"),
});

export const urlOf = ({ ports }: Pick<DistributionService, "ports">): string => `http://127.0.0.1:${ports.public}`;

export interface ReadAnswer {
  readonly positions: readonly Position[];
}
export type InstrumentAnswer = ReadAnswer & { readonly instrument: InstrumentView };
export type InstrumentsAnswer = ReadAnswer & {
  readonly instruments: readonly InstrumentView[];
  readonly next?: string;
};

/** Answers the body of a problem, too: it has a `code`. */
export async function get<T>(service: Pick<DistributionService, "ports">, path: string): Promise<T> {
  const response = await fetch(`${urlOf(service)}/api/v1${path}`);
  return (await response.json()) as T;
}

let lastId = 0;

/** As a CloudEvent in JSON, with an id of its own; the key is the instrument unless `change` says otherwise. */
export function eventOf(instrument: string, amount: string, eventTime: string, change: object = {}): object {
  lastId += 1;
  return {
    ...{
      specversion: "1.0",
      id: `e-${lastId}`,
      source: "/test",
      type: EVENT_TYPES.someEvent,
      partitionkey: instrument,
    },
    data: { instrument, eventTime, someEvent: { amount } },
    ...change,
  };
}

/** All or none of them. Answers the body of a problem, too. */
export async function publish<T = ReadAnswer>(
  service: Pick<DistributionService, "ports">,
  events: readonly object[],
  topic: string = TOPICS.events,
): Promise<T> {
  const response = await fetch(`${urlOf(service)}/api/v1/topics/${topic}/events`, {
    method: "POST",
    headers: { "content-type": "application/cloudevents-batch+json" },
    body: JSON.stringify(events),
  });
  return (await response.json()) as T;
}
