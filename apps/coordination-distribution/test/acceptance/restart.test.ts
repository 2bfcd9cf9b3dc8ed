/** Given a service that stops, or is killed, when it starts again on the same data, then it answers the same, and judges by the same states. */
import { forgetReadModels, testFolder } from "@distribution/testkit/service";
import { describe, expect, it } from "vitest";
import type { DecisionAnswer, StatusAnswer } from "../../src/domain/answers.ts";
import type { ConflictView } from "../../src/domain/views.ts";
import { approved, checked, coordinated, detected, executed, resolved, violated } from "../support/events.ts";
import { answerWhen, get, publish, publishEach, refusal } from "../support/rest.ts";
import { type Ports, runToExit, startProcess, startService } from "../support/service.ts";

const EVENTS = [
  coordinated("d-1"),
  coordinated("d-2", { strategy: "carry" }),
  checked("d-1", "largest"),
  violated("d-2", "largest", "BLOCKING", { strategy: "carry" }),
  detected("c-1", ["d-1", "d-2"]),
  resolved("c-1", ["d-1", "d-2"], "d-1"),
  approved("d-1"),
];
const PATHS = [
  "/decisions",
  "/decisions/d-1",
  "/decisions/d-2",
  "/conflicts",
  "/policies/violations",
  "/coordination/status",
];

const answersOf = async (ports: Ports): Promise<readonly unknown[]> => {
  const answers = [];
  for (const path of PATHS) answers.push(await get<object>(ports, path));
  return answers;
};

const filled = (ports: Ports) =>
  answerWhen<StatusAnswer>(
    ports,
    "/coordination/status",
    ({ decisions, conflicts, violations }) =>
      decisions.approved === 1 && conflicts.resolved === 1 && violations.length === 1,
  );

/** Whatever of the past it has to know. */
async function judgesByThePast(ports: Ports): Promise<void> {
  expect((await refusal(publish(ports, coordinated("d-1", { id: "twice" })))).code).toBe("illegal_transition");
  expect((await refusal(publish(ports, approved("d-2", { strategy: "carry" })))).code).toBe("illegal_transition");
  expect((await refusal(publish(ports, detected("c-1", ["d-1", "d-2"], { id: "twice" })))).code).toBe(
    "illegal_transition",
  );
  expect(await publish(ports, EVENTS[0]!)).toMatchObject({ duplicates: 1 });
  await publish(ports, executed("d-1"));
}

describe("a service that is stopped and started again", () => {
  it("answers the same, to the letter, and goes on from there", async () => {
    const settings = { DATA_DIR: testFolder() };
    let before: readonly unknown[];
    {
      await using service = await startService(settings);
      await publishEach(service.ports, EVENTS);
      await filled(service.ports);
      before = await answersOf(service.ports);
    }
    await using service = await startService(settings);
    expect(await answersOf(service.ports)).toEqual(before);
    await judgesByThePast(service.ports);
  });

  it("without its checkpoints builds the same from its log", async () => {
    const directory = testFolder();
    let before: readonly unknown[];
    {
      await using service = await startService({ DATA_DIR: directory });
      await publishEach(service.ports, EVENTS);
      await filled(service.ports);
      before = await answersOf(service.ports);
    }
    forgetReadModels(directory);
    await using service = await startService({ DATA_DIR: directory });
    expect(await answersOf(service.ports)).toEqual(before);
    await judgesByThePast(service.ports);
  });
});

describe("a service that is killed", () => {
  it("has everything that it acknowledged, in its answers and in its judgement", async () => {
    const settings = { DATA_DIR: testFolder() };
    let before: readonly unknown[];
    {
      await using service = await startProcess(settings);
      await publishEach(service.ports, EVENTS);
      await filled(service.ports);
      before = await answersOf(service.ports);
      await service.kill("SIGKILL");
    }
    await using service = await startProcess(settings);
    expect(await answersOf(service.ports)).toEqual(before);
    await judgesByThePast(service.ports);
    const { history } = await answerWhen<DecisionAnswer>(
      service.ports,
      "/decisions/d-1",
      ({ decision }) => decision.state === "executed",
    );
    expect(history.map(({ state }) => state)).toEqual(["coordinated", "approved", "executed"]);
    const { conflict } = await get<{ conflict: ConflictView }>(service.ports, "/conflicts/c-1");
    expect(conflict.state).toBe("resolved");
  });
});

it.each([
  { setting: "PORT", value: "70000" },
  { setting: "FEED", value: "recorded" },
  { setting: "NOPE", value: "1" },
])("a service with COORDINATION_$setting=$value does not start, and names the variable", async ({ setting, value }) => {
  const { code, output } = await runToExit({ DATA_DIR: testFolder(), [setting]: value });
  expect(code).toBe(1);
  expect(output).toContain(`COORDINATION_${setting}: `);
});
