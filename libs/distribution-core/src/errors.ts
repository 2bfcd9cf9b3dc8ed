/** The closed list of what can go wrong, and what each means on every wire. docs/errors.md and a test hold to this list. */

/** gRPC status numbers that the list uses (google.rpc.Code). */
type GrpcStatus = 3 | 5 | 6 | 7 | 8 | 9 | 11 | 12 | 13 | 14 | 15 | 16;

export interface ErrorCodeDefinition {
  /** HTTP status of a request that fails with it. */
  readonly http: number;
  readonly grpc: GrpcStatus;
  /** WebSocket close code where it ends the session; 3000-3499 reconnect and resume, 3500-3999 do not come back the same way. */
  readonly close?: number;
  /** Whether the same request can succeed later without being changed. */
  readonly retry: boolean;
  readonly meaning: string;
}

export const ERROR_CODES = {
  bad_frame: { http: 400, grpc: 3, close: 3501, retry: false, meaning: "The bytes are no frame of this protocol." },
  invalid_request: { http: 400, grpc: 3, retry: false, meaning: "A field or parameter has a value it may not have." },
  invalid_event: { http: 400, grpc: 3, retry: false, meaning: "An event's envelope or payload breaks its schema." },
  invalid_filter: {
    http: 400,
    grpc: 3,
    retry: false,
    meaning: "The filter does not parse or does not fit the schema.",
  },
  filter_too_costly: { http: 400, grpc: 3, retry: false, meaning: "The filter exceeds the bound on its cost." },
  invalid_token: {
    http: 400,
    grpc: 3,
    retry: false,
    meaning: "The resume token is damaged, forged, or of another service or an earlier data folder.",
  },
  unauthenticated: { http: 401, grpc: 16, close: 3500, retry: false, meaning: "Who is asking is not known." },
  forbidden: { http: 403, grpc: 7, close: 3503, retry: false, meaning: "Who is asking may not do this." },
  unknown_topic: {
    http: 404,
    grpc: 5,
    retry: false,
    meaning: "No topic of that name, or none that the pattern covers.",
  },
  unknown_subscription: { http: 404, grpc: 5, retry: false, meaning: "The session has no such subscription." },
  not_found: { http: 404, grpc: 5, retry: false, meaning: "Nothing is at this address." },
  method_not_allowed: { http: 405, grpc: 12, retry: false, meaning: "The address does not know this method." },
  not_acceptable: { http: 406, grpc: 3, retry: false, meaning: "None of the accepted media types can be given." },
  event_conflict: {
    http: 409,
    grpc: 6,
    retry: false,
    meaning:
      "The same source and id came before with another body, or another event has an id that the payload states.",
  },
  illegal_transition: {
    http: 409,
    grpc: 9,
    retry: false,
    meaning: "The event cannot follow what the log holds of its key.",
  },
  name_taken: { http: 409, grpc: 6, retry: false, meaning: "The name is in use by another live subscription." },
  position_gone: { http: 410, grpc: 11, retry: false, meaning: "The log no longer has this position." },
  event_too_large: { http: 413, grpc: 8, retry: false, meaning: "One event is over the size limit." },
  batch_too_large: { http: 413, grpc: 8, retry: false, meaning: "The batch is over the limit in bytes or events." },
  unsupported_media_type: { http: 415, grpc: 3, retry: false, meaning: "The body's media type is not understood." },
  limit_exceeded: {
    http: 429,
    grpc: 8,
    close: 3505,
    retry: true,
    meaning: "More than this client may have or do at a time.",
  },
  internal: { http: 500, grpc: 13, retry: true, meaning: "A defect of the service; the log has the details." },
  record_damaged: { http: 500, grpc: 15, retry: false, meaning: "A stored record fails its checksum and is refused." },
  not_supported: { http: 501, grpc: 12, retry: false, meaning: "This service or its broker cannot do it." },
  overloaded: { http: 503, grpc: 14, retry: true, meaning: "The service takes no more work right now." },
  unavailable: {
    http: 503,
    grpc: 14,
    retry: true,
    meaning: "The service is starting, its broker is away, or a read model does not follow the log.",
  },
  draining: { http: 503, grpc: 14, close: 3001, retry: true, meaning: "The service is going down; connect again." },
  too_many_connections: { http: 503, grpc: 14, close: 3504, retry: true, meaning: "No more connections are taken." },
  too_slow: {
    http: 503,
    grpc: 14,
    close: 3008,
    retry: true,
    meaning: "The client read too slowly; resume from the token.",
  },
  state_lost: {
    http: 503,
    grpc: 14,
    close: 3010,
    retry: true,
    meaning: "The service lost this session; resume from the token.",
  },
  silent: {
    http: 408,
    grpc: 14,
    close: 3012,
    retry: true,
    meaning: "Nothing was heard for two heartbeat intervals, or a request's body came too slowly.",
  },
  storage_full: { http: 507, grpc: 8, retry: true, meaning: "The log cannot grow: the disk or its quota is full." },
} as const satisfies Record<string, ErrorCodeDefinition>;

export type ErrorCode = keyof typeof ERROR_CODES;

export interface FieldError {
  /** Where, for example `subscribe.filter` or `events[3].data.price`. */
  readonly path: string;
  /** What is wrong, the limit where there is one, and what to do. */
  readonly message: string;
}

export interface ErrorDetails {
  readonly errors?: readonly FieldError[];
  readonly retryAfterMs?: number;
  readonly cause?: unknown;
}

/** The only error that crosses a stage. Its message is written for the one who made the request. */
export class DistributionError extends Error {
  override readonly name = "DistributionError";
  readonly code: ErrorCode;
  readonly errors: readonly FieldError[];
  readonly retryAfterMs: number | undefined;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.errors = details.errors ?? [];
    this.retryAfterMs = details.retryAfterMs;
  }

  get definition(): ErrorCodeDefinition {
    return ERROR_CODES[this.code];
  }
}

/** One bad field: the usual case. */
export function fieldError(code: ErrorCode, path: string, message: string): DistributionError {
  return new DistributionError(code, `${path}: ${message}`, { errors: [{ path, message }] });
}

/** Runs what names its fields by itself; its errors then name them below `path`, where the client wrote them. */
export function atPath<T>(path: string, run: () => T): T {
  try {
    return run();
  } catch (failure) {
    if (!(failure instanceof DistributionError)) throw failure;
    const message = failure.errors[0]?.message ?? failure.message;
    throw new DistributionError(failure.code, `${path}: ${message}`, { errors: [{ path, message }], cause: failure });
  }
}

/** What an unknown failure becomes at the edge: itself, or `internal` with the failure as its cause. */
export function toDistributionError(failure: unknown): DistributionError {
  return failure instanceof DistributionError
    ? failure
    : new DistributionError("internal", "The service failed on this request.", { cause: failure });
}
