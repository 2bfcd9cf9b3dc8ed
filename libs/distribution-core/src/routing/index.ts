/** Routing: rules as data, decisions by topic and type, explanations for operators. */
export type {
  FilterParser,
  RouteCondition,
  RouteDecision,
  RouteDefinition,
  RouteExplanation,
  Router,
  RouteSelector,
  RouteStats,
} from "./contract.ts";
export { createRouter, type RouterOptions } from "./router.ts";
