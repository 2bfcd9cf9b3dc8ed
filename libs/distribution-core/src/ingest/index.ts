/** Ingest: the way in, from a publisher's batch to durable events. */
export { type IngestBounds, ingestBoundsOf, ingestBoundsSchema } from "./bounds.ts";
export type { Ingest, IngestService, PublishResult, Restored, SequenceStep } from "./contract.ts";
export { createIngest, type IngestOptions } from "./ingest.ts";
export type { JudgedEvent, RuleModel, TransitionRule } from "./rule.ts";
