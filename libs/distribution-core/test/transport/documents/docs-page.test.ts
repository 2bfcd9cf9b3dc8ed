import { describe, expect, it } from "vitest";
import { ERROR_CODES } from "../../../src/errors.ts";
import { html, prose } from "../../../src/transport/documents/html.ts";
import { startRest } from "../rest/rest-server.ts";

describe("the documentation page", () => {
  it("shows every operation, topic, frame and error code, and nothing from elsewhere", async () => {
    await using server = await startRest();
    const response = await server.get("/docs");
    expect(response.headers.get("content-type")).toBe("text/html; charset=utf-8");
    expect(response.headers.get("content-security-policy")).toContain("style-src 'self'");
    const page = await response.text();
    for (const text of [
      "POST /api/v1/topics/{topic}/events",
      "test.trades",
      "requestLedger",
      "The table at `positions`",
    ]) {
      expect(page).toContain(text);
    }
    for (const code of Object.keys(ERROR_CODES)) expect(page).toContain(`id="error-${code}"`);
    expect(page).not.toMatch(/(?:src|href)="(?:https?:)?\/\//);
    expect(page).not.toContain("<script");
  });

  it("escapes what the service says of itself", async () => {
    await using server = await startRest();
    for (const path of ["/docs", "/"]) {
      const page = await (await server.get(path)).text();
      expect(page).toContain("Events of a &lt;test&gt; &amp; more.");
      expect(page).not.toContain("<test>");
    }
  });

  it("leads from every problem to its code", async () => {
    await using server = await startRest();
    const { type } = (await (await server.get("/nowhere")).json()) as { type: string };
    const [path, anchor] = type.split("#");
    expect(await (await server.get(path ?? "")).text()).toContain(`id="${anchor}"`);
  });
});

describe("markup", () => {
  it("escapes values and keeps markup", () => {
    expect(html`<b title="${`"'`}">${"<&>"}${1}${html`<i></i>`}${[html`<u></u>`]}</b>`.text).toBe(
      '<b title="&quot;&#39;">&lt;&amp;&gt;1<i></i><u></u></b>',
    );
  });

  it("knows paragraphs, code and lists in prose", () => {
    expect(prose("A `b<c>`.\n\n`x`: 1\n`y`: 2").text).toBe(
      "<p>A <code>b&lt;c&gt;</code>.</p><p><code>x</code>: 1<br><code>y</code>: 2</p>",
    );
  });
});
