/** The README's own requests, as they stand there; only the port is another one. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { OrderLife } from "../support/orders.ts";
import { getAfter, publishOrders } from "../support/rest.ts";
import { startService } from "../support/service.ts";

const README = readFileSync(join(import.meta.dirname, "../../README.md"), "utf8");
const REQUESTS = [...README.matchAll(/^curl 'http:\/\/localhost:7050(.*)'$/gm)].map(([, path]) => path!);

it("the README's requests are answered, one for each endpoint", async () => {
  await using service = await startService();
  const { ports } = service;
  await getAfter(ports, await publishOrders(ports, new OrderLife("o-1").sent()), "/orders");
  expect(REQUESTS).toHaveLength(6);
  for (const path of REQUESTS) {
    const response = await fetch(`http://127.0.0.1:${ports.public}${path}`);
    expect([path, response.status]).toEqual([path, 200]);
    expect(await response.json()).toHaveProperty("positions");
  }
});
