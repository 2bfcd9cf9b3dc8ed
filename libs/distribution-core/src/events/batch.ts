/**
 * A packed batch: the bytes of `EventBatch { repeated Event events = 1 }` and where each event's message lies in them.
 * The same bytes are stored, tailed and sent; only what a filter or a route names is ever decoded.
 */
export interface PackedBatch {
  /** Tag, length, message; tag, length, message ... Owned by the batch: nobody writes to it after it was made. */
  readonly bytes: Uint8Array;
  /** Number of events. */
  readonly count: number;
  /** Event i's message is `bytes.subarray(bounds[2 * i], bounds[2 * i + 1])`, without tag and length. */
  readonly bounds: Uint32Array;
}
