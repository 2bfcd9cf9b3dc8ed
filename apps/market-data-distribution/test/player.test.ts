import { DistributionError } from "@distribution/core/errors";
import type { Event } from "@distribution/proto-types/distribution/v1/event";
import { NormalizedMarketDataEvent } from "@distribution/proto-types/market_data/v1/market_data";
import { describe, expect, it } from "vitest";
import { createFeedPlayer, type FeedPlayerOptions } from "../src/domain/feeds/player.ts";
import { createSimulator, RECORDINGS } from "../src/simulator.ts";
import { createFakeRuntime, type FakeRuntime } from "./support/fake-runtime.ts";
import { thrownBy } from "./support/market.ts";
import { line, match, recordingOf } from "./support/recording-file.ts";

interface Taken {
  readonly topic: string;
  readonly event: Event;
  /** Milliseconds since the start. */
  readonly at: number;
}

function playing(lines: readonly string[], options: Partial<FeedPlayerOptions> = {}) {
  const runtime = createFakeRuntime({ auto: true });
  const taken: Taken[] = [];
  const player = createFeedPlayer({
    files: [{ venue: "coinbase", path: recordingOf(lines) }],
    speed: 1,
    repeat: "once",
    runtime,
    runId: "run",
    async publish(topic, events) {
      for (const event of events) taken.push({ topic, event, at: runtime.now() });
    },
    ...options,
  });
  return { player, taken, runtime };
}

const THREE = [line(0, match(1)), line(0.25, match(2)), line(2, match(3))];
const trades = (taken: readonly Taken[]) => taken.filter(({ topic }) => topic === "market-data.trades");
const status = (taken: readonly Taken[]) =>
  taken.flatMap(({ topic, event }) => {
    const { payload } = NormalizedMarketDataEvent.decode(event.data ?? Buffer.alloc(0));
    return topic === "market-data.status" && payload?.$case === "status" ? [payload.value] : [];
  });
const turns = async (count: number): Promise<void> => {
  for (let turn = 0; turn < count; turn += 1) await new Promise(setImmediate);
};
/** Waits, in turns of the event loop, until it is so. */
const until = async (isSo: () => boolean): Promise<void> => {
  while (!isSo()) await new Promise(setImmediate);
};

describe("a player's speed", () => {
  it.each([
    [1, [0, 250, 2000]],
    [2, [0, 125, 1000]],
    [0.5, [0, 500, 4000]],
    ["max" as const, [0, 0, 0]],
  ])("of %s sends each message at its time", async (speed, times) => {
    const { player, taken } = playing(THREE, { speed });
    player.start();
    await player.done;
    expect(trades(taken).map(({ at }) => at)).toEqual(times);
    expect(player.stats).toMatchObject({ state: "finished", queued: 0, files: [{ rounds: 1 }] });
  });

  it("does not hurry after it was held up", async () => {
    let held = false;
    const { player, taken, runtime } = playing([...THREE, line(3, match(4))], {
      maxQueuedEvents: 1,
      async publish(topic, events) {
        if (topic === "market-data.trades" && !held) {
          held = true;
          await new Promise<void>((resolve) => runtime.timers.after(60_000, resolve));
        }
        for (const event of events) taken.push({ topic, event, at: runtime.now() });
      },
    });
    player.start();
    await player.done;
    const at = trades(taken).map((trade) => trade.at);
    expect(at[0]).toBe(60_000);
    expect((at[3] ?? 0) - (at[2] ?? 0)).toBe(1000);
  });
});

describe("a player's times", () => {
  const timesOf = async (times: "recorded" | "now") => {
    const { player, taken, runtime } = playing(THREE, { times });
    const start = runtime.clock.wallNs();
    player.start();
    await player.done;
    return trades(taken).map(({ event }) => {
      const { exchangeTime, receivedTime } = NormalizedMarketDataEvent.decode(event.data ?? Buffer.alloc(0));
      return { sinceStart: Number(receivedTime - start) / 1e6, delay: Number(receivedTime - exchangeTime) / 1e6 };
    });
  };

  it("as recorded are those of the recording", async () => {
    const [first] = await timesOf("recorded");
    expect(first).toEqual({ sinceStart: (1_618_677_817 - 1_800_000_000) * 1000, delay: 0 });
  });

  it("moved to now keep their distance to the exchange's time", async () => {
    expect(await timesOf("now")).toEqual([
      { sinceStart: 0, delay: 0 },
      { sinceStart: 250, delay: 250 },
      { sinceStart: 2000, delay: 2000 },
    ]);
  });
});

