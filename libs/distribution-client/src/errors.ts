/** The one error of this library, and the closed list of its codes. */
import type { Error as ErrorFrame } from "@distribution/proto-types/distribution/v1/frames";

interface ServiceError {
  /** Whether the same request can succeed later without being changed. */
  readonly retry: boolean;
  /** WebSocket close code of a session that ends with it. */
  readonly close?: number;
}

/** What a service answers with. A test holds this list equal to the service's own (docs/errors.md says what each means). */
export const SERVICE_ERRORS = {
  bad_frame: { retry: false, close: 3501 },
  invalid_request: { retry: false },
  invalid_event: { retry: false },
  invalid_filter: { retry: false },
  filter_too_costly: { retry: false },
  invalid_token: { retry: false },
  unauthenticated: { retry: false, close: 3500 },
  forbidden: { retry: false, close: 3503 },
  unknown_topic: { retry: false },
  unknown_subscription: { retry: false },
  not_found: { retry: false },
  method_not_allowed: { retry: false },
  not_acceptable: { retry: false },
  event_conflict: { retry: false },
  illegal_transition: { retry: false },
  name_taken: { retry: false },
  position_gone: { retry: false },
  event_too_large: { retry: false },
  batch_too_large: { retry: false },
  unsupported_media_type: { retry: false },
  limit_exceeded: { retry: true, close: 3505 },
  internal: { retry: true },
  record_damaged: { retry: false },
  not_supported: { retry: false },
  overloaded: { retry: true },
  unavailable: { retry: true },
  draining: { retry: true, close: 3001 },
  too_many_connections: { retry: true, close: 3504 },
  too_slow: { retry: true, close: 3008 },
  state_lost: { retry: true, close: 3010 },
  silent: { retry: true, close: 3012 },
  storage_full: { retry: true },
} as const satisfies Record<string, ServiceError>;

export type ServiceErrorCode = keyof typeof SERVICE_ERRORS;

/** What goes wrong on this side. */
export const LOCAL_ERRORS = {
  /** No session came about within `reconnect.giveUpAfterMs`. */
  unreachable: { retry: true },
  /** No answer came in time; whether the request was carried out is not known. */
  timeout: { retry: true },
  /** The client or the subscription was closed by its owner. */
  closed: { retry: false },
  /** The service ended the session with a close code that says not to come back and that has no error of its own. */
  refused: { retry: false },
  /** A payload, or a frame of the service, could not be decoded. */
  undecodable: { retry: false },
  /** The library was called in a way that it does not take. */
  misuse: { retry: false },
  /** The service gave a code that this version does not know; the message carries it. */
  unknown: { retry: false },
} as const satisfies Record<string, ServiceError>;

export type LocalErrorCode = keyof typeof LOCAL_ERRORS;

export type ErrorCode = ServiceErrorCode | LocalErrorCode;

export interface FieldError {
  /** Where, for example `subscribe.filter` or `events[3].data.price`. */
  readonly path: string;
  readonly message: string;
}

export interface ErrorDetails {
  readonly errors?: readonly FieldError[];
  readonly retryAfterMs?: number;
  /** WebSocket close code of the session, where that is what happened. */
  readonly closeCode?: number;
  readonly cause?: unknown;
}

/** Everything that this library throws or rejects with. Recognise it by `code`; the message is for people. */
export class DistributionClientError extends Error {
  override readonly name = "DistributionClientError";
  readonly code: ErrorCode;
  /** The fields that are wrong; empty where no field is. */
  readonly errors: readonly FieldError[];
  /** The service asks not to try again before this, ms. Undefined: it did not say. */
  readonly retryAfterMs: number | undefined;
  readonly closeCode: number | undefined;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.errors = details.errors ?? [];
    this.retryAfterMs = details.retryAfterMs;
    this.closeCode = details.closeCode;
  }

  /** Whether the same request can succeed later without being changed. */
  get retryable(): boolean {
    return { ...SERVICE_ERRORS, ...LOCAL_ERRORS }[this.code].retry;
  }
}

/** The error that an `error` frame tells of. */
export function errorOfFrame({ code, message, errors, retryAfterMs }: ErrorFrame): DistributionClientError {
  const details = { errors, ...(retryAfterMs > 0 && { retryAfterMs }) };
  if (isServiceErrorCode(code)) return new DistributionClientError(code, message, details);
  return new DistributionClientError("unknown", `${code}: ${message}`, details);
}

export const isServiceErrorCode = (code: string): code is ServiceErrorCode => Object.hasOwn(SERVICE_ERRORS, code);

export const closedError = (what: "client" | "subscription"): DistributionClientError =>
  new DistributionClientError("closed", `The ${what} was closed.`);

/** What an unknown failure becomes: itself, or the given code with the failure as its cause. */
export function toClientError(failure: unknown, code: ErrorCode, message: string): DistributionClientError {
  if (failure instanceof DistributionClientError) return failure;
  return new DistributionClientError(code, message, { cause: failure });
}
