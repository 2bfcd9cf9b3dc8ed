/** The real service in this process, on free ports and in a folder of its own, and its REST face as a client uses it. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DistributionService } from "@distribution/core";
import type { Position } from "@distribution/core/brokers";
import { startNewDomain } from "../../src/compose.ts";
import { readConfig } from "../../src/config.ts";
import type { InstrumentView } from "../../src/domain/endpoints.ts";
import { EVENT_TYPES, TOPICS } from "../../src/domain/topics.ts";

export const emptyFolder = (): string => mkdtempSync(join(tmpdir(), "new-domain-"));
export const removeFolder = (folder: string): void => rmSync(folder, { recursive: true, force: true });

/** The settings are without their prefix. Disposing stops the service and leaves the folder. */
export async function startService(folder: string, settings: Readonly<Record<string, string>> = {}) {
  const standard = { PORT: "0", GRPC_PORT: "0", ADMIN_PORT: "0", LOG_LEVEL: "silent", DATA_DIR: folder };
  const all = Object.entries({ ...standard, ...settings });
  const service = await startNewDomain(
    readConfig(Object.fromEntries(all.map(([name, value]) => [`NEW_DOMAIN_${name}`, value]))),
  );
  return { ...service, [Symbol.asyncDispose]: () => service.stop() };
}

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
