/** Given the service's documents, when it answers, then as they say. */
import { describeDocuments } from "@distribution/testkit/service";
import { EVENT_TYPES } from "../../src/domain/topics.ts";
import { finding, NOON, synthesisOf } from "../support/findings.ts";
import { getAfter, publish } from "../support/rest.ts";
import { startService } from "../support/service.ts";

describeDocuments({
  name: "intelligence",
  async start() {
    const service = await startService();
    const { ports } = service;
    for (const type of ["signal", "news", "sentiment"] as const) await publish(ports, finding(type, `doc-${type}`));
    const last = await publish(ports, synthesisOf("doc-synthesis", ["doc-news", "never"], { validUntil: NOON * 2n }));
    await getAfter(ports, last, "/intelligence");
    return service;
  },
  eventTypes: Object.values(EVENT_TYPES),
  answers: [
    ["/intelligence/latest", "/intelligence/latest", "findings"],
    ["/intelligence", "/intelligence?limit=1", "findings"],
    ["/intelligence/{intelligence_id}", "/intelligence/doc-signal", "finding"],
    ["/intelligence/{intelligence_id}", "/intelligence/doc-synthesis", "sources"],
    ["/symbols", "/symbols", "symbols"],
  ],
});
