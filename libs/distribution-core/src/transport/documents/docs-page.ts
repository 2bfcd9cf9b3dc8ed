/** GET /docs: the OpenAPI document, the frames and the error codes as one page to read, without scripts. */
import { ERROR_CODES } from "../../errors.ts";
import type { TopicDefinition } from "../../topics.ts";
import { type CatalogueEntry, type CatalogueField, eventCatalogue } from "./catalogue.ts";
import { framesSection } from "./docs-types.ts";
import { type Html, html, prose, table } from "./html.ts";
import type { OperationDocument, ParameterDocument, ServiceDescription } from "./operation-document.ts";

export interface DocsPageOptions {
  readonly service: ServiceDescription;
  readonly topics: readonly TopicDefinition[];
  /** As `openApiDocument` made it. */
  readonly openApi: object;
}

/** What the page reads of the OpenAPI document. */
interface OpenApi {
  readonly paths: Readonly<Record<string, Readonly<Record<string, OpenApiOperation>>>>;
}

interface OpenApiOperation extends Pick<OperationDocument, "summary" | "description"> {
  readonly parameters?: readonly (ParameterDocument & { readonly name: string })[];
  readonly requestBody?: { readonly description?: string; readonly content: Readonly<Record<string, object>> };
  readonly responses: Readonly<Record<string, { readonly description: string; readonly content?: object }>>;
}

/** Styles are a file of their own (`/page/docs.css`), so the policy of the page needs no exception. */
export function docsPage({ service, topics, openApi }: DocsPageOptions): string {
  const { paths } = openApi as OpenApi;
  const operations = Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({ path, method, operation })),
  );
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${service.name}: documentation</title>
<link rel="icon" type="image/svg+xml" href="/page/icon.svg">
<link rel="stylesheet" href="/page/base.css">
<link rel="stylesheet" href="/page/docs.css">
</head>
<body>
<header class="top">
<div><h1>${service.name}</h1><p>${service.description} <small>Version ${service.version}</small></p></div>
<nav aria-label="Documents"><a href="/">Live page</a> <a href="/api/v1/openapi.json">OpenAPI</a> <a href="/api/v1/asyncapi.json">AsyncAPI</a></nav>
</header>
<main class="docs">
<nav class="contents" aria-label="Contents"><ul>
<li><a href="#rest">REST</a><ul>${operations.map(({ method, path }) => html`<li><a href="#${anchor(method, path)}"><code>${method.toUpperCase()} ${path}</code></a></li>`)}</ul></li>
<li><a href="#topics">Topics</a></li><li><a href="#events">Events</a></li><li><a href="#stream">Stream</a></li><li><a href="#errors">Errors</a></li>
</ul></nav>
<div class="text">
<h2 id="rest">REST</h2>${operations.map(operationSection)}
<h2 id="topics">Topics</h2>${topics.map(topicSection)}
<h2 id="events">Events</h2><p>The same as data: <a href="/api/v1/catalogue"><code>/api/v1/catalogue</code></a>.</p>${eventCatalogue(topics).map(eventSection)}
<h2 id="stream">Stream</h2>
<p>WebSocket at <code>/api/v1/stream</code>, subprotocol <code>distribution.v1+json</code> or <code>distribution.v1+proto</code>. The same
frames go over Socket.IO (event <code>frame</code>) and gRPC. In JSON a frame is an object with an optional <code>ref</code> and one of these members;
an event is a CloudEvents 1.0 object, a 64-bit number a string.</p>
${framesSection()}
<h2 id="errors">Errors</h2>${errorTable()}
</div>
</main>
</body>
</html>`;
  return page.text;
}

const anchor = (method: string, path: string): string => `${method}-${path.replace(/[^a-z0-9_]+/gi, "-")}`;

interface Entry {
  readonly path: string;
  readonly method: string;
  readonly operation: OpenApiOperation;
}

function operationSection({ path, method, operation }: Entry): Html {
  const { parameters = [], requestBody, responses } = operation;
  return html`<section id="${anchor(method, path)}">
<h3><span class="method ${method}">${method.toUpperCase()}</span> <code>${path}</code></h3>
<p class="summary">${operation.summary}</p>${prose(operation.description ?? "")}
${parameters.length === 0 ? "" : table(["Parameter", "In", "Meaning"], parameters.map(parameterRow))}
${requestBody ? html`<p>Body: ${requestBody.description ?? ""} ${Object.keys(requestBody.content).map((type) => html`<code>${type}</code> `)}</p>` : ""}
${table(
  ["Status", "Meaning"],
  Object.entries(responses).map(
    ([status, { description }]) => html`<tr><td>${status}</td><td>${prose(description)}</td></tr>`,
  ),
)}
</section>`;
}

function parameterRow({ name, in: place, required, description, schema }: ParameterDocument & { name: string }): Html {
  const rules = ["minimum", "maximum", "maxLength", "default", "enum"].flatMap((rule) =>
    schema[rule] === undefined ? [] : [`${rule} ${JSON.stringify(schema[rule])}`],
  );
  return html`<tr><td><code>${name}</code>${required ? html` <em>required</em>` : ""}</td><td>${place}</td>
<td>${prose(description)}${rules.length > 0 ? html`<small>${rules.join(", ")}</small>` : ""}</td></tr>`;
}

function topicSection({ name, description, partitions, message, eventTypes, table: latest }: TopicDefinition): Html {
  const types = eventTypes.map(({ type }) => html`<a href="#event-${type}"><code>${type}</code></a> `);
  return html`<section><h3><code>${name}</code></h3><p>${description}</p>
<p>${partitions} partition${partitions === 1 ? "" : "s"}; payload ${message?.typeName ?? "of any shape"}; ${latest ? "keeps the latest event of every key" : "keeps no table"}.</p>
<p>${types.length === 0 ? "Events of any type." : types}</p></section>`;
}

function eventSection(entry: CatalogueEntry): Html {
  const { type, topic, key, description, fields, example } = entry;
  const rows = fields.map(
    (field) =>
      html`<tr><td><code>${field.path}</code></td><td>${field.type}</td><td>${field.unit ?? ""}</td><td>${field.description}${valueList(field)}</td></tr>`,
  );
  return html`<section id="event-${type}"><h3><code>${type}</code></h3><p>${description}</p>
<p>On <code>${topic}</code>; class ${entry.class}; key: ${key}.</p>
${rows.length === 0 ? "" : html`<details><summary>Fields</summary>${table(["Field", "Type", "Unit", "Meaning"], rows)}</details>`}
${example === null ? "" : html`<details><summary>Example</summary><pre>${JSON.stringify(example, null, 2)}</pre></details>`}</section>`;
}

function valueList({ values }: CatalogueField): Html {
  return values ? html` <small>${values.join(", ")}</small>` : html``;
}

function errorTable(): Html {
  const rows = Object.entries(ERROR_CODES).map(([code, definition]) => {
    const close = "close" in definition ? definition.close : "";
    return html`<tr id="error-${code}"><td><code>${code}</code></td><td>${definition.http}</td><td>${definition.grpc}</td><td>${close}</td>
<td>${definition.retry ? "yes" : "no"}</td><td>${definition.meaning}</td></tr>`;
  });
  return table(["Code", "HTTP", "gRPC", "Close", "Retry", "Meaning"], rows);
}
