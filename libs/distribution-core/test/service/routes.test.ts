/** Routes as operators meet them: refused at the start where they cannot be, and explained while the service runs. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type Event, EventClass } from "@distribution/proto-types/distribution/v1/event";
import { expect, it } from "vitest";
import type { Pipeline } from "../../src/transforms/index.ts";
import { topic } from "../tail/support.ts";
import { prepare, QUOTES } from "./support.ts";

const CLOUD_EVENT = { specversion: "1.0", id: "1", source: "/test", type: "test.event.v1", partitionkey: "a" };

it("a service with a route to a topic that does not take the type does not start, and names route, type and topic", async () => {
  const type = (name: string) => ({ ...{ type: name, description: name, key: "any" }, class: EventClass.QUOTE });
  const topics = [
    topic("test.orders", { eventTypes: [type("order.new.v1"), type("order.done.v1")] }),
    topic("test.done", { eventTypes: [type("order.done.v1")] }),
  ];
  const routes = [{ name: "done", when: { types: ["order.*.v1"] }, to: ["test.orders", "test.done"] }];
  const { start, readers, timers } = await prepare({ topics, routes });
  await expect(start()).rejects.toThrow(
    /^routes\[0\]\.to\[1\]: Route done sends order\.new\.v1 to test\.done, which does not take it\./,
  );
  expect([readers(), timers.active()]).toEqual([0, 0]);
});

it("a service explains to operators where an event would go, as its pipeline leaves it, and publishes nothing", async () => {
  const large = topic("test.large");
  const priced = ({ data }: Event) => (JSON.parse(String(data)) as { price: number }).price;
  const double: Pipeline = {
    steps: ["double"],
    apply: (given) => [{ ...given, data: Buffer.from(JSON.stringify({ price: 2 * priced(given) })) }],
  };
  const { start } = await prepare({
    topics: [QUOTES, large],
    pipelines: new Map([[QUOTES.name, double]]),
    routes: [
      { name: "large", when: { filter: "data.price > 100" }, to: [QUOTES.name, large.name], priority: 7 },
      { name: "other", when: { types: ["other.>"] }, to: [large.name] },
    ],
  });
  const service = await start();
  const explain = async (price: number, on = QUOTES.name) => {
    const response = await fetch(`http://127.0.0.1:${service.ports.admin}/admin/v1/routes/explain?topic=${on}`, {
      method: "POST",
      headers: { "content-type": "application/cloudevents+json" },
      body: JSON.stringify({ ...CLOUD_EVENT, data: { price } }),
    });
    return response.json();
  };
  expect(await explain(51)).toEqual({
    explanations: [
      {
        ...{ topic: QUOTES.name, type: "test.event.v1", key: "a", priority: 7, regions: [] },
        rules: [
          { name: "large", matched: true, because: "every condition holds" },
          { name: "other", matched: false, because: "type test.event.v1 is not covered by other.>" },
        ],
        destinations: [QUOTES.name, large.name],
      },
    ],
  });
  expect(await explain(50)).toMatchObject({ explanations: [{ destinations: [QUOTES.name] }] });
  expect(await explain(50, "test.nothing")).toMatchObject({ code: "unknown_topic" });
  expect((await service.queries.latest(QUOTES.name, [], undefined)).events).toEqual([]);
});

it("a service that starts says so when it is asked to explain", async () => {
  const free = createServer().listen(0, "127.0.0.1");
  await once(free, "listening");
  const { port: adminPort } = free.address() as AddressInfo;
  await new Promise((resolve) => free.close(resolve));
  let answer: unknown;
  const { start } = await prepare({
    listen: { port: 0, grpcPort: 0, adminPort },
    async domain() {
      const response = await fetch(`http://127.0.0.1:${adminPort}/admin/v1/routes/explain?topic=${QUOTES.name}`, {
        method: "POST",
        headers: { "content-type": "application/cloudevents+json" },
        body: JSON.stringify(CLOUD_EVENT),
      });
      answer = await response.json();
      return {};
    },
  });
  await start();
  expect(answer).toMatchObject({ status: 503, code: "unavailable" });
});
