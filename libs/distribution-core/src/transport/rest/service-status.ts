/** What a service says of itself on /status and /readyz. */
import type { JsonSchema } from "../documents/operation-document.ts";
import { arrayOf, objectOf, schemaRef } from "../documents/schemas.ts";

export type ServiceState = "starting" | "ready" | "degraded" | "draining" | "stopped";

export interface ServiceStatus {
  readonly state: ServiceState;
  /** Why it is not simply ready, for people; empty otherwise. */
  readonly reasons: readonly string[];
  /** When the process began to serve, Unix nanoseconds. */
  readonly startedAt: bigint;
  readonly broker: { readonly name: string; readonly ready: boolean; readonly reasons: readonly string[] };
  /** Open sessions by wire. */
  readonly sessions: Readonly<Record<string, number>>;
  readonly subscriptions: number;
  readonly interestClasses: number;
}

const reasons: JsonSchema = arrayOf({ type: "string" }, "Why it is not simply ready; empty otherwise.");
const count: JsonSchema = { type: "integer", minimum: 0 };

const replica: Readonly<Record<string, JsonSchema>> = {
  state: { type: "string", enum: ["starting", "ready", "degraded", "draining", "stopped"] },
  reasons,
  startedAt: { type: "string", format: "date-time" },
  broker: objectOf({ name: { type: "string" }, ready: { type: "boolean" }, reasons }),
  sessions: { type: "object", additionalProperties: count, description: "Open sessions by wire." },
  subscriptions: count,
  interestClasses: { ...count, description: "Groups of equal interests: one match, one encoding, one buffer each." },
};

/** A ServiceStatus in JSON. */
export const REPLICA_SCHEMA: JsonSchema = objectOf(replica);

/** Of the answer to GET /status. */
export const STATUS_SCHEMA: JsonSchema = objectOf(
  {
    service: objectOf({ name: { type: "string" }, version: { type: "string" }, description: { type: "string" } }),
    ...replica,
    now: { type: "string", format: "date-time" },
    delivered: { ...schemaRef("Rate"), description: "Handed to all wires together. Absent until it was measured." },
    topics: arrayOf(
      objectOf({ name: { type: "string" }, latest: { type: "boolean" }, rate: schemaRef("Rate") }, ["rate"]),
    ),
  },
  ["delivered"],
);
