/** The calls of `append` that are under way: their room, their time, and the wait for their end. */
import { TransitMap } from "@distribution/collections";
import type { PartitionWrite } from "@distribution/core/brokers";
import { DistributionError } from "@distribution/core/errors";
import type { Runtime, Timer } from "@distribution/core/runtime";
import { AppendCall } from "./call.ts";

export interface AppendCallsOptions {
  readonly runtime: Runtime;
  readonly timeoutMs: number;
  /** Bytes of calls that wait at most, unless it is one alone. */
  readonly maxQueuedBytes: number;
  /** For people: what they wait for. */
  readonly engine: string;
  /** What a call is told whose time is over. */
  late(call: AppendCall): DistributionError;
}

/** What one is told to wait whose partition has not answered for longer than an append waits, ms. */
const STALLED_RETRY_MS = 1_000;

/** How long a publisher waits before it tries again after its bytes found no room in the queue, ms. */
const RETRY_MS = 50;

/** An append that waits for so long is worth saying, ms. */
const STUCK_MS = 5_000;

export class AppendCalls {
  readonly #options: AppendCallsOptions;
  /** Without an answer, oldest first: all have as much time, so the first is the first whose time is over. */
  readonly #waiting = new TransitMap<AppendCall, number>();
  /**
   * Partitions that let an append wait until its time was over and have answered nothing since, each with the one append that goes on
   * trying: the others are refused at once, so that they hold no room of those who publish elsewhere.
   */
  readonly #stalled = new Map<string, AppendCall>();
  readonly #idle: (() => void)[] = [];
  #bytes = 0;
  #open = 0;
  #timer: Timer | undefined;

  constructor(options: AppendCallsOptions) {
    this.#options = options;
  }

  /** For health: that appends wait for unusually long, or were refused and may be in the log. `why`: where that is known. */
  stuck(why: () => string | undefined): string | undefined {
    const { engine, timeoutMs, runtime } = this.#options;
    const [oldest] = this.#waiting.keys();
    const waitsMs = oldest === undefined ? 0 : timeoutMs - (oldest.deadline - runtime.clock.monotonicMs());
    const unsettled = this.#open - this.#waiting.size;
    const what: string[] = [];
    if (waitsMs >= STUCK_MS) what.push(`Appends wait for ${Math.floor(waitsMs / 1000)} s`);
    if (unsettled > 0) what.push(`${unsettled} refused appends may be in the log`);
    if (what.length === 0) return undefined;
    return `${what.join(", ")}: ${(why() ?? `${engine} does not answer`).replace(/\.$/, "")}.`;
  }

  /** Throws `unavailable` when there is no room, or a partition has not answered for long. */
  begin(writes: readonly PartitionWrite[], bytes: number): AppendCall {
    const { runtime, timeoutMs, maxQueuedBytes, engine } = this.#options;
    if (this.#stalled.size > 0) this.#assertAnswering(writes);
    if (this.#bytes > 0 && this.#bytes + bytes > maxQueuedBytes) {
      const limit = `${this.#bytes} of ${maxQueuedBytes} bytes (maxQueuedBytes) wait for ${engine}`;
      throw new DistributionError("unavailable", `${limit}; append again shortly.`, { retryAfterMs: RETRY_MS });
    }
    const call = new AppendCall(
      writes,
      runtime.clock.monotonicMs() + timeoutMs,
      (answered) => this.#leave(answered),
      () => {
        this.#open -= 1;
      },
      (place) => {
        if (this.#stalled.size > 0) this.#stalled.delete(nameOf(place));
      },
    );
    if (this.#stalled.size > 0) this.#tryAgain(call);
    this.#waiting.set(call, bytes);
    this.#bytes += bytes;
    this.#open += 1;
    this.#watch(timeoutMs);
    return call;
  }

  /** Resolves when every call has its answer. */
  async idle(): Promise<void> {
    if (this.#waiting.size > 0) await new Promise<void>((resolve) => void this.#idle.push(resolve));
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #leave(call: AppendCall): void {
    this.#bytes -= this.#waiting.get(call)!;
    this.#waiting.delete(call);
    if (this.#waiting.size === 0) for (const done of this.#idle.splice(0)) done();
  }

  #watch(ms: number): void {
    this.#timer ??= this.#options.runtime.timers.after(Math.max(1, Math.ceil(ms)), () => this.#expire());
  }

  #expire(): void {
    this.#timer = undefined;
    const now = this.#options.runtime.clock.monotonicMs();
    for (const call of [...this.#waiting.keys()]) {
      if (call.deadline > now) {
        this.#watch(call.deadline - now);
        return;
      }
      for (const place of call.open) {
        const name = nameOf(place);
        if (this.#stalled.get(name)?.pending !== true) this.#stalled.set(name, call);
      }
      call.giveUp(this.#options.late(call));
    }
  }

  #assertAnswering(writes: readonly PartitionWrite[]): void {
    const { timeoutMs, engine } = this.#options;
    for (const write of writes) {
      const name = nameOf(write);
      if (this.#stalled.get(name)?.pending !== true) continue;
      const what = `${engine} has not answered for ${name} in ${timeoutMs} ms (appendTimeoutMs), and is still being tried`;
      throw new DistributionError("unavailable", `${what}; append again later.`, { retryAfterMs: STALLED_RETRY_MS });
    }
  }

  /** Nobody tries a stalled partition any more: this one does. */
  #tryAgain(call: AppendCall): void {
    for (const place of call.open) if (this.#stalled.has(nameOf(place))) this.#stalled.set(nameOf(place), call);
  }
}

const nameOf = ({ topic, partition }: Pick<PartitionWrite, "topic" | "partition">): string => `${topic}/${partition}`;
