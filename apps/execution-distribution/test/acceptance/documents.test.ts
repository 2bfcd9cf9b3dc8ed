/** Given the service's documents, when it answers, then as they say. */
import { describeDocuments } from "@distribution/testkit/service";
import { EVENT_TYPES, TOPICS } from "../../src/domain/topics.ts";
import { alert, OrderLife } from "../support/orders.ts";
import { getAfter, publish, publishOrders } from "../support/rest.ts";
import { startService } from "../support/service.ts";

describeDocuments({
  name: "execution",
  async start() {
    const service = await startService();
    const { ports } = service;
    const life = new OrderLife("doc-1", { limitPrice: "10" });
    const other = new OrderLife("doc-2");
    await publish(ports, TOPICS.confirmations, life.confirmed("c-1"));
    await publishOrders(ports, other.sent(), other.rejected());
    await publishOrders(ports, life.sent(), life.acknowledged(), life.filled("3", "9.7"), life.cancelled());
    await getAfter(ports, await publish(ports, TOPICS.alerts, alert()), "/alerts");
    return service;
  },
  eventTypes: Object.values(EVENT_TYPES),
  answers: [
    ["/orders", "/orders?limit=1", "orders"],
    ["/orders/{order_id}", "/orders/doc-1", "order"],
    ["/orders/{order_id}", "/orders/doc-2", "executions"],
    ["/orders/{order_id}/executions", "/orders/doc-1/executions", "executions"],
    ["/fills", "/fills?date=2026-11-23", "fills"],
    ["/confirmations", "/confirmations", "confirmations"],
    ["/alerts", "/alerts", "alerts"],
  ],
});
