/** Failures as RFC 9457 problem details: the one place where an error becomes an HTTP answer. */
import type { ErrorRequestHandler, Response } from "express";
import { DistributionError, type FieldError, toDistributionError } from "../../errors.ts";
import type { Logger } from "../../observability/index.ts";
import { contextOf } from "./context.ts";

export const PROBLEM_TYPE = "application/problem+json";

export interface Problem {
  /** Where the code is explained. */
  readonly type: string;
  readonly title: string;
  readonly status: number;
  /** One of the closed list in docs/errors.md. */
  readonly code: string;
  readonly detail: string;
  readonly errors: readonly FieldError[];
  readonly requestId: string;
}

export function problemOf(error: DistributionError, requestId: string): Problem {
  return {
    type: `/api/v1/docs#error-${error.code}`,
    title: error.definition.meaning,
    status: error.definition.http,
    code: error.code,
    detail: error.message,
    errors: error.errors,
    requestId,
  };
}

/**
 * Last of all middleware. What is no DistributionError is a defect: the client gets `internal` and the request's id,
 * the log gets the failure under the same id.
 */
export function answerProblems(logger: Logger): ErrorRequestHandler {
  // Express knows an error handler by its four parameters.
  return (failure: unknown, request, response, _next) => {
    const context = contextOf(response);
    const error = recognise(failure);
    if (error.definition.http >= 500 && error.cause !== undefined) {
      logger.error(
        { requestId: context.id, traceId: context.traceId, method: request.method, code: error.code, err: error.cause },
        "A request failed.",
      );
    }
    if (response.headersSent) {
      // The status is out; tearing the connection is the one way left to say that the body is not whole.
      response.destroy();
      return;
    }
    sendProblem(response, error, context.id);
  };
}

function sendProblem(response: Response, error: DistributionError, requestId: string): void {
  const { http, retry } = error.definition;
  const seconds = retryAfterSeconds(error, http, retry);
  response.removeHeader("ETag");
  response.removeHeader("Content-Type");
  if (seconds !== undefined) response.setHeader("Retry-After", String(seconds));
  response.setHeader("Cache-Control", "no-store");
  response
    .status(http)
    .type(PROBLEM_TYPE)
    .send(Buffer.from(JSON.stringify(problemOf(error, requestId))));
}

/** Whole seconds, at least one. Without a stated time, only where HTTP expects the header: 429 and 503. */
function retryAfterSeconds(error: DistributionError, http: number, retry: boolean): number | undefined {
  if (error.retryAfterMs !== undefined) return Math.max(1, Math.ceil(error.retryAfterMs / 1000));
  return retry && (http === 429 || http === 503) ? 1 : undefined;
}

/** Express refuses a few requests itself, before any endpoint: its errors carry a client status. */
function recognise(failure: unknown): DistributionError {
  const status = failure instanceof Error && "status" in failure ? failure.status : undefined;
  if (failure instanceof DistributionError || typeof status !== "number" || status < 400 || status > 499) {
    return toDistributionError(failure);
  }
  return new DistributionError("invalid_request", "The request is malformed.", { cause: failure });
}