describe("a player that loops", () => {
  it("connects again each round, with ids of the round and sequences that go on, until it is stopped", async () => {
    const { player, taken } = playing([line(0, match(1)), line(1, match(2))], { repeat: "loop", times: "now" });
    player.start();
    await until(() => trades(taken).length >= 5);
    await player.stop();
    const [first, , third] = trades(taken);
    expect([first?.event.id, third?.event.id]).toEqual(["run-1:coinbase:1:1", "run-2:coinbase:1:1"]);
    expect(trades(taken).map(({ event }) => event.sequence)).toEqual(
      trades(taken).map((_, index) => BigInt(index + 1)),
    );
    const reasons = status(taken).map(({ reason }) => reason);
    expect(reasons.slice(0, 3)).toEqual([
      "The feed is connected.",
      "The recording ended and starts again.",
      "The feed is connected.",
    ]);
    expect(reasons.at(-1)).toBe("The feed was stopped.");
    expect(player.stats.state).toBe("stopped");
  });

  it("goes on with its bars over the rounds when times are now", async () => {
    const { player, taken } = playing([line(0, match(1)), line(5, match(2))], { repeat: "loop", times: "now" });
    player.start();
    await until(() => trades(taken).length >= 6);
    await player.stop();
    expect(status(taken).filter(({ alert }) => alert)).toEqual([]);
  });
});

describe("pausing a player", () => {
  it("holds the recording, and resuming goes on where it was", async () => {
    const { player, taken } = playing([line(0, match(1)), line(1, match(2)), line(1.5, match(3))], manual());
    player.start();
    await until(() => trades(taken).length === 1);
    player.pause();
    player.pause();
    expect(player.stats.state).toBe("paused");
    await clock.advance(10_000);
    await turns(5);
    expect(trades(taken)).toHaveLength(1);
    player.resume();
    player.resume();
    await until(() => clock.pendingTimers === 1);
    await clock.advance(999);
    await turns(5);
    expect(trades(taken)).toHaveLength(1);
    await clock.advance(1);
    await until(() => trades(taken).length === 2);
    await player.stop();
  });
});

let clock: FakeRuntime;
/** Time that the test moves. */
function manual(): { readonly runtime: FakeRuntime } {
  clock = createFakeRuntime({ auto: false });
  return { runtime: clock };
}

describe("stopping a player", () => {
  it("before it began ends it", async () => {
    const { player, taken } = playing(THREE);
    await player.stop();
    await player.done;
    player.start();
    await turns(5);
    expect([player.stats.state, taken]).toEqual(["stopped", []]);
  });

  it("in the middle tells that the feed is down and leaves nothing running", async () => {
    const { player, taken } = playing(THREE, manual());
    player.start();
    await until(() => clock.pendingTimers === 1);
    await player.stop();
    await player.stop();
    expect(status(taken).at(-1)).toMatchObject({ state: "FEED_STATE_DOWN", reason: "The feed was stopped." });
    expect(clock.pendingTimers).toBe(0);
  });

  it("while the service is away gives up what it does not take", async () => {
    const { player } = playing(THREE, {
      ...manual(),
      publish: () => Promise.reject(new DistributionError("unavailable", "away")),
    });
    player.start();
    await until(() => clock.pendingTimers >= 2);
    await player.stop();
    expect(player.stats).toMatchObject({ state: "stopped", queued: 0, published: 0 });
    expect(player.stats.abandoned).toBeGreaterThan(0);
  });
});

describe("a player whose service is in trouble", () => {
  it("reads no further than its bound while nothing becomes durable", async () => {
    const lines = Array.from({ length: 500 }, (_, index) => line(index / 1000, match(index + 1)));
    const stuck = Promise.withResolvers<void>();
    const { player } = playing(lines, { speed: "max", maxQueuedEvents: 20, publish: () => stuck.promise });
    player.start();
    await until(() => player.stats.queued >= 20);
    await turns(20);
    expect(player.stats.queued).toBe(20);
    stuck.resolve();
    await player.done;
    expect(player.stats).toMatchObject({ queued: 0, abandoned: 0, refused: 0 });
  });

  it("publishes each event once, in order, however often the service fails", async () => {
    let calls = 0;
    const taken: Event[] = [];
    const { player } = playing(THREE, {
      async publish(_topic, events) {
        calls += 1;
        if (calls % 3 !== 0) throw new DistributionError("overloaded", "busy");
        taken.push(...events);
      },
    });
    player.start();
    await player.done;
    const ids = taken.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.filter((id) => /:[123]:1$/.test(id)).length).toBeGreaterThanOrEqual(3);
    expect(player.stats.retries).toBeGreaterThan(0);
  });

  it("tells of an event that was refused, and only counts a refused alert", async () => {
    const taken: Taken[] = [];
    const { player } = playing(THREE, {
      async publish(topic, events) {
        if (events.some(({ id, type }) => id.includes(":2:") || type === "market-data.alert.v1")) {
          throw new DistributionError("event_too_large", "too large");
        }
        for (const event of events) taken.push({ topic, event, at: 0 });
      },
    });
    player.start();
    await player.done;
    expect(trades(taken)).toHaveLength(2);
    expect(player.stats.files[0]?.feed.problems["REFUSED"]).toBeGreaterThanOrEqual(2);
    expect(player.stats.refused).toBeGreaterThanOrEqual(2);
  });
});

