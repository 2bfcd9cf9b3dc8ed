/** Given a decision, when its next step is published by any way in, then it is taken if it can follow, and refused with the reason if not. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { DecisionAnswer } from "../../src/domain/answers.ts";
import { approved, checked, coordinated, executed, expired, rejected, superseded } from "../support/events.ts";
import { answerWhen, get, publish, publishEach, refusal } from "../support/rest.ts";
import { type RunningService, startService } from "../support/service.ts";
import { WAYS_IN } from "../support/ways-in.ts";

let service: RunningService;
beforeAll(async () => {
  service = await startService();
});
afterAll(() => service?.[Symbol.asyncDispose]());

/** The answer once the decision has come to the state. */
const decisionIn = (state: string, decisionId: string) =>
  answerWhen<DecisionAnswer>(service.ports, `/decisions/${decisionId}`, ({ decision }) => decision.state === state);

describe("a decision's life", () => {
  it("is told step by step, each with its position and times", async () => {
    const { ports } = service;
    const steps = [coordinated("life-1"), approved("life-1", { at: 1n }), executed("life-1", { at: 2n })];
    const positions = [];
    for (const step of steps) positions.push(...(await publish(ports, step)).positions);
    const { decision, history } = await decisionIn("executed", "life-1");
    expect(decision).toMatchObject({
      ...{ decisionId: "life-1", strategy: "momentum", portfolioId: "growth", instrument: "coinbase:BTC-USD" },
      ...{ action: "buy", quantity: "2", notional: "200", confidence: "0.5", urgency: 3, validUntil: "0" },
    });
    expect(history.map(({ position }) => position)).toEqual(positions);
    expect(history).toMatchObject([
      { state: "coordinated", id: "life-1 decisionCoordinated", eventTime: steps[0]!.data["eventTime"] },
      { state: "approved", approvedBy: "risk-desk", eventTime: steps[1]!.data["eventTime"] },
      { state: "executed", orderIds: ["o-1", "o-2"], filledQuantity: "1.5" },
    ]);
    expect(decision.changedAt).toBe(history.at(-1)?.appendedAt);
  });

  it("can be published in one batch, and its steps by different publishers at once", async () => {
    const { ports } = service;
    await publish(ports, coordinated("batch-1"), approved("batch-1"), expired("batch-1"));
    expect((await decisionIn("expired", "batch-1")).history).toHaveLength(3);
  });

  it("is as it was when a step of it comes again, and its first position is the answer", async () => {
    const { ports } = service;
    const first = await publish(ports, coordinated("again-1"));
    await publish(ports, rejected("again-1"));
    expect(await publish(ports, coordinated("again-1"))).toEqual({ ...first, duplicates: 1 });
    expect((await decisionIn("rejected", "again-1")).history).toHaveLength(2);
  });
});

describe.each(WAYS_IN)("by $name", (way) => {
  const name = way.name.replace(/\W+/g, "-");

  it("what can follow is taken", async () => {
    const id = `${name}-good`;
    await way.publish(service.ports, [coordinated(id), approved(id)]);
    await way.publish(service.ports, [superseded(id)]);
    expect((await decisionIn("superseded", id)).history.at(-1)).toMatchObject({ supersededBy: "d-other" });
  });

  it("what cannot follow is refused, and says which event, the state, and what may follow", async () => {
    const id = `${name}-late`;
    await way.publish(service.ports, [coordinated(id)]);
    const call = way.publish(service.ports, [approved(id), coordinated(id, { id: "twice" })]);
    await expect(call).rejects.toMatchObject({
      code: "illegal_transition",
      message: expect.stringContaining(`Decision ${id} is approved: next it can be executed, superseded, expired`),
    });
    await expect(call).rejects.toThrow(/events\[1\]\.type/);
    expect((await decisionIn("coordinated", id)).history, "nothing of the batch was taken").toHaveLength(1);
  });

  it("what no decision can be is refused, and says where", async () => {
    const call = way.publish(service.ports, [coordinated(`${name}-bad`, { with: { quantity: "0" } })]);
    await expect(call).rejects.toMatchObject({ code: "invalid_event" });
    await expect(call).rejects.toThrow(/events\[0\]\.data\.decision_coordinated\.quantity/);
    expect((await refusal(get(service.ports, `/decisions/${name}-bad`))).status).toBe(404);
  });
});

describe("a refusal over REST", () => {
  it("is 409 for what cannot follow, and 400 for what never can", async () => {
    const { ports } = service;
    const late = await refusal(publish(ports, approved("nobody-knows")));
    expect(late).toMatchObject({ status: 409, code: "illegal_transition", errors: [{ path: "events[0].type" }] });
    expect(late.errors?.[0]?.message).toContain("coordinate it first");
    const bad = await refusal(publish(ports, coordinated("d-x", { key: "d-y" })));
    expect(bad).toMatchObject({ status: 400, code: "invalid_event", errors: [{ path: "events[0].key" }] });
  });

  it("is 400 for a decimal that is none, a type that is not known, and a payload of another type", async () => {
    const { ports } = service;
    const good = coordinated("shape-1");
    const other = { ...good, data: { ...approved("shape-1").data } };
    const refusals = [
      await refusal(publish(ports, coordinated("shape-1", { with: { quantity: "12,50" } }))),
      await refusal(publish(ports, coordinated("shape-1", { with: { quantity: 1.5 } }))),
      await refusal(publish(ports, { ...good, type: "coordination.unheard-of.v1" })),
      await refusal(publish(ports, { ...checked("shape-1", "p"), topic: good.topic })),
      await refusal(publish(ports, other)),
    ];
    for (const problem of refusals) expect(problem).toMatchObject({ status: 400, code: "invalid_event" });
    expect((await refusal(get(ports, "/decisions/shape-1"))).code).toBe("not_found");
  });

  it("is 409 for the same id with another body", async () => {
    await publish(service.ports, coordinated("body-1"));
    const problem = await refusal(publish(service.ports, coordinated("body-1", { with: { quantity: "3" } })));
    expect(problem).toMatchObject({ status: 409, code: "event_conflict" });
  });
});

describe("many who want to end the same decision at once", () => {
  it("are judged one after the other: one of them does, and all others are told so", async () => {
    const { ports } = service;
    const ids = Array.from({ length: 10 }, (_, at) => `race-${at}`);
    await publishEach(
      ports,
      ids.map((id) => coordinated(id)),
    );
    for (const id of ids) {
      const ends = [rejected, expired, superseded, rejected, expired].map((end, at) =>
        end(id, { id: `${id} end ${at}` }),
      );
      const outcomes = await Promise.allSettled(ends.map((end) => publish(ports, end)));
      expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
      const { history } = await get<DecisionAnswer>(ports, `/decisions/${id}`);
      expect(history).toHaveLength(2);
    }
  });
});
