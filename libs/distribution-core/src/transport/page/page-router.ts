/** The page on the public port, its styles and modules, and uPlot from its own package. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { type RequestHandler, Router } from "express";
import { html } from "../documents/html.ts";
import type { ServiceDescription } from "../documents/operation-document.ts";
import { PAGE_POLICY } from "./policy.ts";

const ASSETS = [
  "base.css",
  "docs.css",
  "live.css",
  "main.js",
  "rates.js",
  "tail.js",
  "events.js",
  "api.js",
  "icon.svg",
] as const;
const TYPES: Readonly<Record<string, string>> = { css: "text/css", js: "text/javascript", svg: "image/svg+xml" };

/** `/` and `/page/*`. Reads its files now: a missing one stops the start. */
export function createPageRouter(service: ServiceDescription): Router {
  const router = Router({ caseSensitive: true, strict: true });
  const uplot = (file: string): Buffer => readFileSync(createRequire(import.meta.url).resolve(`uplot/dist/${file}`));
  const own = (file: string): Buffer => readFileSync(new URL(`./assets/${file}`, import.meta.url));

  router.get("/", serve("text/html", Buffer.from(fill(own("index.html").toString("utf8"), service))));
  for (const file of ASSETS) router.get(`/page/${file}`, serve(TYPES[file.split(".")[1]!]!, own(file)));
  router.get("/page/uplot.js", serve("text/javascript", uplot("uPlot.esm.js")));
  router.get("/page/uplot.css", serve("text/css", uplot("uPlot.min.css")));
  return router;
}

function fill(page: string, { name, version, description }: ServiceDescription): string {
  const values: Readonly<Record<string, string>> = { name, version, description };
  return page.replace(/\{\{(\w+)\}\}/g, (_whole, key: string) => html`${values[key] ?? ""}`.text);
}

function serve(type: string, body: Buffer): RequestHandler {
  const tag = `"${createHash("sha256").update(body).digest("base64url").slice(0, 22)}"`;
  return (request, response) => {
    response.setHeader("ETag", tag);
    response.setHeader("Cache-Control", "no-cache");
    response.setHeader("Content-Security-Policy", PAGE_POLICY);
    if (request.get("if-none-match") === tag) response.status(304).end();
    else response.type(type).send(body);
  };
}
