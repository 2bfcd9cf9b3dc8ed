/** Events and payloads for tests: arbitraries that give what ingest accepts, and schemas to give them a shape. */
export { type EventArbitraryOptions, eventArbitrary, jsonTextArbitrary, textArbitrary } from "./arbitrary-event.ts";
export { decimalArbitrary, messageArbitrary } from "./arbitrary-message.ts";
export { everythingMessage, leafMessage, tradeMessage } from "./samples.ts";
export { defineSchema, type FieldSpec, type SchemaSpec } from "./schema.ts";
