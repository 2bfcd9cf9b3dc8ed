/** The HTTP faces of a service: public and admin, and what a domain needs to add its own endpoints to them. */
export {
  ADMIN_PREFIX,
  type AdminAppOptions,
  createAdminApp,
  type RouteStats,
  type ServiceHealth,
} from "./admin-app.ts";
export { contextOf, type RequestContext } from "./context.ts";
export type { ExplainRoute } from "./explain-route.ts";
export { createHttpServer } from "./http-server.ts";
export { instant } from "./instant.ts";
export { DEFAULT_REST_LIMITS, type RestLimits } from "./limits.ts";
export { defineOperation, type Operation, type OperationCall } from "./operation.ts";
export { createOperationRouter } from "./operation-router.ts";
export {
  defaultedQuery,
  integer,
  oneOf,
  optionalHeader,
  optionalQuery,
  type Parameter,
  type ParameterKind,
  type Parameters,
  pathParameter,
  requiredQuery,
  text,
  textList,
} from "./parameters.ts";
export { PROBLEM_TYPE, type Problem, problemOf } from "./problem.ts";
export { API_PREFIX, createPublicApp, type PublicAppOptions } from "./public-app.ts";
export { createRates, type Rate, type Rates } from "./rates.ts";
export { defineRead, pageAnswers, pageParameters, type ReadOperation } from "./read-operation.ts";
export type { ServiceState, ServiceStatus } from "./service-status.ts";
