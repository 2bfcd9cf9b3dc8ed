/** Given the service's documents, when it answers, then as they say. */
import { Ajv2020 } from "ajv/dist/2020.js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EVENT_TYPES } from "../../src/domain/topics.ts";
import { finding, NOON, synthesisOf } from "../support/findings.ts";
import { get, getAfter, publish } from "../support/rest.ts";
import { type RunningService, startService } from "../support/service.ts";

interface OpenApi {
  readonly paths: Readonly<Record<string, object>>;
}

let service: RunningService;
let document: OpenApi;
beforeAll(async () => {
  service = await startService();
  const { ports } = service;
  for (const type of ["signal", "news", "sentiment"] as const) await publish(ports, finding(type, `doc-${type}`));
  const last = await publish(ports, synthesisOf("doc-synthesis", ["doc-news", "never"], { validUntil: NOON * 2n }));
  await getAfter(ports, last, "/intelligence");
  document = (await get(ports, "/openapi.json")) as unknown as OpenApi;
});
afterAll(() => service?.[Symbol.asyncDispose]());

const OWN = ["/intelligence/latest", "/intelligence", "/intelligence/{intelligence_id}", "/symbols"];

describe("openapi.json", () => {
  it("has every endpoint of the domain", () => {
    expect(Object.keys(document.paths)).toEqual(expect.arrayContaining(OWN.map((path) => `/api/v1${path}`)));
  });

  it.each([
    ["/intelligence/latest", "/intelligence/latest", "findings"],
    ["/intelligence", "/intelligence?limit=1", "findings"],
    ["/intelligence/{intelligence_id}", "/intelligence/doc-signal", "finding"],
    ["/intelligence/{intelligence_id}", "/intelligence/doc-synthesis", "sources"],
    ["/symbols", "/symbols", "symbols"],
  ])("describes %s as it answers %s", async (path, address, member) => {
    const ajv = new Ajv2020({ strict: false, validateFormats: false }).addSchema(document, "openapi");
    const pointer = encodeURIComponent(`/api/v1${path}`.replaceAll("/", "~1"));
    const validate = ajv.compile({
      $ref: `openapi#/paths/${pointer}/get/responses/200/content/application~1json/schema`,
    });
    const body = (await get(service.ports, address)) as unknown as Record<string, unknown>;
    expect(Object.keys(body)).toContain(member);
    validate(body);
    expect(validate.errors).toBeNull();
    validate({ ...body, [member]: [{}] });
    expect(validate.errors).not.toBeNull();
  });
});

describe("the catalogue", () => {
  it("has every event type of the domain with an example", async () => {
    const { events } = (await get(service.ports, "/catalogue")) as unknown as {
      events: { type: string; example: object | null; topic: string }[];
    };
    const own = events.filter(({ topic }) => topic !== "intelligence.distribution");
    expect(new Set(own.map(({ type }) => type))).toEqual(new Set(Object.values(EVENT_TYPES)));
    for (const { example } of own) expect(example).not.toBeNull();
  });
});

describe("the status", () => {
  it("is ready, and names the service", async () => {
    const status = await get(service.ports, "/status");
    expect(status).toMatchObject({ state: "ready" });
    expect(JSON.stringify(status)).toContain("intelligence");
  });
});
