/** Projections: read models as folds of the log. `contract.ts` has their laws. */
export { mapAnswer, mapPage, mergeAnswers } from "./answer.ts";
export { messageCodec, plainData } from "./codec.ts";
export type {
  Answer,
  Codec,
  Entry,
  Index,
  ListRequest,
  Page,
  PayloadType,
  ProjectedEvent,
  Projection,
  ProjectionOptions,
  ProjectionStats,
  SortKey,
  Source,
  SourceRules,
} from "./contract.ts";
export { feedProjections } from "./feed.ts";
export { type CheckpointFiles, createCheckpointFiles } from "./files.ts";
export { PAGE_LIMIT, PAGE_SCAN } from "./indexes.ts";
export { createProjection, defineIndex, from, lastChange } from "./projection.ts";
export {
  createProjections,
  type ProjectionSettings,
  type Projections,
  type ProjectionsOptions,
} from "./projections.ts";
