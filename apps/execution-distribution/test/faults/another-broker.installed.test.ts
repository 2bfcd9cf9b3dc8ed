/** A service that changes its broker, and goes back: what docs/brokers.md says of it. */
import type { Started } from "@distribution/client";
import { type Ports, testFolder, until } from "@distribution/testkit/service";
import { expect, it } from "vitest";
import { TOPICS } from "../../src/domain/topics.ts";
import { OrderLife } from "../support/orders.ts";
import { getAfter, type OrdersAnswer, publishOrders } from "../support/rest.ts";
import { startService } from "../support/service.ts";
import { ENGINES, startBroker } from "./support/brokers.ts";
import { clientOf } from "./support/orders-under-load.ts";

/** Of the first event that is there, as server-sent events have it. */
async function firstToken({ public: port }: Ports): Promise<string> {
  const path = `/api/v1/topics/${TOPICS.orders}/events?from=earliest`;
  const headers = { accept: "text/event-stream" };
  const { body } = await fetch(`http://127.0.0.1:${port}${path}`, { headers });
  let text = "";
  for await (const chunk of body!) {
    text += Buffer.from(chunk).toString();
    const [, token] = /^id: ?(\S+)\n/m.exec(text) ?? [];
    // Leaving the loop ends the stream.
    if (token !== undefined && text.includes("order-new")) return token;
  }
  throw new Error(`There is no id in ${text}`);
}

/** One order is published; all are answered. */
async function ordersAfter(ports: Ports, id: string): Promise<readonly string[]> {
  const published = await publishOrders(ports, new OrderLife(id).sent());
  const { orders } = await getAfter<OrdersAnswer>(ports, published, "/orders?sort=created&direction=ascending");
  return orders.map(({ orderId }) => orderId);
}

it.each(ENGINES)(
  "a service begins anew on %s, and has all again when it goes back",
  {
    timeout: 120_000,
  },
  async (engine) => {
    await using broker = await startBroker(engine);
    const here = { DATA_DIR: testFolder() };
    const there = { ...here, ...broker.settings };
    let token = "";
    {
      await using service = await startService(here);
      expect(await ordersAfter(service.ports, "o-1")).toEqual(["o-1"]);
      token = await firstToken(service.ports);
    }
    {
      await using service = await startService(there);
      expect(await ordersAfter(service.ports, "o-2")).toEqual(["o-2"]);
      await using client = clientOf(service.ports);
      const started: Started[] = [];
      const ids: string[] = [];
      const back = client.subscribe({ topics: TOPICS.orders, from: { token } });
      back.on("started", (one) => void started.push(one));
      back.onEvents((events) => void ids.push(...events.map(({ key }) => key)));
      await until("it has begun", () => started.length > 0);
      expect(started).toMatchObject([{ recovered: false }]);
      await until("what is there comes", () => ids.includes("o-2"));
    }
    {
      await using service = await startService(here);
      expect(await ordersAfter(service.ports, "o-3")).toEqual(["o-1", "o-3"]);
    }
    await using service = await startService(there);
    expect(await ordersAfter(service.ports, "o-4")).toEqual(["o-2", "o-4"]);
  },
);
