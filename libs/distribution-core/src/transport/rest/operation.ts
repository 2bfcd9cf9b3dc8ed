/** An endpoint: what its document says, and what it does once a request has passed that document's checks. */
import type { Request, Response } from "express";
import type { Action } from "../../security/contract.ts";
import type { OperationDocument } from "../documents/operation-document.ts";
import type { RequestContext } from "./context.ts";
import type { Parameters, ParameterValues } from "./parameters.ts";

export interface OperationCall<P extends Parameters = Parameters> {
  readonly request: Request;
  readonly response: Response;
  readonly context: RequestContext;
  readonly values: ParameterValues<P>;
}

export interface Operation<P extends Parameters = Parameters> extends OperationDocument {
  readonly parameters: P;
  /** What the caller must be allowed to do; asked of the guard before `handle`. Absent: to be identified is enough. */
  action?(values: ParameterValues<P>): Action;
  /** Answers the request, or throws a DistributionError before it has begun to. */
  handle(call: OperationCall<P>): void | Promise<void>;
}

/** Ties the handler's values to the parameters' types. */
export function defineOperation<const P extends Parameters>(operation: Operation<P>): Operation {
  return operation;
}
