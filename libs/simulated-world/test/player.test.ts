/** A player gives its service one domain's part of the world: all of it, in order, in time. */
import { DistributionClientError } from "@distribution/client";
import { DistributionError } from "@distribution/core/errors";
import { describe, expect, test, vi } from "vitest";
import type { WorldEvent } from "../src/index.ts";
import { count, createStage, expected, idsOf, seconds } from "./support/playing.ts";
import { START_NS, worldOptions } from "./support/worlds.ts";

test.each([1, 10, 0.5])("at a speed of %d world time follows the clock", async (speed) => {
  using stage = createStage();
  const player = stage.player({ speed });
  player.start();
  player.start();
  await stage.runtime.run(2000);
  // What became due within the last moment may be on its way still.
  const due = count(expected(seconds(2 * speed)));
  const moment = count(expected(seconds(1.95 * speed)));
  expect(count(stage.service.log)).toBeGreaterThanOrEqual(moment);
  expect(count(stage.service.log)).toBeLessThanOrEqual(due);
  await player.stop();
  expect(player.stats.state).toBe("stopped");
  const told = idsOf(stage.service.log);
  for (const [topic, ids] of expected(seconds(2 * speed)))
    expect(ids.slice(0, told.get(topic)?.length)).toEqual(told.get(topic) ?? []);
  await expect(player.done).resolves.toBeUndefined();
});

test("played up to a time as fast as it is taken, it is finished with exactly what happened until then", async () => {
  using stage = createStage();
  const player = stage.player({ speed: "max", untilNs: seconds(20), maxBatchEvents: 100 });
  player.start();
  await stage.runtime.run(1000);
  await player.done;
  expect(idsOf(stage.service.log)).toEqual(expected(seconds(20)));
  expect(Math.max(...stage.service.batches)).toBeLessThanOrEqual(100);
  const published = count(stage.service.log);
  expect(player.stats).toMatchObject({
    state: "finished",
    published,
    noted: published,
    queued: 0,
    retries: 0,
    refused: 0,
  });
  await player.stop();
});

test("a batch is bounded in bytes too", async () => {
  using stage = createStage();
  const player = stage.player({ speed: "max", untilNs: seconds(5), maxBatchBytes: 1000 });
  let most = 0;
  stage.service.before = (_topic, events) => {
    most = Math.max(
      most,
      events.reduce((sum, { data }) => sum + (data?.length ?? 0), 0),
    );
  };
  player.start();
  await stage.runtime.run(1000);
  await player.done;
  expect(most).toBeLessThanOrEqual(1000);
  expect(idsOf(stage.service.log)).toEqual(expected(seconds(5)));
});

test("a world that begins later is waited for", async () => {
  using stage = createStage();
  const player = stage.player({ world: worldOptions({ startNs: START_NS + 5_000_000_000n }), domain: "portfolio" });
  player.start();
  await stage.runtime.run(4900);
  expect(count(stage.service.log)).toBe(0);
  await stage.runtime.run(200);
  expect(stage.service.log.get("portfolio.state")?.length).toBeGreaterThanOrEqual(4);
  await player.stop();
});

test("far behind, it catches up as fast as it is taken, and then keeps time", async () => {
  using stage = createStage();
  await stage.runtime.run(60_000);
  const player = stage.player();
  player.start();
  await stage.runtime.run(1000);
  expect(count(stage.service.log)).toBeGreaterThan(count(expected(seconds(60))));
  expect(player.stats.worldNs).toBeGreaterThan(seconds(60.9));
  expect(player.stats.worldNs).toBeLessThan(seconds(61.2));
  await player.stop();
});

test("a service that does not answer holds the world up, at the bound", async () => {
  using stage = createStage();
  const answers: (() => void)[] = [];
  stage.service.before = () => new Promise<void>((resolve) => answers.push(resolve));
  const player = stage.player({ speed: "max", maxQueuedEvents: 300, untilNs: seconds(10) });
  player.start();
  await stage.runtime.run(1000);
  const { queued, worldNs } = player.stats;
  expect(queued).toBeGreaterThanOrEqual(300);
  // A chunk may go over it.
  expect(queued).toBeLessThan(300 + 500);
  await stage.runtime.run(10_000);
  expect(player.stats).toMatchObject({ queued, worldNs });
  stage.service.before = () => undefined;
  for (const answer of answers) answer();
  await stage.runtime.run(1000);
  await player.done;
  expect(idsOf(stage.service.log)).toEqual(expected(seconds(10)));
});

