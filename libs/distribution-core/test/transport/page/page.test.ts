import { describe, expect, it } from "vitest";
import { startRest } from "../rest/rest-server.ts";

describe("what the page is made of", () => {
  it.each([
    "base.css",
    "docs.css",
    "live.css",
    "main.js",
    "rates.js",
    "tail.js",
    "events.js",
    "api.js",
    "uplot.js",
    "uplot.css",
  ])("%s is served with its type, a policy and an entity tag", async (file) => {
    await using server = await startRest();
    const response = await server.get(`/page/${file}`);
    expect(response.headers.get("content-type")).toContain(file.endsWith("css") ? "text/css" : "text/javascript");
    expect(response.headers.get("content-security-policy")).toContain("default-src 'none'");
    expect((await response.text()).length).toBeGreaterThan(100);
    const again = await server.get(`/page/${file}`, { "if-none-match": response.headers.get("etag") ?? "" });
    expect(again.status).toBe(304);
  });

  it("is nothing beyond its own files", async () => {
    await using server = await startRest();
    for (const path of ["/page/", "/page/index.html", "/page/..%2fpolicy.ts", "/page/../policy.ts"]) {
      expect((await server.get(path)).status).toBe(404);
    }
  });
});
