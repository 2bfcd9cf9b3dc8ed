/** Plays one domain's part of a world against the wall clock, into the service whose upstream it is. */
import { fieldError } from "@distribution/core/errors";
import { endedWithin, type Runtime } from "@distribution/core/runtime";
import { WORLD_TOPICS, type WorldDomain } from "../names.ts";
import type { WorldIdentity } from "../options.ts";
import { createWorld, type World } from "../world.ts";
import type { WorldEvent } from "../world-event.ts";
import { Lanes, type LanesStats } from "./lanes.ts";
import { createPace, MAX_SPEED, type Pace } from "./pace.ts";
import { readProgress, writeProgressAtOnce } from "./progress.ts";
import { createProgressKeeper, type ProgressKeeper } from "./progress-keeper.ts";
import { type Held, type Publish, refusalOf } from "./publish.ts";

export interface WorldPlayerOptions {
  /** The same for the players of all domains: see `sharedWorld`. */
  readonly world: WorldIdentity;
  readonly domain: WorldDomain;
  readonly publish: Publish;
  /**
   * Asked when it goes on from a note, so that what was taken after the note is not published again: a service knows events
   * again for some time only. Absent: all of it is published again.
   */
  readonly held?: Held;
  readonly runtime: Runtime;
  /**
   * World time is the world's start plus the time since then, this many times: 1 is as it happens. Above 0, at most 10,000.
   * "max": as fast as the service takes it.
   */
  readonly speed: number | "max";
  /** Where it keeps how far it is; it goes on from there. */
  readonly progressFile: string;
  /** Told of each event that the service refused for good; with `bad` those that it has to refuse. */
  readonly onRefused?: (told: WorldEvent, error: Error) => void;
  /** Plays what happens up to this world time, and is finished. Default: for ever. */
  readonly untilNs?: bigint;
  /** Progress is noted this often, ms, and more rarely where noting it takes long. Default 2,000. */
  readonly noteEveryMs?: number;
  /** How long `stop` waits for the service's answers, ms. Default 5,000. */
  readonly stopWithinMs?: number;
  /** Events not yet durable at which the world waits. Default 10,000. */
  readonly maxQueuedEvents?: number;
  /** Bounds of one publish: events (default 500) and bytes of payload (default 256 KiB; one event may be larger). */
  readonly maxBatchEvents?: number;
  readonly maxBatchBytes?: number;
}

export interface WorldPlayerStats extends LanesStats {
  readonly state: "idle" | "playing" | "stopped" | "finished" | "failed";
  /** Up to where the world was played: Unix time, ns. */
  readonly worldNs: bigint;
  /** Events that it did not publish, for the service had them. */
  readonly held: number;
  /** Events of the domain that are noted as durable or refused. */
  readonly noted: number;
  /** Why progress could not be noted the last time; undefined: it was. */
  readonly noteFailure: string | undefined;
}

export interface WorldPlayer {
  /** Idempotent. */
  start(): void;
  /** Plays no further, waits for the answers under way, notes the progress if all was taken, and resolves. Idempotent. */
  stop(): Promise<void>;
  /** Resolves when it is finished or stopped; rejects when the service will take nothing more of it, or the world breaks. */
  readonly done: Promise<void>;
  readonly stats: WorldPlayerStats;
}

/** The service is asked for what came since the last note and for so much before it: its clock may be another one. */
const CLOCKS_DIFFER_NS = 10_000_000_000n;
/** Until it is asked again when it did not answer; a second at most, and at speed "max" a moment. */
const ASK_AGAIN_NS = 500_000_000n;

/** Events of all domains that happen in one go, before others have their turn. */
const CHUNK_EVENTS = 500;

const DEFAULTS = {
  noteEveryMs: 2000,
  stopWithinMs: 5000,
  maxQueuedEvents: 10_000,
  maxBatchEvents: 500,
  maxBatchBytes: 256 * 1024,
} as const;

type Settings = WorldPlayerOptions & { readonly [name in keyof typeof DEFAULTS]: number };

/** Throws `invalid_request` for options out of range, `record_damaged` for a progress file that cannot be gone on from. */
export function createWorldPlayer(options: WorldPlayerOptions): WorldPlayer {
  const settings: Settings = { ...DEFAULTS, ...options };
  check(settings);
  return new DomainPlayer(settings);
}

class DomainPlayer implements WorldPlayer {
  readonly done: Promise<void>;
  readonly #done = Promise.withResolvers<void>();
  readonly #settings: Settings;
  readonly #world: World;
  readonly #lanes: Lanes;
  readonly #keeper: ProgressKeeper;
  readonly #pace: Pace;
  #state: WorldPlayerStats["state"] = "idle";
  #playing: Promise<void> = Promise.resolve();
  readonly #notedNs: bigint | undefined;
  /** Ids of what the service had when it was asked. */
  readonly #known = new Set<string>();
  #held = 0;

