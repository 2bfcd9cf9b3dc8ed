/** However a player ends, the next one goes on: nothing is lost, and what comes again has the ids that it had. */
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { DistributionError } from "@distribution/core/errors";
import { createSimulatedRuntime } from "@distribution/testkit/simulation";
import { expect, test, vi } from "vitest";
import { WORLD_TOPICS, type WorldIdentity, type WorldPlayerOptions } from "../src/index.ts";
import { createProgressKeeper } from "../src/player/progress-keeper.ts";
import { createFolder } from "./support/folder.ts";
import { count, createStage, expected, idsOf, type Stage, seconds } from "./support/playing.ts";
import { worldOptions } from "./support/worlds.ts";

const FILE = "execution.progress";

test("stopped and started again it goes on where it was, and sends nothing twice", async () => {
  using stage = createStage();
  for (let round = 1; round <= 3; round += 1) {
    const player = stage.player();
    player.start();
    await stage.runtime.run(3000);
    await player.stop();
    await player.stop();
    expect(player.stats.noted).toBe(count(stage.service.log));
  }
  const last = stage.player({ untilNs: seconds(12) });
  last.start();
  await stage.runtime.run(4000);
  await last.done;
  expect(idsOf(stage.service.log)).toEqual(expected(seconds(12)));
  expect(stage.service.duplicates).toBe(0);
});

test.each(["normal", "upstream-outage", "bad-data"] as const)(
  "killed at any time it goes on from what it noted, in the scenario %s",
  async (scenario) => {
    using stage = createStage();
    const world = worldOptions({ scenario, rate: 300 });
    const moments = [700, 2900, 4100, 12_000, 25_000, 3];
    for (const [round, ms] of moments.entries()) await playAndDie(stage, world, round, ms);
    const last = stage.player({ world, untilNs: seconds(60), progressFile: progressOf(stage, moments.length) });
    last.start();
    await stage.runtime.run(60_000);
    await last.done;
    const log = idsOf(stage.service.log);
    for (const [topic, ids] of expected(seconds(60), world)) {
      expect(log.get(topic)?.filter((id) => !id.endsWith("-bad"))).toEqual(ids);
    }
    expect(stage.service.duplicates).toBeGreaterThan(0);
  },
);

test.each(["normal", "upstream-outage", "bad-data"] as const)(
  "killed, with a service that has forgotten what it knew, it sends only what did not come, in the scenario %s",
  async (scenario) => {
    using stage = createStage();
    const world = worldOptions({ scenario, rate: 300 });
    const { held } = stage.service;
    const moments = [3, 1700, 2900, 4100];
    for (const [round, ms] of moments.entries()) {
      await playAndDie(stage, world, round, ms, { held });
      stage.service.forget();
    }
    const progressFile = progressOf(stage, moments.length);
    const last = stage.player({ world, held, untilNs: seconds(20), progressFile });
    last.start();
    await stage.runtime.run(20_000);
    await last.done;
    const log = idsOf(stage.service.log);
    for (const [topic, ids] of expected(seconds(20), world)) {
      expect(log.get(topic)?.filter((id) => !id.endsWith("-bad"))).toEqual(ids);
    }
    expect([stage.service.duplicates, last.stats.held]).toEqual([0, expect.any(Number)]);
    expect(last.stats.held).toBeGreaterThan(0);
  },
);

test("what the service has is asked from a little before the last note on, of every topic, until it answers", async () => {
  using stage = createStage();
  const first = stage.player();
  first.start();
  await stage.runtime.run(1000);
  await first.stop();
  const notedNs = stage.runtime.clock.wallNs();
  await stage.runtime.run(60_000);
  const asked: [string, bigint][] = [];
  let answers = false;
  const second = stage.player({
    async held(topic, sinceNs) {
      asked.push([topic, sinceNs]);
      if (!answers) throw new DistributionError("unavailable", "It is not there yet.");
      return new Set();
    },
  });
  second.start();
  const { published } = second.stats;
  await stage.runtime.run(5000);
  expect(second.stats).toMatchObject({ state: "playing", published });
  expect(new Set(asked.splice(0).map(([topic]) => topic))).toEqual(new Set(["execution.orders"]));
  answers = true;
  await stage.runtime.run(2000);
  const sinceNs = notedNs - 10_000_000_000n;
  expect(asked).toEqual(Object.values(WORLD_TOPICS.execution).map((topic) => [topic, sinceNs]));
  await stage.runtime.run(2000);
  expect(second.stats.published).toBeGreaterThan(0);
  await second.stop();
});

