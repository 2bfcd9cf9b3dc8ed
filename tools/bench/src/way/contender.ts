/** What the bench of the way compares, and the messages between its processes. */
import type { PayloadForm } from "../service/trades.ts";

export interface Contender {
  /** `raw`: lmdb alone stores the batches. */
  readonly kind: "raw" | "service";
  readonly form: PayloadForm;
  readonly filters: number;
  /** Filters that an event meets, the mean. */
  readonly wanted: number;
  readonly partitions: number;
}

export interface WayRun {
  /** Of CPU time, milliseconds. */
  readonly ms: number;
}

export interface WayResult {
  readonly events: number;
  readonly cpuSeconds: number;
  readonly seconds: number;
  /** Events handed to sessions. */
  readonly delivered: number;
  readonly eventBytes: number;
}
