/** Load on a broker, judged by the history checker. */
export { type HangingEngine, hangUnderLoad } from "./hang.ts";
export {
  type LoadOptions,
  observeAll,
  startLoad,
  startTails,
  startWork,
  type Tails,
  type Work,
} from "./load.ts";
export { rebalance } from "./rebalance.ts";
export { type Judged, underLoad } from "./under-load.ts";
export { type Load, type Shift, startWorkers } from "./workers.ts";