test("stopped while it asks, it stops; refused for good, it has failed", async () => {
  using stage = createStage();
  const first = stage.player();
  first.start();
  await stage.runtime.run(1000);
  await first.stop();
  const waiting = stage.player({ held: () => Promise.reject(new Error("Not now.")) });
  waiting.start();
  await stage.runtime.run(1000);
  await waiting.stop();
  expect(waiting.stats).toMatchObject({ state: "stopped", published: 0 });
  const refused = stage.player({ held: () => Promise.reject(new DistributionError("forbidden", "Not you.")) });
  refused.start();
  await stage.runtime.run(10);
  await expect(refused.done).rejects.toThrow("Not you.");
});

const progressOf = ({ folder }: Stage, round: number): string => folder.file(`${round}.progress`);

/** A process that is gone takes nothing in and sends nothing out; its file is as it was in that moment. */
async function playAndDie(
  stage: Stage,
  world: WorldIdentity,
  round: number,
  ms: number,
  options: Pick<WorldPlayerOptions, "held"> = {},
): Promise<void> {
  const { publish, log, refused, duplicates } = stage.service;
  const taken = count(log) + refused.size;
  let isGone = false;
  const player = stage.player({
    world,
    ...options,
    noteEveryMs: 1000,
    progressFile: progressOf(stage, round),
    publish: (topic, events) => (isGone ? new Promise(() => undefined) : publish(topic, events)),
  });
  const { noted } = player.stats;
  player.start();
  await stage.runtime.run(ms);
  isGone = true;
  expect(stage.service.duplicates - duplicates).toBeLessThanOrEqual(taken - noted);
  if (existsSync(progressOf(stage, round))) {
    copyFileSync(progressOf(stage, round), progressOf(stage, round + 1));
  }
  void player.stop();
}

test("what is not durable is not noted, however long it takes", async () => {
  using stage = createStage();
  const player = stage.player({ noteEveryMs: 100 });
  player.start();
  // Time is simulated, writing is not.
  await vi.waitFor(async () => {
    await stage.runtime.run(100);
    expect(player.stats.noted).toBeGreaterThan(0);
  });
  const answers: (() => void)[] = [];
  stage.service.before = () => new Promise<void>((resolve) => answers.push(resolve));
  await stage.runtime.run(500);
  expect(answers).not.toEqual([]);
  const taken = count(stage.service.log);
  await stage.runtime.run(5000);
  expect(player.stats.noted).toBeLessThanOrEqual(taken);
  stage.service.before = () => undefined;
  for (const answer of answers) answer();
  await stage.runtime.run(100);
  await player.stop();
  expect(player.stats.noted).toBe(count(stage.service.log));
  expect(player.stats.noted).toBeGreaterThan(taken);
});

test("an end notes nothing while something from before the last note is not durable", async () => {
  using folder = createFolder();
  const runtime = createSimulatedRuntime(1);
  const file = folder.file(FILE);
  const save = () => new Uint8Array(8);
  const keeper = createProgressKeeper({
    file,
    domain: "execution",
    acknowledged: 0,
    save,
    clock: runtime.clock,
    everyMs: 10,
  });
  const before = keeper.span;
  before.open = 3;
  keeper.told(3);
  await runtime.run(10);
  keeper.noteIfDue();
  await keeper.finish();
  expect(existsSync(file)).toBe(false);
  before.open = 0;
  keeper.settled(before);
  await keeper.finish();
  expect(keeper).toMatchObject({ noted: 3, failure: undefined });
});

