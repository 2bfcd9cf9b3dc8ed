/** The README's own requests, as they are, against a service that is told of the simulated world. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { testFolder } from "@distribution/testkit/service";
import { expect, it } from "vitest";
import { ask, askUntil } from "../support/rest.ts";
import { startService } from "../support/service.ts";

const readme = readFileSync(join(import.meta.dirname, "../../README.md"), "utf8");

it("shows a request of every endpoint, and each is answered", async () => {
  const addresses = [...readme.matchAll(/^curl 'http:\/\/localhost:7010\/api\/v1([^']+)'$/gm)].map(([, path]) => path!);
  await using service = await startService({
    ...{ FEED: "simulated", FEED_SPEED: "100", FEED_WORLD: join(testFolder(), "world.json") },
  });
  for (const address of addresses) await askUntil(service.ports, address, ({ status }) => status === 200);
  const { body } = await ask<{ readonly paths: Readonly<Record<string, object>> }>(service.ports, "/openapi.json");
  const own = Object.keys(body.paths).filter((path) => path.startsWith("/api/v1/portfolio"));
  const shown = addresses.map((address) => {
    const path = address.replace(/\?.*/, "").replace("/growth", "/{portfolio_id}");
    return `/api/v1${path.replace(/[^/]+:[^/]+/, "{instrument}")}`;
  });
  expect(new Set(shown)).toEqual(new Set(own));
});
