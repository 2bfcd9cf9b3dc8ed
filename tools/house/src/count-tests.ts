/**
 * `node tools/house/src/count-tests.ts <folder>`: adds up what a CI run left in the folder and prints what failed and what passed only when it ran again, and
 * `N passed, N failed` as its last line. The folder holds `nx.json` (Nx's record of its last run), `steps.tsv` (name, tab, exit code) and
 * `reports/<project>.json` (vitest's results). Exit code 1 when anything failed or nothing passed.
 */
import { existsSync, globSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { addUp, isForGood, type NxRun, type Step, type VitestReport } from "./tests/add-up.ts";

const folder = process.argv[2] ?? ".";
const readJson = <T>(file: string): T => JSON.parse(readFileSync(file, "utf8")) as T;

const nx: NxRun = existsSync(join(folder, "nx.json")) ? readJson<NxRun>(join(folder, "nx.json")) : { tasks: [] };
const steps: readonly Step[] = readFileSync(join(folder, "steps.tsv"), "utf8")
  .split("\n")
  .filter((line) => line !== "")
  .map((line) => ({ name: line.split("\t")[0] ?? "", status: Number(line.split("\t")[1]) }));
const reports = new Map(
  globSync(join(folder, "reports/*.json")).map((file) => [basename(file, ".json"), readReport(file)]),
);

/** One that is not whole, as when its writer was killed, counts as a file of tests that did not load. */
function readReport(file: string): VitestReport {
  try {
    return readJson<VitestReport>(file);
  } catch (failure) {
    return { testResults: [{ name: file, status: "failed", message: String(failure), assertionResults: [] }] };
  }
}

const { passed, failures, again } = addUp(nx, reports, steps, (file) => isForGood(readFileSync(file, "utf8")));
for (const test of again) console.log(`passed when run again: ${test}`);
for (const failure of failures) console.log(`failed: ${failure}`);
console.log(`${passed} passed, ${failures.length} failed`);
process.exitCode = failures.length > 0 || passed === 0 ? 1 : 0;
