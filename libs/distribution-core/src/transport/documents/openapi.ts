/** OpenAPI 3.1 from the operations' own documents. */
import { ERROR_CODES, type ErrorCode } from "../../errors.ts";
import type { ContentDocument, OpenApiFragment, OperationDocument, ServiceDescription } from "./operation-document.ts";
import { CORE_SCHEMAS, schemaRef } from "./schemas.ts";

/** What every request can meet, whatever it asks for. */
const COMMON_ERRORS: readonly ErrorCode[] = ["invalid_request", "unauthenticated", "forbidden", "internal"];

export interface OpenApiOptions {
  readonly service: ServiceDescription;
  readonly fragments: readonly OpenApiFragment[];
}

/** The whole document. Throws RangeError when two fragments have one path, schema or operation id: each has one home. */
export function openApiDocument({ service, fragments }: OpenApiOptions): object {
  const paths = merge(
    "path",
    fragments.map((fragment) => fragment.paths),
  );
  const schemas = merge("schema", [CORE_SCHEMAS, ...fragments.map((fragment) => fragment.schemas ?? {})]);
  refuseDoubleIds(paths);
  return {
    openapi: "3.1.1",
    jsonSchemaDialect: "https://json-schema.org/draft/2020-12/schema",
    info: { title: service.name, version: service.version, description: service.description },
    servers: [{ url: "/", description: "The public port." }],
    security: [{}, { bearer: [] }],
    tags: fragments.flatMap((fragment) => fragment.tags ?? []),
    paths,
    components: {
      schemas,
      securitySchemes: {
        bearer: { type: "http", scheme: "bearer", description: "From loopback a service may take anonymous clients." },
      },
    },
  };
}

/** The operations as a fragment; `prefix` is where their router is mounted. */
export function openApiFragment(
  prefix: string,
  operations: readonly OperationDocument[],
  parts: Pick<OpenApiFragment, "tags" | "schemas"> = {},
): OpenApiFragment {
  const paths: Record<string, Record<string, object>> = {};
  for (const operation of operations) {
    const path = prefix + operation.path;
    paths[path] = { ...paths[path], [operation.method]: operationObject(operation) };
  }
  return { ...parts, paths };
}

function operationObject(operation: OperationDocument): object {
  const { id, tag, summary, description, parameters, body, responses, errors } = operation;
  return {
    operationId: id,
    tags: [tag],
    summary,
    ...(description === undefined ? {} : { description }),
    parameters: Object.entries(parameters).map(([name, parameter]) => ({
      name,
      in: parameter.in,
      description: parameter.description,
      required: parameter.required,
      schema: parameter.schema,
      ...(parameter.example === undefined ? {} : { example: parameter.example }),
    })),
    ...(body === undefined
      ? {}
      : {
          requestBody: { description: body.description, required: body.required, content: contentObject(body.content) },
        }),
    responses: {
      ...Object.fromEntries(
        Object.entries(responses).map(([status, response]) => [
          status,
          {
            description: response.description,
            ...(response.headers ? { headers: headerObjects(response.headers) } : {}),
            ...(response.content ? { content: contentObject(response.content) } : {}),
          },
        ]),
      ),
      ...problemResponses([...new Set([...errors, ...COMMON_ERRORS])]),
    },
  };
}

function contentObject(content: Readonly<Record<string, ContentDocument>>): object {
  return Object.fromEntries(Object.entries(content).map(([type, value]) => [type, { ...value }]));
}

function headerObjects(headers: Readonly<Record<string, string>>): object {
  const entries = Object.entries(headers);
  return Object.fromEntries(entries.map(([name, description]) => [name, { description, schema: { type: "string" } }]));
}

/** One response a status, which lists the codes that have it. */
function problemResponses(codes: readonly ErrorCode[]): object {
  const byStatus = new Map<number, ErrorCode[]>();
  for (const code of codes) {
    const { http } = ERROR_CODES[code];
    byStatus.set(http, [...(byStatus.get(http) ?? []), code]);
  }
  return Object.fromEntries(
    [...byStatus].map(([status, list]) => [
      status,
      {
        description: list.map((code) => `\`${code}\`: ${ERROR_CODES[code].meaning}`).join("\n"),
        content: { "application/problem+json": { schema: schemaRef("Problem") } },
      },
    ]),
  );
}

function merge<T>(what: string, parts: readonly Readonly<Record<string, T>>[]): Record<string, T> {
  const whole: Record<string, T> = {};
  for (const [name, value] of parts.flatMap((part) => Object.entries(part))) {
    if (name in whole) throw new RangeError(`OpenAPI: the ${what} ${name} is described twice`);
    whole[name] = value;
  }
  return whole;
}

function refuseDoubleIds(paths: Readonly<Record<string, object>>): void {
  const seen = new Set<string>();
  for (const item of Object.values(paths)) {
    for (const { operationId } of Object.values(item) as { operationId?: string }[]) {
      if (operationId === undefined) continue;
      if (seen.has(operationId)) throw new RangeError(`OpenAPI: the operation id ${operationId} is used twice`);
      seen.add(operationId);
    }
  }
}
