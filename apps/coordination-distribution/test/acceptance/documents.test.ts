/** Given the service's documents, when it answers, then as they say. */
import { describeDocuments } from "@distribution/testkit/service";
import type { StatusAnswer } from "../../src/domain/answers.ts";
import { EVENT_TYPES } from "../../src/domain/topics.ts";
import { approved, checked, coordinated, detected, resolved, violated } from "../support/events.ts";
import { answerWhen, publishEach } from "../support/rest.ts";
import { startService } from "../support/service.ts";

describeDocuments({
  name: "coordination",
  async start() {
    const service = await startService();
    await publishEach(service.ports, [
      ...[coordinated("d-1"), coordinated("d-2"), coordinated("d-3")],
      ...[checked("d-1", "largest", true), violated("d-2", "largest", "BLOCKING")],
      ...[detected("c-1", ["d-1", "d-2"]), resolved("c-1", ["d-1", "d-2"], "d-1"), approved("d-1")],
    ]);
    await answerWhen<StatusAnswer>(
      service.ports,
      "/coordination/status",
      ({ decisions, conflicts, violations }) =>
        decisions.approved === 1 && conflicts.resolved === 1 && violations.length === 1,
    );
    return service;
  },
  eventTypes: Object.values(EVENT_TYPES),
  answers: [
    ["/decisions", "/decisions?limit=2", "decisions"],
    ["/decisions/{decision_id}", "/decisions/d-1", "decision"],
    ["/decisions/{decision_id}", "/decisions/d-2", "history"],
    ["/conflicts", "/conflicts", "conflicts"],
    ["/conflicts/{conflict_id}", "/conflicts/c-1", "conflict"],
    ["/policies/violations", "/policies/violations", "violations"],
    ["/coordination/status", "/coordination/status", "strategies"],
  ],
});
