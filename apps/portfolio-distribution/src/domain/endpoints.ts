/** `GET /portfolio...`: the read models over HTTP, as operations of the core's REST face, which also documents them. */
import { type OpenApiFragment, openApiFragment } from "@distribution/core/transport/documents";
import { API_PREFIX, createOperationRouter, type Operation } from "@distribution/core/transport/rest";
import type { Router } from "express";
import { holdingOperations } from "./endpoints/holdings.ts";
import { measureOperations } from "./endpoints/measures.ts";
import { riskOperations } from "./endpoints/risk.ts";
import { PORTFOLIO_SCHEMAS } from "./endpoints/schemas.ts";
import { stateOperations } from "./endpoints/states.ts";
import type { ReadModels } from "./read-models.ts";

/** To be mounted under `/api/v1`, behind the core's identification: each endpoint asks the right to read its topic. */
export function createPortfolioRouter(models: ReadModels): Router {
  return createOperationRouter(operationsOf(models));
}

/** The endpoints' part of openapi.json. */
export function portfolioOpenApi(models: ReadModels): OpenApiFragment {
  return openApiFragment(API_PREFIX, operationsOf(models), {
    tags: [
      { name: "portfolios", description: "What portfolios are worth, now and before." },
      { name: "positions", description: "What portfolios hold." },
      { name: "performance", description: "Returns, and what brought them." },
      { name: "risk", description: "Breaches of limits." },
      { name: "rebalancing", description: "Rebalances and how they ended." },
    ],
    schemas: PORTFOLIO_SCHEMAS,
  });
}

function operationsOf(models: ReadModels): readonly Operation[] {
  return [
    ...stateOperations(models),
    ...measureOperations(models),
    ...holdingOperations(models),
    ...riskOperations(models),
  ];
}
