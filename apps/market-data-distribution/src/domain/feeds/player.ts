/** Plays recordings of venues into the service: at the speed they were recorded, faster, or as fast as it takes them. */
import { randomUUID } from "node:crypto";
import { fieldError } from "@distribution/core/errors";
import type { Runtime } from "@distribution/core/runtime";
import type { BarInterval } from "../bar-intervals.ts";
import { createBarBuilder } from "../bars.ts";
import { createBitmexNormalizer } from "./bitmex.ts";
import { createCoinbaseNormalizer } from "./coinbase.ts";
import { createFeed } from "./feed.ts";
import type { Normalizer } from "./normalizer.ts";
import type { OutboxStats, Publish } from "./outbox.ts";
import { createTrack, type Track, type TrackStats } from "./track.ts";

const NORMALIZERS = {
  coinbase: createCoinbaseNormalizer,
  bitmex: createBitmexNormalizer,
} as const satisfies Record<string, () => Normalizer>;

export type Venue = keyof typeof NORMALIZERS;

export interface FeedFile {
  readonly venue: Venue;
  /** A gzipped recording, one `{receivedAt, message}` a line. */
  readonly path: string;
}

export interface FeedPlayerOptions {
  /** Played at the same time, each from its own first line. */
  readonly files: readonly FeedFile[];
  /** 1: as recorded; 10: ten times as fast; "max": as fast as `publish` takes it. Above 0, at most 10,000. */
  readonly speed: number | "max";
  readonly repeat: "once" | "loop";
  readonly publish: Publish;
  readonly runtime: Runtime;
  /**
   * "recorded" keeps the recorded times. "now" moves them so that each message is received when it is played and keeps
   * its distance to the exchange's time. Default "recorded".
   */
  readonly times?: "recorded" | "now";
  /** Makes the ids of this run its own. Default: a new UUID. 1 to 64 of letters, digits and "-". */
  readonly runId?: string;
  /** Bars that are made of the trades. Default 1s and 1m. */
  readonly barIntervals?: readonly BarInterval[];
  /** Events not yet durable at which reading waits, by file. Default 10,000. */
  readonly maxQueuedEvents?: number;
}

export interface FeedPlayerStats extends OutboxStats {
  readonly state: "idle" | "playing" | "paused" | "stopped" | "finished" | "failed";
  readonly files: readonly TrackStats[];
}

export interface FeedPlayer {
  /** Idempotent. */
  start(): void;
  /** Reads no further; what was read is still published. */
  pause(): void;
  resume(): void;
  /** Reads no further, tells that the feeds are down, offers what is queued once more, and resolves. Idempotent. */
  stop(): Promise<void>;
  /** Resolves when all files are played or `stop` is done; rejects when a recording cannot be read. */
  readonly done: Promise<void>;
  readonly stats: FeedPlayerStats;
}

const MAX_SPEED = 10_000;
const RUN_ID = /^[A-Za-z0-9-]{1,64}$/;
const DEFAULT_INTERVALS: readonly BarInterval[] = ["1s", "1m"];

/** Throws `invalid_request` for options out of range. */
export function createFeedPlayer(options: FeedPlayerOptions): FeedPlayer {
  check(options);
  const tracks = createTracks(options);
  const finished = Promise.withResolvers<void>();
  // A player that nobody waits for must not end the process; its failure is in the stats.
  finished.promise.catch(() => {});
  let state: FeedPlayerStats["state"] = "idle";

  const play = async (): Promise<void> => {
    const results = await Promise.allSettled(tracks.map((track) => track.play()));
    const failed = results.find((result) => result.status === "rejected");
    if (failed) {
      state = "failed";
      finished.reject(failed.reason);
    } else {
      if (state !== "stopped") state = "finished";
      finished.resolve();
    }
  };

  return {
    done: finished.promise,
    start() {
      if (state !== "idle") return;
      state = "playing";
      void play();
    },
    pause() {
      if (state !== "playing") return;
      state = "paused";
      for (const track of tracks) track.pause();
    },
    resume() {
      if (state !== "paused") return;
      state = "playing";
      for (const track of tracks) track.resume();
    },
    async stop() {
      if (state === "idle") finished.resolve();
      if (state === "idle" || state === "playing" || state === "paused") state = "stopped";
      for (const track of tracks) track.stop();
      await Promise.allSettled([finished.promise]);
    },
    get stats() {
      return { state, files: tracks.map(({ stats }) => stats), ...total(tracks) };
    },
  };
}

function createTracks(options: FeedPlayerOptions): readonly Track[] {
  const { files, barIntervals = DEFAULT_INTERVALS, runId = randomUUID() } = options;
  return files.map(({ venue, path }, index) => {
    const earlier = files.slice(0, index).filter((file) => file.venue === venue).length;
    const bars = createBarBuilder({ intervals: barIntervals });
    const feed = createFeed({
      name: earlier === 0 ? venue : `${venue}-${earlier + 1}`,
      runId,
      createNormalizer: NORMALIZERS[venue],
      bars,
    });
    const { speed, repeat, publish, runtime, times = "recorded", maxQueuedEvents } = options;
    return createTrack({
      path,
      feed,
      speed,
      repeat,
      times,
      publish,
      runtime,
      ...(maxQueuedEvents === undefined ? {} : { maxQueuedEvents }),
    });
  });
}

function total(tracks: readonly Track[]): OutboxStats {
  const sum = { queued: 0, published: 0, retries: 0, refused: 0, abandoned: 0 };
  for (const { outbox } of tracks.map(({ stats }) => stats)) {
    sum.queued += outbox.queued;
    sum.published += outbox.published;
    sum.retries += outbox.retries;
    sum.refused += outbox.refused;
    sum.abandoned += outbox.abandoned;
  }
  return sum;
}

function check({ files, speed, runId, maxQueuedEvents }: FeedPlayerOptions): void {
  if (files.length === 0) throw fieldError("invalid_request", "files", "must name at least one recording.");
  for (const [index, { venue }] of files.entries()) {
    if (!Object.hasOwn(NORMALIZERS, venue)) {
      const known = Object.keys(NORMALIZERS).join(", ");
      throw fieldError("invalid_request", `files[${index}].venue`, `must be one of ${known}.`);
    }
  }
  if (speed !== "max" && !(speed > 0 && speed <= MAX_SPEED)) {
    throw fieldError("invalid_request", "speed", `must be "max", or above 0 and at most ${MAX_SPEED}; it is ${speed}.`);
  }
  if (runId !== undefined && !RUN_ID.test(runId)) {
    throw fieldError("invalid_request", "runId", 'must be 1 to 64 letters, digits and "-".');
  }
  if (maxQueuedEvents !== undefined && !(Number.isInteger(maxQueuedEvents) && maxQueuedEvents >= 1)) {
    throw fieldError(
      "invalid_request",
      "maxQueuedEvents",
      `must be a whole number of 1 or more; it is ${maxQueuedEvents}.`,
    );
  }
}
