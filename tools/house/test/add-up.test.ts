import { expect, test } from "vitest";
import {
  addUp as addUpAll,
  COVERAGE_STEP,
  isForGood,
  NX_STEP,
  type NxRun,
  type Step,
  type VitestReport,
} from "../src/tests/add-up.ts";

const addUp = (nx: NxRun, reports: ReadonlyMap<string, VitestReport>, steps: readonly Step[]) =>
  addUpAll(nx, reports, steps, (file) => file === "kill.test.ts");

const task = (projectName: string, target: string, status: number) => ({
  taskId: `${projectName}:${target}`,
  projectName,
  target,
  status,
});

const report = (...statuses: string[]): VitestReport => ({
  testResults: [
    {
      name: "a.test.ts",
      status: statuses.includes("failed") ? "failed" : "passed",
      assertionResults: statuses.map((status, at) => ({ fullName: `test ${at}`, status })),
    },
  ],
});

test("tests, checks and steps each count once; skipped tests count as neither", () => {
  const tasks = [task("core", "test", 0), task("core", "typecheck", 0)];
  const reports = new Map([["core", report("passed", "passed", "pending")]]);
  const steps = [
    { name: NX_STEP, status: 0 },
    { name: "coverage", status: 0 },
  ];
  expect(addUp({ tasks }, reports, steps)).toEqual({ passed: 4, failures: [], again: [] });
});

test("a failed test is one failure, not also one of its task and of the command", () => {
  const tasks = [task("core", "test", 1), task("house", "lint", 0)];
  const reports = new Map([["core", report("passed", "failed")]]);
  const count = addUp({ tasks }, reports, [{ name: NX_STEP, status: 1 }]);
  expect(count).toEqual({ passed: 2, failures: ["test 1"], again: [] });
});

test("a failure has the first line of its reason beside its name, in one line", () => {
  const failed = {
    fullName: "it holds",
    status: "failed",
    failureMessages: [`\u001b[31m${"x".repeat(400)}\u001b[39m\n  at b`],
  };
  const results = [
    { name: "a.test.ts", status: "failed", assertionResults: [failed] },
    { name: "b.test.ts", status: "failed", message: "Cannot find c.ts\nat d", assertionResults: [] },
  ];
  const { failures } = addUp({ tasks: [] }, new Map([["core", { testResults: results }]]), []);
  expect(failures).toEqual([`it holds: ${"x".repeat(300)}`, "b.test.ts: Cannot find c.ts"]);
});

test("a test that passed when it ran again has passed, and is told with why it failed first", () => {
  const flaky = { fullName: "it holds", status: "passed", failureMessages: ["it was late\n  at b"] };
  const results = [{ name: "a.test.ts", status: "passed", assertionResults: [flaky] }];
  const count = addUp({ tasks: [task("core", "test", 0)] }, new Map([["core", { testResults: results }]]), []);
  expect(count).toEqual({ passed: 1, failures: [], again: ["core: it holds: it was late"] });
});

test("where tests look for losses, one that passed when it ran again has failed", () => {
  const lossy = { fullName: "it loses nothing", status: "passed", failureMessages: ["2 lost"] };
  const sound = { fullName: "it starts", status: "passed" };
  const results = [{ name: "kill.test.ts", status: "passed", assertionResults: [lossy, sound] }];
  const count = addUp({ tasks: [task("core", "test", 0)] }, new Map([["core", { testResults: results }]]), []);
  expect(count).toEqual({ passed: 1, failures: ["it loses nothing: 2 lost"], again: [] });
});

test.each([
  ['import { assertFaultless } from "@distribution/testkit/history";', true],
  ['import fc from "fast-check";', true],
  ['const CYCLES = Number(process.env["KILL_CYCLES"] ?? 3);', true],
  ['import { until } from "@distribution/testkit/service";', false],
])("a file with %j is of such tests: %j", (source, forGood) => {
  expect(isForGood(source)).toBe(forGood);
});

test.each([
  ["that passes counts as one", 0, report("passed", "passed"), { passed: 1, failures: [], again: [] }],
  ["tells which test failed", 1, report("passed", "failed"), { passed: 0, failures: ["test 1"], again: [] }],
  ["fails by its gates alone", 1, report("passed", "passed"), { passed: 0, failures: [COVERAGE_STEP], again: [] }],
])("the step that runs the same tests under coverage %s", (_, status, tests, count) => {
  const steps = [{ name: COVERAGE_STEP, status }];
  expect(addUp({ tasks: [] }, new Map([[COVERAGE_STEP, tests]]), steps)).toEqual(count);
});

test("a test file that does not load is a failure", () => {
  const broken = { testResults: [{ name: "b.test.ts", status: "failed", assertionResults: [] }] };
  const count = addUp({ tasks: [task("core", "test", 1)] }, new Map([["core", broken]]), []);
  expect(count).toEqual({ passed: 0, failures: ["b.test.ts"], again: [] });
});

test.each([
  ["a crash after green tests", [task("core", "test", 1)], [{ name: NX_STEP, status: 1 }], ["core:test"]],
  ["a failed check", [task("house", "lint", 1)], [{ name: NX_STEP, status: 1 }], ["house:lint"]],
  ["a command that ends before its tasks", [], [{ name: NX_STEP, status: 124 }], [NX_STEP]],
  ["a failed step", [], [{ name: "coverage", status: 1 }], ["coverage"]],
])("%s is one failure", (_, tasks, steps, failures) => {
  expect(addUp({ tasks }, new Map([["core", report("passed")]]), steps)).toEqual({ passed: 1, failures, again: [] });
});
