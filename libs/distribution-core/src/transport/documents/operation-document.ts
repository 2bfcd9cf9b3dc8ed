/** What an endpoint says of itself: the data from which requests are checked and OpenAPI is written. */
import type { ErrorCode } from "../../errors.ts";

/** A JSON Schema (2020-12, as OpenAPI 3.1 and AsyncAPI 3 take it). */
export interface JsonSchema {
  readonly [keyword: string]: unknown;
}

export type HttpMethod = "get" | "post" | "put" | "patch" | "delete";

export interface ParameterDocument {
  readonly in: "path" | "query" | "header";
  readonly description: string;
  readonly required: boolean;
  readonly schema: JsonSchema;
  readonly example?: string | number;
}

export interface ContentDocument {
  readonly schema: JsonSchema;
  readonly example?: unknown;
}

export interface BodyDocument {
  readonly description: string;
  readonly required: boolean;
  /** By media type. */
  readonly content: Readonly<Record<string, ContentDocument>>;
}

export interface ResponseDocument {
  readonly description: string;
  /** By media type. Absent: no body. */
  readonly content?: Readonly<Record<string, ContentDocument>>;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface OperationDocument {
  /** Unique in the document: `listTopics`. */
  readonly id: string;
  readonly method: HttpMethod;
  /** Below the router's mount, parameters in braces: `/topics/{topic}`. */
  readonly path: string;
  /** The group it is shown in. */
  readonly tag: string;
  readonly summary: string;
  readonly description?: string;
  /** By name. A query parameter that is not here is refused. */
  readonly parameters: Readonly<Record<string, ParameterDocument>>;
  readonly body?: BodyDocument;
  /** By status, successes only; what can fail is in `errors`. */
  readonly responses: Readonly<Record<number, ResponseDocument>>;
  /** Beyond those that every request can meet. */
  readonly errors: readonly ErrorCode[];
}

/** Part of an OpenAPI document: a domain's endpoints and the schemas they use. */
export interface OpenApiFragment {
  readonly tags?: readonly { readonly name: string; readonly description: string }[];
  /** By full path: `/api/v1/portfolio/{portfolio_id}/state`. */
  readonly paths: Readonly<Record<string, object>>;
  readonly schemas?: Readonly<Record<string, JsonSchema>>;
}

export interface ServiceDescription {
  /** As in addresses and metrics: `market-data-distribution`. */
  readonly name: string;
  readonly version: string;
  /** One or two sentences for people. */
  readonly description: string;
}
