/** The service's documents, made from the same data that it runs on. */

export { type AsyncApiOptions, asyncApiDocument } from "./asyncapi.ts";
export { type CatalogueEntry, type CatalogueField, eventCatalogue } from "./catalogue.ts";
export { cloudEventSchema } from "./cloud-event-schema.ts";
export { messageSchemas, type SchemaOverrides } from "./json-schema.ts";
export { type OpenApiOptions, openApiDocument, openApiFragment } from "./openapi.ts";
export type {
  BodyDocument,
  ContentDocument,
  HttpMethod,
  JsonSchema,
  OpenApiFragment,
  OperationDocument,
  ParameterDocument,
  ResponseDocument,
  ServiceDescription,
} from "./operation-document.ts";
export { errorsReference, metricsReference } from "./reference.ts";
export { arrayOf, jsonContent, objectOf, schemaRef } from "./schemas.ts";
export { CORE_TAGS } from "./tags.ts";