  constructor(settings: Settings) {
    const { world, domain, progressFile, runtime, speed } = settings;
    const progress = readProgress(progressFile, domain);
    this.#settings = settings;
    this.#notedNs = progress?.notedNs;
    this.#world = createWorld({ ...world, domains: [domain], ...(progress && { state: progress.state }) });
    this.#pace = createPace(runtime, world.startNs, speed);
    this.#keeper = createProgressKeeper({
      file: progressFile,
      domain,
      acknowledged: progress?.acknowledged ?? 0,
      save: () => this.#world.save(),
      clock: runtime.clock,
      everyMs: settings.noteEveryMs,
    });
    this.#lanes = new Lanes({
      ...settings,
      onRefused: (told, error) => settings.onRefused?.(told, error),
      onSettled: (span) => this.#keeper.settled(span),
      onFailed: (error) => this.#fail(error),
    });
    this.done = this.#done.promise;
    // A player that nobody waits for must not end the process; its failure is in the stats.
    this.done.catch(() => undefined);
  }

  get stats(): WorldPlayerStats {
    const { noted, failure } = this.#keeper;
    return {
      ...this.#lanes.stats,
      state: this.#state,
      worldNs: this.#world.nextNs,
      noted,
      noteFailure: failure,
      held: this.#held,
    };
  }

  start(): void {
    if (this.#state !== "idle") return;
    this.#state = "playing";
    this.#playing = this.#play().catch((failure: unknown) => this.#fail(failure));
  }

  async stop(): Promise<void> {
    if (this.#state === "idle" || this.#state === "playing") this.#state = "stopped";
    this.#pace.release();
    const closed = this.#lanes.close();
    await this.#playing;
    await endedWithin(this.#settings.runtime, closed, this.#settings.stopWithinMs);
    if (this.#state === "stopped") await this.#keeper.finish();
    this.#done.resolve();
  }

  async #play(): Promise<void> {
    const { untilNs } = this.#settings;
    if (this.#notedNs === undefined) this.#noteBeginning();
    else await this.#askSince(this.#notedNs - CLOCKS_DIFFER_NS);
    while (this.#state === "playing") {
      const { nextNs } = this.#world;
      if (untilNs !== undefined && nextNs > untilNs) return await this.#finish();
      const dueNs = this.#pace.dueNs();
      if (nextNs > dueNs) await this.#pace.until(nextNs);
      else if (this.#lanes.isFull) await this.#lanes.changed();
      else await this.#playTo(untilNs !== undefined && untilNs < dueNs ? untilNs : dueNs);
    }
  }

  /** Before anything is published: whoever goes on after the end of this process knows since when to ask. */
  #noteBeginning(): void {
    const { progressFile, domain, runtime } = this.#settings;
    const progress = { domain, acknowledged: 0, notedNs: runtime.clock.wallNs(), state: this.#world.save() };
    try {
      writeProgressAtOnce(progressFile, progress);
    } catch {
      // The next note is refused likewise, and is told.
    }
  }

  async #askSince(sinceNs: bigint): Promise<void> {
    const { held, domain } = this.#settings;
    for (const topic of held ? Object.values(WORLD_TOPICS[domain]) : []) {
      for (const id of await this.#ask(() => held!(topic, sinceNs))) this.#known.add(id);
    }
  }

  /** Tried again for as long as that may help. */
  async #ask(held: () => Promise<ReadonlySet<string>>): Promise<ReadonlySet<string>> {
    while (this.#state === "playing") {
      try {
        return await held();
      } catch (failure) {
        const { retry, error } = refusalOf(failure);
        if (!retry) throw error;
        await this.#pace.until(this.#pace.dueNs() + ASK_AGAIN_NS);
      }
    }
    return new Set();
  }

  /** A chunk of what is due. Where much is, others have their turn between two chunks. */
  async #playTo(dueNs: bigint): Promise<void> {
    this.#keeper.noteIfDue();
    const told = this.#world.next(dueNs, CHUNK_EVENTS);
    this.#keeper.told(told.length);
    const fresh = told.filter(({ event }) => !this.#known.has(event.id));
    this.#held += told.length - fresh.length;
    this.#lanes.push(fresh, this.#keeper.span);
    await new Promise<void>((resolve) => this.#settings.runtime.timers.soon(resolve));
  }

  async #finish(): Promise<void> {
    while (this.#lanes.stats.queued > 0 && this.#state === "playing") await this.#lanes.changed();
    if (this.#state !== "playing") return;
    await this.#keeper.finish();
    this.#state = "finished";
    this.#done.resolve();
  }

  #fail(failure: unknown): void {
    if (this.#state !== "playing") return;
    this.#state = "failed";
    this.#pace.release();
    void this.#lanes.close();
    this.#done.reject(failure);
  }
}

function check({ speed, noteEveryMs, stopWithinMs, maxQueuedEvents, maxBatchEvents, maxBatchBytes }: Settings): void {
  if (speed !== "max" && !(speed > 0 && speed <= MAX_SPEED)) {
    throw fieldError("invalid_request", "speed", `It is ${speed}; give "max", or above 0 and at most ${MAX_SPEED}.`);
  }
  const numbers = { noteEveryMs, stopWithinMs, maxQueuedEvents, maxBatchEvents, maxBatchBytes };
  for (const [name, value] of Object.entries(numbers)) {
    if (Number.isSafeInteger(value) && value >= 1) continue;
    throw fieldError("invalid_request", name, `It is ${value}; give a whole number of 1 or more.`);
  }
}
