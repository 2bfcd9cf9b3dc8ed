/** One recording being played: read, paced, made into events and handed to its outbox. */
import { DistributionError, toDistributionError } from "@distribution/core/errors";
import type { Runtime } from "@distribution/core/runtime";
import type { Event } from "@distribution/proto-types/distribution/v1/event";
import { FeedAlertKind } from "@distribution/proto-types/market_data/v1/market_data";
import { EVENT_TYPES } from "../event-types.ts";
import { type Feed, type FeedStats, type ParsedLine, parseLine } from "./feed.ts";
import { createOutbox, type Outbox, type OutboxStats, type Publish } from "./outbox.ts";
import { createPacer, type Pacer } from "./pacer.ts";
import { readRecording } from "./recording.ts";

export interface TrackOptions {
  readonly path: string;
  readonly feed: Feed;
  readonly speed: number | "max";
  readonly repeat: "once" | "loop";
  readonly times: "recorded" | "now";
  readonly publish: Publish;
  readonly runtime: Runtime;
  readonly maxQueuedEvents?: number;
}

export interface TrackStats {
  readonly path: string;
  /** How many times the recording was begun. */
  readonly rounds: number;
  readonly feed: FeedStats;
  readonly outbox: OutboxStats;
}

export interface Track {
  /** Resolves when it is played or stopped and its outbox is settled; rejects when the recording cannot be read. */
  play(): Promise<void>;
  pause(): void;
  resume(): void;
  stop(): void;
  readonly stats: TrackStats;
}

export function createTrack(options: TrackOptions): Track {
  return new RecordingTrack(options);
}

class RecordingTrack implements Track {
  readonly #options: TrackOptions;
  readonly #outbox: Outbox;
  readonly #pacer: Pacer;
  #rounds = 0;
  #stopped = false;

  constructor(options: TrackOptions) {
    const { publish, runtime, speed, maxQueuedEvents } = options;
    this.#options = options;
    this.#pacer = createPacer(runtime, speed);
    this.#outbox = createOutbox({
      publish,
      runtime,
      onRefused: (topic, event, error) => this.#refused(topic, event, error),
      ...(maxQueuedEvents === undefined ? {} : { maxQueuedEvents }),
    });
  }

  get stats(): TrackStats {
    const { path, feed } = this.#options;
    return { path, rounds: this.#rounds, feed: feed.stats, outbox: this.#outbox.stats };
  }

  async play(): Promise<void> {
    try {
      do await this.#playRound();
      while (this.#options.repeat === "loop" && !this.#stopped);
    } catch (failure) {
      this.#down(toDistributionError(failure).message, false);
      throw failure;
    } finally {
      await (this.#stopped ? this.#outbox.close() : this.#outbox.drained());
    }
  }

  pause(): void {
    this.#pacer.pause();
  }

  resume(): void {
    this.#pacer.resume();
  }

  stop(): void {
    this.#stopped = true;
    this.#pacer.release();
    void this.#outbox.close();
  }

  async #playRound(): Promise<void> {
    const { path, feed, repeat, times } = this.#options;
    this.#rounds += 1;
    this.#pacer.restart();
    let lines = 0;
    for await (const line of readRecording(path)) {
      if (this.#stopped) break;
      const parsed = parseLine(line);
      await this.#due(parsed);
      if (lines === 0) this.#outbox.push(feed.start(this.#rounds, this.#nowNs(parsed)));
      lines += 1;
      this.#outbox.push(feed.line(line.line, parsed, this.#shiftNs(parsed)));
    }
    if (this.#stopped) return this.#down("The feed was stopped.", false);
    // A loop over nothing would never wait.
    if (lines === 0) throw new DistributionError("record_damaged", `The recording ${path} has no line.`);
    const again = repeat === "loop";
    this.#down(
      again ? "The recording ended and starts again." : "The recording ended.",
      !again || times === "recorded",
    );
  }

  /** Waits for the line's time, and for room in the outbox: the service's back-pressure. */
  async #due(parsed: ParsedLine): Promise<void> {
    if (!(parsed instanceof DistributionError)) await this.#pacer.until(parsed.receivedNs);
    if (this.#outbox.isFull) await this.#outbox.room();
  }

  #down(reason: string, flushBars: boolean): void {
    const { feed, runtime } = this.#options;
    this.#outbox.push(feed.stop(reason, runtime.clock.wallNs(), flushBars));
  }

  #shiftNs(parsed: ParsedLine): bigint {
    if (this.#options.times === "recorded" || parsed instanceof DistributionError) return 0n;
    return this.#options.runtime.clock.wallNs() - parsed.receivedNs;
  }

  #nowNs(parsed: ParsedLine): bigint {
    if (this.#options.times === "recorded" && !(parsed instanceof DistributionError)) return parsed.receivedNs;
    return this.#options.runtime.clock.wallNs();
  }

  /** A refused alert is only counted: telling of it would be refused as well, for ever. */
  #refused(topic: string, event: Event, error: DistributionError): void {
    const { feed, runtime } = this.#options;
    const reason = `Event ${event.id} was refused on ${topic}: ${error.message}`;
    const told = feed.report({ kind: FeedAlertKind.REFUSED, reason }, runtime.clock.wallNs());
    if (event.type !== EVENT_TYPES.alert) this.#outbox.push(told);
  }
}
