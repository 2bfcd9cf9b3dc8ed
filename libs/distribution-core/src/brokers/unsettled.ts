/** A rejected append that is not over: what a broker without transactions says instead of "nothing happened". */
import { DistributionError } from "../errors.ts";
import type { Appended } from "./contract.ts";

/** What of one write is in the log. */
export interface Stored extends Appended {
  /** Whether event i of the write is in the log; if not, it has no offset and never comes there. */
  has(index: number): boolean;
}

/** Its code, message and time to wait are those of `reason`. */
export class AppendUnsettled extends DistributionError {
  /**
   * One a write, in the order of `writes`; undefined: nothing of the write is in the log, nor will be. Resolves once that is
   * certain of all of them, however long the broker is away; never when it is closed before. Never rejects.
   */
  readonly settled: Promise<readonly (Stored | undefined)[]>;

  constructor(reason: DistributionError, settled: Promise<readonly (Stored | undefined)[]>) {
    const { code, message, errors, retryAfterMs } = reason;
    super(code, message, { errors, cause: reason, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) });
    this.settled = settled;
  }
}
