/** What a service says of itself, held against what it does: one suite for every domain. */
import { CORE_TAGS } from "@distribution/core/transport/documents";
import { Ajv2020 } from "ajv/dist/2020.js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { request } from "./rest.ts";
import type { RunningService } from "./runner.ts";

export interface DocumentedService {
  /** As its events' types begin. */
  readonly name: string;
  /** With as much published, and in its read models, as the answers need. */
  readonly start: () => Promise<RunningService>;
  readonly eventTypes: readonly string[];
  /** Of every endpoint of the domain, as openapi.json names it: an address that is answered, and a member of that answer. */
  readonly answers: readonly (readonly [path: string, address: string, member: string])[];
}

interface OpenApi {
  readonly paths: Readonly<Record<string, { readonly get?: { readonly tags: readonly string[] } }>>;
}

interface Catalogue {
  readonly events: readonly {
    readonly type: string;
    readonly topic: string;
    readonly key: string;
    readonly example: object | null;
  }[];
}

const CORE: readonly string[] = CORE_TAGS.map(({ name }) => name);

export function describeDocuments({ name, start, eventTypes, answers }: DocumentedService): void {
  let service: RunningService;
  beforeAll(async () => {
    service = await start();
  });
  afterAll(() => service?.[Symbol.asyncDispose]());
  const read = <T>(path: string): Promise<T> => request<T>(service.ports, path);

  describe("openapi.json", () => {
    it("has every endpoint of the domain, and each of them is asked here", async () => {
      const { paths } = await read<OpenApi>("/openapi.json");
      const own = Object.keys(paths).filter((path) => !paths[path]!.get?.tags.some((tag) => CORE.includes(tag)));
      expect(new Set(own)).toEqual(new Set(answers.map(([path]) => `/api/v1${path}`)));
    });

    it.each(answers)("describes %s as it answers %s", async (path, address, member) => {
      const document = await read<OpenApi>("/openapi.json");
      const ajv = new Ajv2020({ strict: false, validateFormats: false }).addSchema(document, "openapi");
      const pointer = encodeURIComponent(`/api/v1${path}`.replaceAll("/", "~1"));
      const validate = ajv.compile({
        $ref: `openapi#/paths/${pointer}/get/responses/200/content/application~1json/schema`,
      });
      const body = await read<Readonly<Record<string, unknown>>>(address);
      expect(Object.keys(body)).toEqual(expect.arrayContaining(["positions", member]));
      validate(body);
      expect(validate.errors).toBeNull();
      for (const wrong of [{ [member]: [{}] }, { positions: "none" }]) {
        validate({ ...body, ...wrong });
        expect(validate.errors, JSON.stringify(wrong)).not.toBeNull();
      }
    });
  });

  describe("the catalogue", () => {
    it("has every event type of the domain, with its key and an example", async () => {
      const { events } = await read<Catalogue>("/catalogue");
      const own = events.filter(({ topic }) => topic !== `${name}.distribution`);
      expect(new Set(own.map(({ type }) => type))).toEqual(new Set(eventTypes));
      for (const { type, key, example } of own) {
        expect([type, key !== "", example !== null]).toEqual([type, true, true]);
      }
    });
  });

  describe("the status", () => {
    it("is ready, and names the service", async () => {
      const status = await read<object>("/status");
      expect(status).toMatchObject({ state: "ready" });
      expect(JSON.stringify(status)).toContain(name);
    });
  });
}
