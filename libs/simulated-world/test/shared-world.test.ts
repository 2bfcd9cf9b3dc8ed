/** Processes that start at the same time agree on one world. */
import { once } from "node:events";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname } from "node:path";
import { Worker } from "node:worker_threads";
import { expect, test } from "vitest";
import { sharedWorld } from "../src/index.ts";
import { createFolder } from "./support/folder.ts";
import { START_NS, worldOptions } from "./support/worlds.ts";

const PROGRAM = new URL("support/agree.ts", import.meta.url);

test("the first one decides, and the file says it without losing digits", () => {
  using folder = createFolder();
  const file = folder.file("state/world.json");
  const wanted = worldOptions({ seed: 2 ** 53 - 1, startNs: START_NS + 1n, scenario: "open", rate: 12.5 });
  expect(sharedWorld(file, wanted)).toEqual(wanted);
  expect(JSON.parse(readFileSync(file, "utf8"))).toEqual({
    seed: 2 ** 53 - 1,
    startNs: String(START_NS + 1n),
    scenario: "open",
    rate: 12.5,
  });
  expect(sharedWorld(file, worldOptions())).toEqual(wanted);
  expect(readdirSync(dirname(file))).toEqual(["world.json"]);
});

test("of several that race one decides for all", async () => {
  using folder = createFolder();
  const threads = 3;
  const files = Array.from({ length: 50 }, (_, round) => folder.file(`${round}.json`));
  const arrivals = new Int32Array(new SharedArrayBuffer(4));
  const answers = await Promise.all(
    Array.from({ length: threads }, async (_, seed) => {
      const worker = new Worker(PROGRAM, { workerData: { files, seed, startNs: START_NS, threads, arrivals } });
      const [seeds] = (await once(worker, "message")) as [readonly number[]];
      return seeds;
    }),
  );
  expect(answers[1]).toEqual(answers[0]);
  expect(answers[2]).toEqual(answers[0]);
  expect(readdirSync(folder.file(".")).sort()).toEqual(files.map((file) => basename(file)).sort());
});

test.each([
  ["empty", "", "Unexpected end of JSON"],
  ["no JSON", "seed 1", "not valid JSON"],
  ["without a start", '{"seed":1,"scenario":"open","rate":1}', "BigInt"],
  [
    "of a scenario that there is not",
    `{"seed":1,"startNs":"${START_NS}","scenario":"calm","rate":1}`,
    "world.json.scenario",
  ],
])("a file that is %s is refused with what to do", (_what, text, why) => {
  using folder = createFolder();
  const file = folder.file("world.json");
  writeFileSync(file, text);
  const read = () => sharedWorld(file, worldOptions());
  expect(read).toThrow(expect.objectContaining({ code: "record_damaged" }));
  expect(read).toThrow(why);
  expect(read).toThrow("Delete it, and the progress of all players with it, to start a new world.");
});

test("a world that is out of range is not written", () => {
  using folder = createFolder();
  expect(() => sharedWorld(folder.file("world.json"), worldOptions({ rate: 0 }))).toThrow("world.rate");
  expect(readdirSync(dirname(folder.file("x")))).toEqual([]);
});

test("a place where nothing can be written is an error", () => {
  using folder = createFolder();
  writeFileSync(folder.file("blocked"), "");
  expect(() => sharedWorld(folder.file("blocked/world.json"), worldOptions())).toThrow(/ENOTDIR|EEXIST/);
});
