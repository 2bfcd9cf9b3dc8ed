import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { errorsReference, metricsReference } from "../../../src/transport/documents/index.ts";

const written = (name: string): string => readFileSync(new URL(`../../../../../docs/${name}`, import.meta.url), "utf8");

describe("the reference pages", () => {
  it("docs/errors.md is the closed list; `node tools/house/src/generate-docs.ts` makes it so", () => {
    expect(written("errors.md")).toBe(errorsReference());
  });

  it("docs/metrics.md is the list of metrics; `node tools/house/src/generate-docs.ts` makes it so", () => {
    expect(written("metrics.md")).toBe(metricsReference());
  });
});
