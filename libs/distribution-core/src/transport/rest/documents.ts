/** GET /openapi.json, /asyncapi.json and /docs: made once, sent with an entity tag. */
import { createHash } from "node:crypto";
import type { Response } from "express";
import type { TopicDefinition } from "../../topics.ts";
import { asyncApiDocument } from "../documents/asyncapi.ts";
import { docsPage } from "../documents/docs-page.ts";
import { openApiDocument, openApiFragment } from "../documents/openapi.ts";
import type { OpenApiFragment, OperationDocument, ServiceDescription } from "../documents/operation-document.ts";
import { CORE_TAGS } from "../documents/tags.ts";
import { PAGE_POLICY } from "../page/policy.ts";
import { defineOperation, type Operation } from "./operation.ts";
import { STATUS_SCHEMA } from "./service-status.ts";

export interface DocumentOptions {
  readonly service: ServiceDescription;
  readonly topics: readonly TopicDefinition[];
  /** The core's other operations. */
  readonly operations: readonly OperationDocument[];
  readonly domain: OpenApiFragment | undefined;
  /** Where the operations are mounted. */
  readonly prefix: string;
}

export function documentOperations(options: DocumentOptions): readonly Operation[] {
  const { service, topics } = options;
  const json = { "application/json": { schema: { type: "object" } } };
  const operations: Operation[] = [];
  const fragment = (): OpenApiFragment =>
    openApiFragment(options.prefix, [...options.operations, ...operations], {
      tags: CORE_TAGS,
      schemas: { Status: STATUS_SCHEMA },
    });
  const openApi = once(() =>
    openApiDocument({ service, fragments: [fragment(), ...(options.domain ? [options.domain] : [])] }),
  );
  const add = (id: string, path: string, summary: string, type: string, make: () => string): void => {
    const file = once(() => prepare(type, make()));
    operations.push(
      defineOperation({
        id,
        method: "get",
        path,
        tag: "service",
        summary,
        parameters: {},
        responses: {
          200: {
            description: summary,
            content: type === "text/html" ? { [type]: { schema: { type: "string" } } } : json,
          },
          304: { description: "It is that of the ETag in If-None-Match." },
        },
        errors: [],
        handle: ({ request, response }) => send(file(), request.get("if-none-match"), response),
      }),
    );
  };
  add("readOpenApi", "/openapi.json", "This document", "application/json", () => JSON.stringify(openApi()));
  add("readAsyncApi", "/asyncapi.json", "The stream and the topics, as AsyncAPI 3", "application/json", () =>
    JSON.stringify(asyncApiDocument({ service, topics })),
  );
  add("readDocs", "/docs", "All of it for people", "text/html", () =>
    docsPage({ service, topics, openApi: openApi() }),
  );
  // Made now: a path or a schema that is described twice must stop the service at its start, not at the first reader.
  openApi();
  return operations;
}

interface Prepared {
  readonly type: string;
  readonly body: Buffer;
  readonly tag: string;
}

function prepare(type: string, text: string): Prepared {
  const body = Buffer.from(text);
  return { type, body, tag: `"${createHash("sha256").update(body).digest("base64url").slice(0, 22)}"` };
}

function send({ type, body, tag }: Prepared, known: string | undefined, response: Response): void {
  response.setHeader("ETag", tag);
  response.setHeader("Cache-Control", "private, no-cache");
  if (type === "text/html") response.setHeader("Content-Security-Policy", PAGE_POLICY);
  if (known === tag) response.status(304).end();
  else response.type(type).send(body);
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
