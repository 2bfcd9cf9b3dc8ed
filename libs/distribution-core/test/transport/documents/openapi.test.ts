import { Validator } from "@seriousme/openapi-schema-validator";
import { Ajv2020 } from "ajv/dist/2020.js";
import { default as addFormats } from "ajv-formats";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ERROR_CODES } from "../../../src/errors.ts";
import { cloudEvent, publishing, type RestServer, startRest } from "../rest/rest-server.ts";

interface OpenApi {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, object>> };
}

interface Operation {
  readonly operationId: string;
  readonly responses: Readonly<Record<string, { content?: Record<string, { schema: object }> }>>;
}

let server: RestServer;
let document: OpenApi;

beforeAll(async () => {
  server = await startRest();
  await server.publish("test.trades", { id: "1", key: "A" });
  document = (await (await server.get("/api/v1/openapi.json")).json()) as OpenApi;
});
afterAll(() => server[Symbol.asyncDispose]());

const operations = (): { path: string; method: string; operation: Operation }[] =>
  Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({ path, method, operation })),
  );

const call = (path: string, method: string): Promise<Response> => {
  const address = server.url + path.replace("{topic}", "test.trades");
  return method === "post" ? fetch(address, publishing(cloudEvent({ id: "1", key: "A" }))) : fetch(address, { method });
};

describe("the OpenAPI document", () => {
  it("is valid OpenAPI 3.1", async () => {
    const { valid, errors } = await new Validator().validate(structuredClone({ ...document }));
    expect(errors).toBeUndefined();
    expect(valid).toBe(true);
  });

  it("names the endpoints of the core and no others", () => {
    expect(
      operations()
        .map(({ path, method }) => `${method} ${path}`)
        .toSorted(),
    ).toEqual([
      "get /api/v1/asyncapi.json",
      "get /api/v1/catalogue",
      "get /api/v1/docs",
      "get /api/v1/openapi.json",
      "get /api/v1/status",
      "get /api/v1/topics",
      "get /api/v1/topics/{topic}",
      "get /api/v1/topics/{topic}/events",
      "get /api/v1/topics/{topic}/latest",
      "post /api/v1/topics/{topic}/events",
    ]);
  });

  it("is held to by the endpoints: each answers with a status, a type and a body that it describes", async () => {
    const ajv = new Ajv2020({ strict: false, allErrors: true });
    addFormats.default(ajv);
    ajv.addSchema({ $id: "doc:", components: document.components });
    for (const { path, method, operation } of operations()) {
      const response = await call(path, method);
      const described = operation.responses[response.status];
      expect(described, `${method} ${path} ${response.status}`).toBeDefined();
      const type = response.headers.get("content-type")?.split(";")[0] ?? "";
      const content = described?.content?.[type];
      expect(content, `${method} ${path} ${type}`).toBeDefined();
      if (type !== "application/json") continue;
      const schema = JSON.parse(JSON.stringify(content?.schema).replaceAll('"#/', '"doc:#/')) as object;
      const check = ajv.compile(schema);
      check(await response.json());
      expect(check.errors, `${method} ${path}`).toBeNull();
    }
  });

  it("describes the problems that are really answered", async () => {
    const ajv = new Ajv2020({ strict: false });
    addFormats.default(ajv);
    const check = ajv.compile(document.components.schemas["Problem"] ?? {});
    const response = await server.get("/api/v1/topics/test.trades/events?limit=0&x=1");
    check(await response.json());
    expect(check.errors).toBeNull();
  });

  it("gives every operation the refusals that any request can meet", () => {
    for (const { operation } of operations()) {
      expect(Object.keys(operation.responses)).toEqual(expect.arrayContaining(["400", "401", "403", "500"]));
    }
    expect(JSON.stringify(document.paths)).toContain(ERROR_CODES.event_conflict.meaning);
  });

  it.each(["openapi.json", "asyncapi.json", "docs"])(
    "is sent with an entity tag, and at the root as well: %s",
    async (file) => {
      const direct = await server.get(`/api/v1/${file}`);
      const tag = direct.headers.get("etag") ?? "";
      const short = await server.get(`/${file}`);
      expect([short.status, short.redirected, short.headers.get("etag")]).toEqual([200, false, tag]);
      expect(await short.text()).toBe(await direct.text());
      const again = await server.get(`/${file}`, { "if-none-match": tag });
      expect([again.status, await again.text()]).toEqual([304, ""]);
    },
  );
});
