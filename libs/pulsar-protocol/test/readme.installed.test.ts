/** The README's commands and programs run as they are, against a real broker that makes no topics by itself. */
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type RealBroker, startBroker } from "./support/real-broker.ts";

const run = promisify(execFile);
const README = fileURLToPath(new URL("../README.md", import.meta.url));
const CHECKOUT = fileURLToPath(new URL("../../..", import.meta.url));

/** What each program prints. */
const PRINTED = ["k1 hello en\nk1 world en\n", "0 partitions\nthe broker has up to -1n\n", "kitchen sweep 0\n"];
const readme = await readFile(README, "utf8");
const programs = readme.match(/(?<=^```ts\n)[\s\S]*?(?=^```$)/gm) ?? [];
const [link = "", create = ""] = readme.match(/(?<=^```sh\n)[\s\S]*?(?=^```$)/gm) ?? [];

let broker: RealBroker;
let folder: string;
beforeAll(async () => {
  broker = await startBroker();
  // As every service leaves the namespace.
  await broker.admin("POST", "namespaces/public/default/autoTopicCreation", { allowAutoTopicCreation: false });
  // Outside of the checkout, as a program of somebody else.
  folder = await mkdtemp(join(tmpdir(), "pulsar-readme-"));
  const commands = [
    link.replace("<checkout>", CHECKOUT),
    create.replace("http://localhost:8080", broker.pulsar.direct.adminUrl),
  ];
  for (const command of commands) await run("bash", ["-ec", command], { cwd: folder });
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