test("noting takes at most a fiftieth of the time", async () => {
  using folder = createFolder();
  const runtime = createSimulatedRuntime(1);
  const file = folder.file(FILE);
  let nowMs = 0;
  const clock = { ...runtime.clock, monotonicMs: () => nowMs };
  const save = (): Uint8Array => {
    nowMs += 100;
    return new Uint8Array(8);
  };
  const keeper = createProgressKeeper({ file, domain: "execution", acknowledged: 0, save, clock, everyMs: 10 });
  for (const [ms, noted] of [
    [9, 0],
    [10, 2],
    [10 + 100 + 4999, 2],
    [10 + 100 + 5000, 4],
  ] as const) {
    nowMs = ms;
    keeper.told(1);
    keeper.noteIfDue();
    await vi.waitFor(() => expect(keeper.noted).toBe(noted));
  }
});

test("while the service is down, stop gives up in time and notes nothing that was not taken", async () => {
  using stage = createStage();
  const player = stage.player({ stopWithinMs: 800 });
  player.start();
  await stage.runtime.run(1000);
  stage.service.before = () => new Promise(() => undefined);
  await stage.runtime.run(1000);
  const taken = count(stage.service.log);
  let stopped = false;
  const stopping = player.stop().then(() => {
    stopped = true;
  });
  await stage.runtime.run(700);
  expect(stopped).toBe(false);
  await stage.runtime.run(200);
  await stopping;
  expect(player.stats.noted).toBeLessThanOrEqual(taken);
});

test("stopped while it waits before a retry, it stops at once", async () => {
  using stage = createStage();
  const player = stage.player();
  stage.service.before = () => Promise.reject(new Error("Not now."));
  player.start();
  await stage.runtime.run(5000);
  await player.stop();
  expect(player.stats).toMatchObject({ state: "stopped", published: 0, noted: 0 });
  expect(player.stats.queued).toBeGreaterThan(0);
});

test("where progress cannot be written it plays on and says so, and notes it when it can be", async () => {
  using stage = createStage();
  const folder = stage.folder.file("later");
  const player = stage.player({ progressFile: `${folder}/${FILE}`, noteEveryMs: 100 });
  writeFileSync(folder, "A file where the folder should be.");
  player.start();
  await vi.waitFor(async () => {
    await stage.runtime.run(100);
    expect(player.stats.noteFailure).toMatch(/ENOTDIR|EEXIST/);
  });
  expect(player.stats).toMatchObject({ state: "playing", noted: 0 });
  rmSync(folder);
  await stage.runtime.run(1000);
  await player.stop();
  expect(player.stats).toMatchObject({ noteFailure: undefined, noted: count(stage.service.log) });
  expect(player.stats.noted).toBeGreaterThan(0);
});

test.each([
  ["empty", ""],
  ["no JSON", "seed 1\n"],
  ["JSON of something else", '{"seed":1}\n'],
  ["without its time", '{"domain":"execution","acknowledged":3}\n'],
  ["without its state", '{"domain":"execution","acknowledged":3,"notedNs":"5"}\n'],
  ["with half its state", '{"domain":"execution","acknowledged":3,"notedNs":"5"}\nabcdefgh'],
])("a progress file that is %s is refused, not overwritten", (_what, text) => {
  using stage = createStage();
  writeFileSync(stage.folder.file(FILE), text);
  expect(() => stage.player()).toThrow(expect.objectContaining({ code: "record_damaged" }));
  expect(readFileSync(stage.folder.file(FILE), "utf8")).toBe(text);
});

test("the progress of another domain or another world is refused", async () => {
  using stage = createStage();
  const player = stage.player();
  player.start();
  await stage.runtime.run(100);
  await player.stop();
  expect(() => stage.player({ domain: "portfolio" })).toThrow(
    `${FILE} is the progress of execution, not of portfolio.`,
  );
  expect(() => stage.player({ world: worldOptions({ seed: 2 }) })).toThrow("world.state: It is of the world of seed 1");
});

test("a progress file that cannot be read is no missing one", () => {
  using stage = createStage();
  mkdirSync(stage.folder.file(FILE));
  expect(() => stage.player()).toThrow("EISDIR");
});
