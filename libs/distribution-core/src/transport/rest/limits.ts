/** The bounds of the REST face, each with its unit and what happens there. */

export interface RestLimits {
  /** Longest request body, bytes. More: 413 `batch_too_large`. */
  readonly bodyBytes: number;
  /** Bytes of all request bodies that are in memory at a time. More: 503 `overloaded`. */
  readonly bodyBytesInFlight: number;
  /** Of these, the share of one client address. More: 429 `limit_exceeded`. */
  readonly bodyBytesPerAddress: number;
  /** The slowest that a body may come, bytes a second, over any `bodyGraceMs`, milliseconds. Slower: 408 `silent`, and the connection ends. */
  readonly bodyBytesPerSecond: number;
  readonly bodyGraceMs: number;
  /** Most events of one publish request. More: 413 `batch_too_large`. */
  readonly batchEvents: number;
  /** Longest stored event, bytes. More: 413 `event_too_large`. */
  readonly eventBytes: number;
  /** Longest target (path and query), bytes. More: 400 `invalid_request`. */
  readonly urlBytes: number;
  /** Request line and headers together, bytes. More: 400 `invalid_request`, and the connection ends. */
  readonly headerBytes: number;
  /** Most events of one page of history. More: 400 `invalid_request`. */
  readonly pageEvents: number;
  /** Events of a page when the request does not say. */
  readonly pageEventsDefault: number;
  /** A page ends early once its stored events reach this, bytes. */
  readonly pageBytes: number;
  /** Most keys of one query. More: 400 `invalid_request`. */
  readonly keys: number;
  /** History requests that are being answered at a time. More: 503 `overloaded`. */
  readonly histories: number;
  /** A client that takes nothing of its answer for this long is cut off, milliseconds. */
  readonly stallMs: number;
}

export const DEFAULT_REST_LIMITS: RestLimits = {
  bodyBytes: 4 * 1024 * 1024,
  bodyBytesInFlight: 64 * 1024 * 1024,
  bodyBytesPerAddress: 16 * 1024 * 1024,
  bodyBytesPerSecond: 8 * 1024,
  bodyGraceMs: 5_000,
  batchEvents: 10_000,
  eventBytes: 1024 * 1024,
  urlBytes: 8192,
  headerBytes: 16_384,
  pageEvents: 1000,
  pageEventsDefault: 100,
  pageBytes: 4 * 1024 * 1024,
  keys: 1000,
  histories: 64,
  stallMs: 30_000,
};
