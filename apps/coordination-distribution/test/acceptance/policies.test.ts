/** Given what policies said of a decision, when it is to be approved, then a blocking violation on record keeps it from that. */
import { packEvents } from "@distribution/core/events";
import { testFolder } from "@distribution/testkit/service";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { DecisionAnswer } from "../../src/domain/answers.ts";
import { TOPICS } from "../../src/domain/topics.ts";
import { approved, checked, coordinated, protoEvent, rejected, type TestEvent, violated } from "../support/events.ts";
import { answerWhen, publish, publishEach, refusal } from "../support/rest.ts";
import { type RunningService, startService } from "../support/service.ts";

let service: RunningService;
beforeAll(async () => {
  service = await startService();
});
afterAll(() => service?.[Symbol.asyncDispose]());

const answerOf = (decisionId: string, isThere: (answer: DecisionAnswer) => boolean = () => true) =>
  answerWhen<DecisionAnswer>(service.ports, `/decisions/${decisionId}`, isThere);

describe("a blocking violation", () => {
  it("that was acknowledged keeps the decision from being approved, at once and every time", async () => {
    const { ports } = service;
    for (let round = 0; round < 40; round += 1) {
      const id = `blocked-${round}`;
      await publish(ports, coordinated(id));
      await publish(ports, violated(id, "largest-notional", "BLOCKING"));
      const problem = await refusal(publish(ports, approved(id)));
      expect(problem).toMatchObject({ status: 409, code: "illegal_transition", errors: [{ path: "events[0].type" }] });
      expect(problem.detail).toContain(`Decision ${id} breaks policy largest-notional`);
    }
  });

  it("keeps it from that in the very moment of its acknowledgement, before any answer has it", async () => {
    const identity = { subject: "desk", attributes: {} };
    const take = (event: TestEvent) => service.ingest.publish(event.topic, packEvents([protoEvent(event)]), identity);
    await take(coordinated("moment"));
    await take(violated("moment", "largest", "BLOCKING"));
    await expect(take(approved("moment"))).rejects.toMatchObject({ code: "illegal_transition" });
  });

  it("that is published where the urgent copies lie goes home, and counts as any other", async () => {
    const { ports } = service;
    const stray = (event: TestEvent) => publish(ports, { ...event, topic: TOPICS.urgent });
    await stray(coordinated("stray"));
    await stray(violated("stray", "largest", "BLOCKING"));
    expect((await refusal(publish(ports, approved("stray")))).code).toBe("illegal_transition");
    expect((await answerOf("stray")).policies.blocked).toBe(true);
  });

  it("that comes before the decision does so, too, and everything else may still become of it", async () => {
    const { ports } = service;
    await publishEach(ports, [violated("early", "largest", "BLOCKING"), coordinated("early")]);
    expect((await refusal(publish(ports, approved("early")))).code).toBe("illegal_transition");
    await publish(ports, rejected("early"));
    const { policies } = await answerOf("early", ({ decision }) => decision.state === "rejected");
    expect(policies).toMatchObject({ blocked: true, approvedAgainstPolicy: false });
  });

  it("that comes after the approval is taken, and the decision's answer says so", async () => {
    await publishEach(service.ports, [coordinated("late"), approved("late"), violated("late", "largest", "BLOCKING")]);
    const { decision, policies } = await answerOf("late", ({ policies: { violationCount } }) => violationCount === 1);
    expect(decision.state).toBe("approved");
    expect(policies).toMatchObject({
      ...{ blocked: true, approvedAgainstPolicy: true },
      violations: [{ policyId: "largest", severity: "blocking", limit: "100", actual: "120.5", text: "Over." }],
    });
  });

  it("that is published at the same moment as the approval either comes first, or is in the answer", async () => {
    const { ports } = service;
    for (let round = 0; round < 20; round += 1) {
      const id = `crossing-${round}`;
      await publish(ports, coordinated(id));
      const approving = publish(ports, approved(id)).then(
        () => true,
        () => false,
      );
      await publish(ports, violated(id, "largest", "BLOCKING"));
      const wasApproved = await approving;
      const { decision, policies } = await answerOf(
        id,
        (answer) => answer.policies.blocked && answer.decision.state === (wasApproved ? "approved" : "coordinated"),
      );
      expect([decision.state, policies.approvedAgainstPolicy]).toEqual([
        wasApproved ? "approved" : "coordinated",
        wasApproved,
      ]);
    }
  });

  it("is remembered over a restart", async () => {
    const settings = { DATA_DIR: testFolder() };
    {
      await using before = await startService(settings);
      await publishEach(before.ports, [coordinated("kept"), violated("kept", "largest", "BLOCKING")]);
    }
    await using after = await startService(settings);
    expect((await refusal(publish(after.ports, approved("kept")))).code).toBe("illegal_transition");
  });
});

describe("what else policies say", () => {
  it("does not keep a decision from being approved: warnings, checks that failed, and what is said of others", async () => {
    await publishEach(service.ports, [
      coordinated("free"),
      checked("free", "largest", false),
      violated("free", "largest", "WARNING"),
      violated("free-too", "largest", "BLOCKING"),
      approved("free"),
    ]);
    const { policies } = await answerOf("free", ({ decision }) => decision.state === "approved");
    expect(policies).toMatchObject({
      ...{ blocked: false, approvedAgainstPolicy: false, checkCount: 1, violationCount: 1 },
      checks: [{ policyId: "largest", passed: false }],
      violations: [{ severity: "warning" }],
    });
  });

  it("is refused where it is about nothing", async () => {
    const problem = await refusal(publish(service.ports, violated("d-1", "", "WARNING")));
    expect(problem).toMatchObject({
      code: "invalid_event",
      errors: [{ path: "events[0].data.policy_violated.policy_id" }],
    });
  });
});
