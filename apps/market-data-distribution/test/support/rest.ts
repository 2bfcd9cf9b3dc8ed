/** The REST face as a client uses it, and what its operators ask. */
import type { Ports } from "./service.ts";

export {
  getAfter,
  logOf,
  metric,
  type PlacedCloudEvent,
  type Published,
  publishBody,
  publishEvents,
  publishJson,
  publishJsonBatch,
  type ReadAnswer,
  Refused,
  refusal,
  request,
} from "@distribution/testkit/service";

export interface Health {
  readonly status: number;
  readonly ready: boolean;
  readonly reasons: readonly string[];
}

export async function readiness(ports: Ports): Promise<Health> {
  const response = await fetch(`http://127.0.0.1:${ports.admin}/readyz`);
  const { ready, reasons } = (await response.json()) as Omit<Health, "status">;
  return { status: response.status, ready, reasons };
}
