/** Given findings for somebody, urgent ones and well checked ones, when they are published, then copies are where those look. */
import { QualityTier } from "@distribution/proto-types/intelligence/v1/intelligence";
import { until } from "@distribution/testkit/service";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  GOLD_TOPIC,
  INTELLIGENCE_TOPICS,
  TOPICS,
  URGENT_TOPIC,
  WORKFLOWS,
  workflowTopic,
} from "../../src/domain/topics.ts";
import { eventOf, finding, synthesisOf } from "../support/findings.ts";
import { type FindingAnswer, getAfter, logOf, publish, publishEvents, refusal } from "../support/rest.ts";
import { type RunningService, startService } from "../support/service.ts";
import { connect } from "../support/stream.ts";

let service: RunningService;
beforeAll(async () => {
  service = await startService();
});
afterAll(() => service?.[Symbol.asyncDispose]());

/** The topics that have the event, each with the priority it has there. */
async function placesOf(id: string): Promise<Record<string, unknown>> {
  const places: Record<string, unknown> = {};
  for (const { name } of INTELLIGENCE_TOPICS) {
    for (const { event } of await logOf(service.ports, name)) {
      if (event.id === `e-${id}`) places[name] = event["priority"] ?? 0;
    }
  }
  return places;
}

describe("a finding", () => {
  it("that is routine and for nobody by name is on the topic of its kind alone", async () => {
    const { positions } = await publish(service.ports, finding("sentiment", "routine", { urgency: 6 }));
    expect(positions).toMatchObject([{ topic: TOPICS.sentiment }]);
    expect(await placesOf("routine")).toEqual({ [TOPICS.sentiment]: 0 });
  });

  it.each([7, 8, 9])("of urgency %i is also on the urgent topic, with that priority", async (urgency) => {
    await publish(service.ports, finding("news", `urgent-${urgency}`, { urgency }));
    expect(await placesOf(`urgent-${urgency}`)).toEqual({ [TOPICS.news]: urgency, [URGENT_TOPIC]: urgency });
  });

  it("of the gold tier is also on the gold topic", async () => {
    await publish(service.ports, synthesisOf("gold", ["i-1"], { qualityTier: QualityTier.GOLD }));
    expect(await placesOf("gold")).toEqual({ [TOPICS.synthesis]: 0, [GOLD_TOPIC]: 0 });
  });

  it("is also on the topic of each workflow that it names and that has one", async () => {
    for (const workflow of WORKFLOWS) {
      await publish(service.ports, finding("signal", `for-${workflow}`, { targetWorkflows: [workflow] }));
      expect(await placesOf(`for-${workflow}`)).toEqual({ [TOPICS.signal]: 0, [workflowTopic(workflow)]: 0 });
    }
    await publish(
      service.ports,
      finding("signal", "for-others", { targetWorkflows: ["unknown", "risk-desk", "research"] }),
    );
    expect(await placesOf("for-others")).toEqual({
      ...{ [TOPICS.signal]: 0, [workflowTopic("risk-desk")]: 0, [workflowTopic("research")]: 0 },
    });
  });

  it("that is all of that is on all of these, and its position is the one on the topic of its kind", async () => {
    const change = { urgency: 9, qualityTier: QualityTier.GOLD, targetWorkflows: ["compliance"] };
    const { positions } = await publish(service.ports, finding("signal", "all", change));
    expect(positions).toMatchObject([{ topic: TOPICS.signal }]);
    const topics = [TOPICS.signal, URGENT_TOPIC, GOLD_TOPIC, workflowTopic("compliance")];
    expect(await placesOf("all")).toEqual(Object.fromEntries(topics.map((topic) => [topic, 9])));
  });
});

describe("a finding that is published on a topic of copies", () => {
  it("is on the topic of its kind all the same, checked as there, and in the read models", async () => {
    const { ports } = service;
    const published = await publishEvents(ports, URGENT_TOPIC, [eventOf(finding("news", "direct", { urgency: 1 }))]);
    expect(await placesOf("direct")).toEqual({ [TOPICS.news]: 0 });
    const { finding: read } = await getAfter<FindingAnswer>(ports, published, "/intelligence/direct");
    expect(read.type).toBe("news");
    const { code, errors } = await refusal(
      publishEvents(ports, workflowTopic("research"), [eventOf(finding("news", "bad", { confidence: "7" }))]),
    );
    expect([code, errors?.[0]?.path]).toEqual(["invalid_event", "events[0].data.confidence"]);
  });
});

describe("a workflow's subscription", () => {
  it("gets what is for it, whatever its kind, in one stream", async () => {
    const { ports } = service;
    using client = await connect(ports);
    await client.request({ subscribe: { topics: [workflowTopic("momentum-desk")], filter: "priority >= 7" } });
    const mine = { targetWorkflows: ["momentum-desk"], urgency: 8 };
    await publish(ports, finding("signal", "m-1", mine));
    await publish(ports, finding("news", "m-2", { ...mine, urgency: 2 }));
    await publish(ports, finding("sentiment", "m-3", { ...mine, targetWorkflows: ["research"] }));
    await publish(ports, synthesisOf("m-4", ["m-1"], mine));
    await until("both came", () => client.events.length >= 2);
    expect(client.events.map(({ id, priority }) => [id, priority])).toEqual([
      ["e-m-1", 8],
      ["e-m-4", 8],
    ]);
    expect(client.breaks).toEqual([]);
  });
});
