/** Operations as an Express router: checks every request against the operation's own document, then handles it. */
import { type NextFunction, type Request, type Response, Router } from "express";
import { DistributionError, type FieldError } from "../../errors.ts";
import type { HttpMethod } from "../documents/operation-document.ts";
import { contextOf } from "./context.ts";
import type { Operation } from "./operation.ts";
import type { Parameters } from "./parameters.ts";
import { badParameters, parseQuery } from "./query.ts";

/**
 * Serves the operations below wherever it is mounted (core and domains: `/api/v1`). Paths are exact: case and a trailing
 * slash count. A known path with another method gets 405 with Allow; OPTIONS gets 204 with Allow; HEAD goes to GET.
 */
export function createOperationRouter(operations: readonly Operation[]): Router {
  const router = Router({ caseSensitive: true, strict: true });
  for (const [path, methods] of byPath(operations)) {
    const route = router.route(path.replace(/\{(\w+)\}/g, ":$1"));
    for (const operation of methods) {
      route[operation.method]((request: Request, response: Response, next: NextFunction) => {
        Promise.resolve(run(operation, request, response)).catch(next);
      });
    }
    route.all(refuseMethod(methods.map(({ method }) => method)));
  }
  return router;
}

async function run(operation: Operation, request: Request, response: Response): Promise<void> {
  const context = contextOf(response);
  context.route = `${operation.method.toUpperCase()} ${request.baseUrl}${operation.path}`;
  const values = readParameters(operation.parameters, request);
  if (operation.action) context.authorize(operation.action(values));
  await operation.handle({ request, response, context, values });
}

function readParameters(parameters: Parameters, request: Request): Record<string, unknown> {
  const entries = Object.entries(parameters);
  const query = parseQuery(
    request.originalUrl,
    entries.filter(([, parameter]) => parameter.in === "query").map(([name]) => name),
  );
  const values: Record<string, unknown> = {};
  const errors: FieldError[] = [];
  for (const [name, parameter] of entries) {
    const text = {
      path: () => request.params[name],
      query: () => query.get(name),
      header: () => request.get(name),
    }[parameter.in]();
    try {
      values[name] = parameter.parse(typeof text === "string" ? text : undefined, `${parameter.in}.${name}`);
    } catch (failure) {
      if (!(failure instanceof DistributionError) || failure.code !== "invalid_request") throw failure;
      errors.push(...failure.errors);
    }
  }
  if (errors.length > 0) throw badParameters(errors);
  return values;
}

function refuseMethod(methods: readonly HttpMethod[]) {
  const names = methods.map((method) => method.toUpperCase());
  const allow = [...names, ...(names.includes("GET") ? ["HEAD"] : []), "OPTIONS"].join(", ");
  return (request: Request, response: Response): void => {
    response.setHeader("Allow", allow);
    if (request.method !== "OPTIONS") {
      throw new DistributionError("method_not_allowed", `${request.method} is not known here; use ${allow}.`);
    }
    response.status(204).end();
  };
}

function byPath(operations: readonly Operation[]): ReadonlyMap<string, readonly Operation[]> {
  const paths = new Map<string, Operation[]>();
  for (const operation of operations) {
    const list = paths.get(operation.path);
    if (list) list.push(operation);
    else paths.set(operation.path, [operation]);
  }
  return paths;
}
