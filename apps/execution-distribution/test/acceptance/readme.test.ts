/** The README's own requests, and what the checkout's README publishes, as they stand there; only the port is another one. */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { OrderLife } from "../support/orders.ts";
import { getAfter, type Published, publishOrders } from "../support/rest.ts";
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

it("the checkout's README publishes an order, that is then read", async () => {
  const [post = "", read] = /^curl -X POST[\s\S]*?(?=^```$)/m
    .exec(readFileSync(join(import.meta.dirname, "../../../../README.md"), "utf8"))![0]
    .split(/^(?=curl http)/m);
  await using service = await startService();
  const { stdout } = await promisify(execFile)("bash", ["-c", post.replace(":7050", `:${service.ports.public}`)]);
  const published = JSON.parse(stdout) as Published;
  expect(published).toMatchObject({ duplicates: 0, positions: [{ topic: "execution.orders" }] });
  const path = read?.trim().replace("curl http://localhost:7050/api/v1", "");
  expect(await getAfter(service.ports, published, path!)).toMatchObject({ order: { orderId: "my-order-1" } });
});
