import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { connect } from "@distribution/client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startService, type TestService } from "./support/service.ts";

const run = promisify(execFile);
const README = fileURLToPath(new URL("../README.md", import.meta.url));
const PACKAGES = fileURLToPath(new URL("../../../node_modules/@distribution", import.meta.url));

/** The README's programs, in order, and something that each of them prints. */
const SNIPPETS = [/test\.notes k1 hello/, /^$/, /^$/, /unknown_topic false subscribe\.topics\[0\]/];
const programs = (await readFile(README, "utf8")).match(/(?<=^```ts\n)[\s\S]*?(?=^```$)/gm) ?? [];

let service: TestService;
let folder: string;
beforeAll(async () => {
  service = await startService();
  // Outside of the checkout, as a program of somebody else: packages are found by their names.
  folder = await mkdtemp(join(tmpdir(), "distribution-readme-"));
  await mkdir(join(folder, "node_modules"));
  await symlink(PACKAGES, join(folder, "node_modules", "@distribution"));
});
afterAll(async () => {
  await service[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

describe("the programs of the README", () => {
  it("are all known here", () => {
    expect(programs).toHaveLength(SNIPPETS.length);
    expect(connect).toBeTypeOf("function");
  });

  it.each(programs.map((text, index) => [index + 1, text] as const))(
    "number %i runs and ends",
    async (number, text) => {
      const file = join(folder, `${number}.mts`);
      await writeFile(file, text);
      const env = { ...process.env, FORCE_COLOR: "0", DISTRIBUTION_URL: service.url };
      const { stdout, stderr } = await run(process.execPath, ["--no-warnings", file], { env, timeout: 20_000 });
      expect(stderr).toBe("");
      expect(stdout).toMatch(SNIPPETS[number - 1]!);
    },
  );
});
