/** The README's programs run as they are, against a real broker. */
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type RealBroker, startBroker } from "./support/real-broker.ts";

const run = promisify(execFile);
const README = fileURLToPath(new URL("../README.md", import.meta.url));
const PACKAGES = fileURLToPath(new URL("../../../node_modules/@distribution", import.meta.url));

/** What each program prints. */
const PRINTED = ["k1 hello en\nk1 world en\n", "0 partitions\nthe broker has up to -1n\n", "kitchen sweep 0\n"];
const programs = (await readFile(README, "utf8")).match(/(?<=^```ts\n)[\s\S]*?(?=^```$)/gm) ?? [];

let broker: RealBroker;
let folder: string;
beforeAll(async () => {
  broker = await startBroker();
  // Outside of the checkout, as a program of somebody else: packages are found by their names.
  folder = await mkdtemp(join(tmpdir(), "pulsar-readme-"));
  await mkdir(join(folder, "node_modules"));
  await symlink(PACKAGES, join(folder, "node_modules", "@distribution"));
}, 240_000);
afterAll(async () => {
  await broker[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

it("has as many programs as are known here", () => {
  expect(programs.length).toBe(PRINTED.length);
});

it.each(programs.map((text, index) => [index + 1, text] as const))("program %i runs and ends", async (number, text) => {
  const file = join(folder, `${number}.mts`);
  await writeFile(file, text);
  const env = { ...process.env, FORCE_COLOR: "0", PULSAR_URL: broker.pulsar.serviceUrl };
  const { stdout, stderr } = await run(process.execPath, ["--no-warnings", file], { env, timeout: 30_000 });
  expect(stderr).toBe("");
  expect(stdout).toBe(PRINTED[number - 1]);
});
