/** A real service for tests of it: in the test's process or as one of its own, in a folder of its own, and words to wait for it. */
export { type DocumentedService, describeDocuments } from "./documents.ts";
export { emptyFolder, forgetReadModels, removeFolder, testFolder } from "./folder.ts";
export { collectGarbage, garbageCollector } from "./garbage.ts";
export type { Exit, ServiceProcess } from "./process.ts";
export {
  ask,
  askUntil,
  get,
  getAfter,
  hasEvents,
  logOf,
  metric,
  type PlacedCloudEvent,
  type Problem,
  type Published,
  publishBody,
  publishEvents,
  publishJson,
  publishJsonBatch,
  type ReadAnswer,
  Refused,
  type Reply,
  readPages,
  refusal,
  request,
} from "./rest.ts";
export { type ServedRouter, serveRouter } from "./router.ts";
export {
  type Ports,
  type RunningService,
  type ServiceRunner,
  type ServiceRunnerOptions,
  type Settings,
  serviceRunner,
} from "./runner.ts";
export { until, within } from "./until.ts";
export { refuseBadData, type Upstream, type UpstreamOptions } from "./upstream.ts";
