/** A real service for tests of it: in the test's process or as one of its own, in a folder of its own, and words to wait for it. */
export { emptyFolder, removeFolder, testFolder } from "./folder.ts";
export type { Exit, ServiceProcess } from "./process.ts";
export {
  get,
  getAfter,
  type Problem,
  type Published,
  publishEvents,
  publishJson,
  publishJsonBatch,
  type ReadAnswer,
  Refused,
  refusal,
  request,
} from "./rest.ts";
export {
  type Ports,
  type RunningService,
  type ServiceRunner,
  type ServiceRunnerOptions,
  type Settings,
  serviceRunner,
} from "./runner.ts";
export { until, within } from "./until.ts";
