import { globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { defineConfig } from "vitest/config";

/** As much of a package.json as is read here. */
interface Manifest {
  readonly workspaces?: readonly string[];
  readonly nx?: { readonly name?: string };
}

const readManifest = (file: string): Manifest => JSON.parse(readFileSync(file, "utf8")) as Manifest;

/** One vitest project a workspace package, under the name that Nx gives it, so that `vitest --project {projectName}` finds it. */
const manifests = globSync(
  (readManifest("package.json").workspaces ?? []).map((glob) => `${glob}/package.json`),
).sort();

/** Tests that need a program which npm does not install: a browser, a broker. `npm run test:installed` runs these and no others. */
const INSTALLED = "test/**/*.installed.test.ts";
const files =
  process.env["TEST_INSTALLED"] === "1"
    ? { include: [INSTALLED] }
    : { include: ["test/**/*.test.ts"], exclude: [INSTALLED] };

/** A folder for machine-readable results beside the printed ones: one file a run, named for its Nx project or the brokers it is on. */
const reports = process.env["TEST_REPORTS"];
const underCoverage = process.argv.includes("--coverage") ? "coverage" : undefined;
const reportName = process.env["NX_TASK_TARGET_PROJECT"] ?? underCoverage ?? process.env["TEST_BROKER"] ?? "workspace";
const reportFile = `${reportName}.json`;

/** How often a test that fails runs again, on a machine that may stand still at any moment. Whoever asks for it judges what passed then. */
const retries = Number(process.env["TEST_RETRIES"] ?? 0);
/** Not one that hung: the long ones would take more time than there is. */
const IN_TIME = /^(?!Test timed out)/;

/** Projects under a stricter coverage gate than the others' 80 %: what everything rests on, and what the mission names. */
const STRICTER: Readonly<Record<string, number>> = {
  "libs/distribution-core": 90,
  "apps/market-data-distribution": 90,
  "apps/execution-distribution": 85,
  "apps/intelligence-distribution": 85,
};
const percent = (least: number) => ({ lines: least, branches: least });

export default defineConfig({
  test: {
    // Processes, because lmdb and child processes under test want one each. Files share their worker's modules, which
    // makes a run several times faster; so tests leave no module state, environment or working directory behind.
    pool: "forks",
    isolate: false,
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    retry: { count: retries, condition: IN_TIME },
    reporters: reports ? ["default", ["json", { outputFile: join(reports, reportFile) }]] : ["default"],
    projects: manifests.map((file) => ({
      extends: true as const,
      root: dirname(file),
      test: { name: readManifest(file).nx?.name ?? dirname(file), ...files },
    })),
    coverage: {
      provider: "v8",
      // Under `--project` paths count from the project's folder: the second pattern.
      include: ["{apps,libs,libs/brokers,libs/bridges,tools}/*/src/**/*.ts", "src/**/*.ts"],
      // Entry points run in child processes, which the coverage of this process does not see. Benches are measurements.
      exclude: ["**/generated/**", "**/main.ts", "**/src/{generate-*,count-tests}.ts", "tools/bench/**"],
      reporter: ["text-summary", "json-summary"],
      thresholds: Object.fromEntries(
        manifests.map((file) => [`${dirname(file)}/src/**`, percent(STRICTER[dirname(file)] ?? 80)]),
      ),
    },
  },
});
