/** Given a conflict, when it is resolved, then once, between the same decisions, and won by one of them. */
import { expect, it } from "vitest";
import type { ConflictView } from "../../src/domain/views.ts";
import { detected, resolved } from "../support/events.ts";
import { answerWhen, publish, refusal } from "../support/rest.ts";
import { startService } from "../support/service.ts";

it("what cannot become of a conflict is refused with the reason, and what was taken stays", async () => {
  await using service = await startService();
  const { ports } = service;
  const both = ["d-1", "d-2"];
  const refused = async (...events: Parameters<typeof resolved>) => refusal(publish(ports, resolved(...events)));
  const before = await refused("c-1", both, "d-1");
  expect(before).toMatchObject({ status: 409, code: "illegal_transition", errors: [{ path: "events[0].type" }] });
  await publish(ports, detected("c-1", both));
  const winner = await refused("c-1", both, "d-3", { id: "winner" });
  expect(winner).toMatchObject({
    code: "illegal_transition",
    errors: [{ path: "events[0].data.conflict_resolved.winning_decision_id" }],
  });
  const others = await refused("c-1", ["d-1", "d-3"], "d-1", { id: "others" });
  expect(others.errors?.[0]?.message).toContain("must be the decisions that were in conflict, d-1, d-2");
  await publish(ports, resolved("c-1", both, "d-2"));
  const twice = await refused("c-1", both, "d-1", { id: "twice" });
  expect(twice.detail).toContain("Conflict c-1 is resolved");
  const again = await refusal(publish(ports, detected("c-1", both, { id: "again" })));
  expect(again.code).toBe("illegal_transition");
  expect((await refusal(publish(ports, detected("c-2", ["d-1"])))).code).toBe("invalid_event");

  const isResolved = ({ conflict }: { conflict: ConflictView }) => conflict.state === "resolved";
  const { conflict } = await answerWhen<{ conflict: ConflictView }>(ports, "/conflicts/c-1", isResolved);
  expect(conflict).toMatchObject({ winningDecisionId: "d-2", resolution: "prioritized", decisionIds: both });
});