describe("refusals", () => {
  test.each([
    ["overloaded by the service", new DistributionClientError("overloaded", "Later.", { retryAfterMs: 400 })],
    ["unanswered", new DistributionClientError("timeout", "No answer.")],
    ["the core's own", new DistributionError("unavailable", "Starting.")],
    ["unknown", new Error("What?")],
    ["no error at all", "what?"],
  ])("that pass are tried again, in order: %s", async (_name, failure) => {
    using stage = createStage();
    let left = 6;
    stage.service.before = () => {
      left -= 1;
      if (left >= 0) throw failure;
    };
    const player = stage.player({ untilNs: seconds(3) });
    player.start();
    await stage.runtime.run(300);
    expect(count(stage.service.log)).toBe(0);
    await stage.runtime.run(20_000);
    await player.done;
    expect(idsOf(stage.service.log)).toEqual(expected(seconds(3)));
    expect(player.stats).toMatchObject({ retries: 6, refused: 0 });
  });

  test("are not tried again before the time that the service names", async () => {
    using stage = createStage();
    const times: number[] = [];
    stage.service.before = () => {
      times.push(stage.runtime.now);
      if (times.length === 1) throw new DistributionClientError("overloaded", "Later.", { retryAfterMs: 3000 });
    };
    const player = stage.player({ untilNs: seconds(0.3), domain: "intelligence" });
    player.start();
    await stage.runtime.run(10_000);
    await player.done;
    expect(times.some((at) => at >= times[0]! + 3000)).toBe(true);
    expect(player.stats.retries).toBe(1);
  });

  test("of one event lose that event alone, and are told", async () => {
    using stage = createStage();
    const world = worldOptions({ scenario: "bad-data" });
    const refused: (readonly [WorldEvent, Error])[] = [];
    const player = stage.player({
      world,
      speed: "max",
      untilNs: seconds(30),
      onRefused: (told, error) => refused.push([told, error]),
    });
    player.start();
    await stage.runtime.run(1000);
    await player.done;
    const told = refused.map(([{ bad }]) => bad);
    expect(told).toContain("conflicting-id");
    expect(told).toContain("unknown-type");
    expect(refused.every(([, error]) => error instanceof DistributionError)).toBe(true);
    expect(player.stats.refused).toBe(refused.length);
    expect(player.stats.refusedBad).toBe(refused.length);
    // The fake service knows nothing of payloads and states: the rest of the bad is in its log.
    const log = idsOf(stage.service.log);
    for (const [topic, ids] of expected(seconds(30), world)) {
      expect(log.get(topic)?.filter((id) => !id.endsWith("-bad"))).toEqual(ids);
    }
    expect(player.stats.noted).toBe(player.stats.published + player.stats.refused);
  });

  test("of a batch that is too large are answered with smaller ones", async () => {
    using stage = createStage();
    stage.service.before = (_topic, events) => {
      if (events.length > 7) throw new DistributionClientError("batch_too_large", "At most 7.");
    };
    const player = stage.player({ speed: "max", untilNs: seconds(5) });
    player.start();
    await stage.runtime.run(1000);
    await player.done;
    expect(idsOf(stage.service.log)).toEqual(expected(seconds(5)));
    expect(player.stats.refused).toBe(0);
  });

  test.each([
    ["of a topic", new DistributionClientError("unknown_topic", "No such topic.")],
    ["of the publisher", new DistributionClientError("forbidden", "Not you.")],
    ["by a publisher that is closed", new DistributionClientError("closed", "Closed.")],
    [
      "of a place that is not in the batch",
      new DistributionError("invalid_event", "?", { errors: [{ path: "events[9999]", message: "?" }] }),
    ],
  ])("that do not pass end the player, and nothing is given up: %s", async (_name, failure) => {
    using stage = createStage();
    const player = stage.player({ noteEveryMs: 500 });
    player.start();
    await stage.runtime.run(3000);
    await vi.waitFor(() => expect(player.stats.noted).toBeGreaterThan(0));
    const before = count(stage.service.log);
    stage.service.before = () => Promise.reject(failure);
    await stage.runtime.run(3000);
    await expect(player.done).rejects.toBe(failure);
    expect(player.stats).toMatchObject({ state: "failed", refused: 0 });
    await player.stop();
    expect(player.stats.noted).toBeLessThanOrEqual(before);
    stage.service.before = () => undefined;
    const again = stage.player({ untilNs: seconds(8) });
    again.start();
    await stage.runtime.run(6000);
    await again.done;
    expect(idsOf(stage.service.log)).toEqual(expected(seconds(8)));
  });
});

describe("options out of range are refused", () => {
  test.each([
    ["speed", { speed: 0 }],
    ["speed", { speed: 10_001 }],
    ["speed", { speed: Number.NaN }],
    ["noteEveryMs", { noteEveryMs: 0 }],
    ["stopWithinMs", { stopWithinMs: 1.5 }],
    ["maxQueuedEvents", { maxQueuedEvents: 0 }],
    ["maxBatchEvents", { maxBatchEvents: -1 }],
    ["maxBatchBytes", { maxBatchBytes: 0 }],
    ["world.rate", { world: worldOptions({ rate: 0 }) }],
    ["world.domains", { domain: "market-data" as never }],
  ])("%s", (path, options) => {
    using stage = createStage();
    expect(() => stage.player(options)).toThrow(
      expect.objectContaining({ code: "invalid_request", errors: [expect.objectContaining({ path })] }),
    );
  });

  test.each([0.000_001, 10_000])("a speed of %d is not", (speed) => {
    using stage = createStage();
    expect(stage.player({ speed }).stats.state).toBe("idle");
  });
});

test("a player that was never started stops", async () => {
  using stage = createStage();
  const player = stage.player();
  await player.stop();
  await player.done;
  expect(player.stats).toMatchObject({ state: "stopped", published: 0, noted: 0, noteFailure: undefined });
});
