/** Transforms: small pure steps that make events of one shape into events of another. */
export type { Draft, JsonObject, JsonValue, Pipeline, Step } from "./contract.ts";
export { createPipeline, type PipelineOptions } from "./pipeline.ts";
export { convert, enrich, mask, omit, project, rename, setKey, step } from "./verbs.ts";