describe("a player whose recording cannot be played", () => {
  it.each([
    ["is missing", () => "/nowhere.gz", "not_found"],
    ["is empty", () => recordingOf([]), "record_damaged"],
  ])("because it %s fails with its name, and tells that the feed is down", async (_what, path, code) => {
    const { player, taken } = playing([], { files: [{ venue: "bitmex", path: path() }], repeat: "loop" });
    player.start();
    await expect(player.done).rejects.toMatchObject({ code });
    expect(player.stats.state).toBe("failed");
    expect(status(taken)).toMatchObject([{ state: "FEED_STATE_DOWN" }]);
  });

  it("still plays its bad lines as problems", async () => {
    const { player, taken } = playing(["nonsense", "[[[[", line(0, match(1)), "{}"]);
    player.start();
    await player.done;
    expect(trades(taken)).toHaveLength(1);
    expect(player.stats.files[0]?.feed.problems).toEqual({ MALFORMED: 3 });
  });
});

describe("a player's options", () => {
  it.each([
    [{ files: [] }, "files"],
    [{ files: [{ venue: "toString" as never, path: "x" }] }, "files[0].venue"],
    [{ speed: 0 }, "speed"],
    [{ speed: -1 }, "speed"],
    [{ speed: Number.NaN }, "speed"],
    [{ speed: 10_000.5 }, "speed"],
    [{ runId: "" }, "runId"],
    [{ runId: "a".repeat(65) }, "runId"],
    [{ runId: "a:b" }, "runId"],
    [{ maxQueuedEvents: 0 }, "maxQueuedEvents"],
    [{ maxQueuedEvents: 1.5 }, "maxQueuedEvents"],
  ])("such as %o are refused at %s", (options, path) => {
    expect(thrownBy(() => playing(THREE, options))).toMatchObject({ code: "invalid_request", errors: [{ path }] });
  });

  it.each([{ speed: 10_000 }, { speed: 0.001 }, { runId: "a".repeat(64) }, { maxQueuedEvents: 1 }])(
    "such as %o are taken",
    (options) => {
      expect(() => playing(THREE, options)).not.toThrow();
    },
  );

  it("give two files of one venue names of their own", async () => {
    const file = { venue: "coinbase", path: recordingOf(THREE) } as const;
    const { player, taken } = playing([], { files: [file, file], speed: "max" });
    player.start();
    await player.done;
    expect(new Set(trades(taken).map(({ event }) => event.source))).toEqual(
      new Set(["/market-data/feeds/coinbase/run/trades", "/market-data/feeds/coinbase-2/run/trades"]),
    );
  });
});

describe("the simulator", () => {
  it("plays the recordings of both venues as if they happened now, in a loop", async () => {
    const runtime = createFakeRuntime({ auto: true });
    const sources = new Set<string>();
    let newest = 0n;
    const simulator = createSimulator({
      runtime,
      runId: "sim",
      async publish(_topic, events) {
        for (const { source, time } of events) {
          sources.add(source.split("/")[3] ?? "");
          if (time > newest) newest = time;
        }
      },
    });
    simulator.start();
    simulator.start();
    await until(() => simulator.stats.files.every(({ rounds }) => rounds >= 2));
    await simulator.stop();
    expect(sources).toEqual(new Set(["coinbase", "bitmex"]));
    // The exchange's clock may be a little ahead of the recorder's.
    expect(Number(newest - runtime.clock.wallNs())).toBeLessThan(60e9);
    expect(newest).toBeGreaterThan(1_800_000_000_000_000_000n);
    expect(RECORDINGS).toHaveLength(2);
  });
});
