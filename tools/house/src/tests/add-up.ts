/** One count over everything a CI run did: tests, checks of the house and further steps. */
import { stripVTControlCharacters } from "node:util";

/** Characters of a reason that one line has room for. */
const REASON_LENGTH = 300;

/** As much of Nx's `run.json` as counts. `status` is the task's exit code. */
export interface NxRun {
  readonly tasks: readonly {
    readonly taskId: string;
    readonly target: string;
    readonly projectName: string;
    readonly status?: number;
  }[];
}

/** As much of vitest's JSON report as counts. A file that could not be loaded is "failed" without assertions. */
export interface VitestReport {
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    /** Why it could not be loaded. */
    readonly message?: string;
    readonly assertionResults: readonly TestResult[];
  }[];
}

interface TestResult {
  readonly fullName: string;
  readonly status: string;
  /** Also of a test that passed in the end. */
  readonly failureMessages?: readonly string[];
}

/** The step that runs all Nx tasks: it speaks through them, and for itself only when it failed and none of them did. */
export const NX_STEP = "npm test";
/** The step that runs tests which counted before: of its report only what went wrong is told. */
export const COVERAGE_STEP = "coverage";

/** A command of the CI run. */
export interface Step {
  readonly name: string;
  /** Exit code. */
  readonly status: number;
}

/**
 * By the source of a test file: it looks for what comes by chance, a loss or a counterexample. Its tests have failed if they failed once,
 * as the next run has another seed, or is killed at another moment.
 */
export const isForGood = (source: string): boolean =>
  /testkit\/history|fast-check|KILL_CYCLES|SIMULATION_SEEDS|SERVICE_KILLS|GROUP_REBALANCES/.test(source);

export interface Count {
  readonly passed: number;
  /** One line each. */
  readonly failures: readonly string[];
  /** Tests that failed, and passed when they ran again: a line each. They count as passed, and want mending. */
  readonly again: readonly string[];
}

/**
 * Every vitest test counts, and so does every other Nx task and every step. What failed outside of any test (a crash, an
 * unhandled rejection) is one failure: a red run never adds up to green. `reports` are by Nx project or name of the step;
 * `isFileForGood` says of which files a test has failed that passed when it ran again.
 */
export function addUp(
  nx: NxRun,
  reports: ReadonlyMap<string, VitestReport>,
  steps: readonly Step[],
  isFileForGood: (file: string) => boolean,
): Count {
  const nxFailed = nx.tasks.some(({ status }) => status !== 0);
  const counts = new Map([...reports].map(([name, report]) => [name, countReport(report, isFileForGood)]));
  const runs = [
    ...nx.tasks.map(({ taskId, target, projectName, status }) => ({
      name: taskId,
      failed: status !== 0,
      count: target === "test" ? counts.get(projectName) : undefined,
    })),
    ...steps
      .filter(({ name, status }) => name !== NX_STEP || (status !== 0 && !nxFailed))
      .map(({ name, status }) => ({ name, failed: status !== 0, count: counts.get(name) })),
  ];
  const unexplained = runs.filter(({ failed, count }) => failed && (count?.failures.length ?? 0) === 0);
  const tested = [...counts];
  return {
    passed:
      sum(tested.map(([name, { passed }]) => (name === COVERAGE_STEP ? 0 : passed))) +
      runs.filter(({ name, failed, count }) => !failed && (!count || name === COVERAGE_STEP)).length,
    failures: [...tested.flatMap(([, { failures }]) => failures), ...unexplained.map(({ name }) => name)],
    again: tested.flatMap(([name, { again }]) => again.map((test) => `${name}: ${test}`)),
  };
}

function countReport({ testResults }: VitestReport, isFileForGood: (file: string) => boolean): Count {
  const outcomes = testResults.flatMap(({ name, assertionResults }) =>
    assertionResults.map((test) => ({ test, outcome: outcomeOf(test, () => isFileForGood(name)) })),
  );
  const told = (wanted: Outcome): readonly string[] =>
    outcomes
      .filter(({ outcome }) => outcome === wanted)
      .map(({ test: { fullName, failureMessages = [] } }) => withReason(fullName, failureMessages[0]));
  const unloaded = testResults.filter(
    ({ status, assertionResults }) =>
      status === "failed" && assertionResults.every(({ status: one }) => one !== "failed"),
  );
  return {
    passed: outcomes.filter(({ outcome }) => outcome === "passed" || outcome === "again").length,
    failures: [...told("failed"), ...unloaded.map(({ name, message }) => withReason(name, message))],
    again: told("again"),
  };
}

type Outcome = "passed" | "again" | "failed" | "skipped";

function outcomeOf({ status, failureMessages = [] }: TestResult, isForGood: () => boolean): Outcome {
  if (status === "failed") return "failed";
  if (status !== "passed") return "skipped";
  if (failureMessages.length === 0) return "passed";
  return isForGood() ? "failed" : "again";
}

/** What failed, and the first line of why. */
function withReason(name: string, message = ""): string {
  const [reason = ""] = stripVTControlCharacters(message).split("\n");
  return reason === "" ? name : `${name}: ${reason.slice(0, REASON_LENGTH)}`;
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
