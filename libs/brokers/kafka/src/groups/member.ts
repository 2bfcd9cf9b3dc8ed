/**
 * This process as a member of a Kafka group: joins, beats, joins again when the group changes, and says which partitions it
 * has. A partition that goes to another member is let go of first: the group keeps it for us until we join without it.
 */
import type { PartitionName } from "@distribution/broker-common";
import { type DistributionError, toDistributionError } from "@distribution/core/errors";
import { endedWithin, type Runtime, type Timer } from "@distribution/core/runtime";
import { heartbeatV4, leaveGroupV4 } from "@platformatic/kafka";
import { asUnavailable, type Cluster } from "../connection/cluster.ts";
import type { Connections } from "../connection/connections.ts";
import { CODE, codeOf, isPassing, isRefused, nameOf, unavailable } from "../connection/failures.ts";
import { pauseMs } from "../connection/gate.ts";
import type { TopicPartitions } from "./assignment.ts";
import type { Membership } from "./commits.ts";
import type { Coordinator } from "./coordinator.ts";
import { type GroupTimes, join } from "./protocol.ts";

/** What becomes of partitions. */
export interface MemberHost {
  /** They are ours from now on. Tried again when it fails, as long as they are. */
  gain(partitions: readonly PartitionName[]): Promise<void>;
  /** They go to another member once this resolves. */
  release(partitions: readonly PartitionName[]): Promise<void>;
  /** Another member may have them already. */
  lose(partitions: readonly PartitionName[]): Promise<void>;
  onFailure(error: DistributionError): void;
}

/** `taken`: gained, or being gained. */
type Holding = "taken" | "releasing";

/** Rounds are begun by whoever joins; the others find out with their next beat. */
const MOST_BEAT_MS = 1_000;
const BEATS_A_SESSION = 5;
/** The leading member looks whether topics have grown, ms. */
const LOOK_MS = 5_000;
/** The coordinator waits for the others to join again for no less, ms. */
const LEAST_JOIN_MS = 5_000;
const LEAVE_MS = 2_000;

export interface MemberOptions {
  readonly cluster: Cluster;
  readonly coordinator: Coordinator;
  readonly group: string;
  readonly topics: readonly string[];
  readonly host: MemberHost;
}

export class Member {
  readonly #cluster: Cluster;
  readonly #coordinator: Coordinator;
  readonly #group: string;
  readonly #topics: readonly string[];
  readonly #host: MemberHost;
  readonly #runtime: Runtime;
  readonly #times: GroupTimes;
  readonly #beatMs: number;
  /** Joining is answered when all have joined: on a connection of its own. */
  readonly #connections: Connections;
  readonly #held = new Map<string, PartitionName & { state: Holding }>();
  readonly #rounds = new Set<() => void>();
  readonly #started = Promise.withResolvers<void>();
  /** Monotonic, ms: what fails until then is tried again before `started` rejects. */
  readonly #startBy: number;
  readonly #running: Promise<void>;
  #assigned = new Set<string>();
  #memberId = "";
  #generation = -1;
  #leads = false;
  #counts = "";
  #wanted = false;
  #closed = false;
  #wake: (() => void) | undefined;
  #silence: Timer | undefined;
  /** The failure that was told last: the same again is not told again. */
  #told = "";

  constructor({ cluster, coordinator, group, topics, host }: MemberOptions) {
    const { runtime, sessionTimeoutMs, requestTimeoutMs } = cluster.settings;
    this.#cluster = cluster;
    this.#coordinator = coordinator;
    this.#group = group;
    this.#topics = topics;
    this.#host = host;
    this.#runtime = runtime;
    this.#times = { sessionTimeoutMs, joinTimeoutMs: Math.max(sessionTimeoutMs, LEAST_JOIN_MS) };
    this.#beatMs = Math.max(1, Math.min(MOST_BEAT_MS, Math.floor(sessionTimeoutMs / BEATS_A_SESSION)));
    this.#connections = cluster.connections(this.#times.joinTimeoutMs + requestTimeoutMs);
    this.#startBy = runtime.clock.monotonicMs() + requestTimeoutMs;
    this.#started.promise.catch(() => undefined);
    this.#running = this.#run();
  }

  /** The first partitions are there, or none are for us. Rejects when the cluster refuses us. */
  get started(): Promise<void> {
    return this.#started.promise;
  }

  /** As whom to commit; undefined: not a member just now. */
  get membership(): Membership | undefined {
    return this.#generation < 0 ? undefined : { memberId: this.#memberId, generation: this.#generation };
  }

  has(partition: PartitionName): boolean {
    return this.#held.has(nameOfPartition(partition));
  }

  /** Resolves with the next round, or after this time. */
  nextRound(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        timer.cancel();
        this.#rounds.delete(done);
        resolve();
      };
      const timer = this.#runtime.timers.after(ms, done);
      this.#rounds.add(done);
    });
  }

  /** Leaves, so that others have our partitions at once. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#wake?.();
    this.#silence?.cancel();
    await this.#connections.close();
    await this.#running;
    this.#silence?.cancel();
    await this.#leave();
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        timer.cancel();
        this.#wake = undefined;
        resolve();
      };
      const timer = this.#runtime.timers.after(ms, done);
      this.#wake = done;
    });
  }

  /** Something about the topics has changed: a round, to give out what there is now. */
  rejoin(): void {
    this.#wanted = true;
    this.#wake?.();
  }

  /** The coordinator heard us: what we have is ours for another session. */
  #heard(): void {
    this.#silence?.cancel();
    this.#silence = this.#runtime.timers.after(this.#times.sessionTimeoutMs, () => {
      // Its answer may have been lost, and others have our partitions by now.
      this.#loseAll();
      this.rejoin();
    });
  }

  #loseAll(): void {
    const lost = [...this.#held.values()];
    this.#held.clear();
    this.#assigned = new Set();
    this.#generation = -1;
    if (lost.length > 0)
      void this.#host.lose(lost).catch((failure: unknown) => this.#host.onFailure(toDistributionError(failure)));
  }

  /** The coordinator said that it does not know us: what we had is lost. */
  forgotten(): void {
    this.#memberId = "";
    this.#loseAll();
    this.rejoin();
  }

  async #countPartitions(names: readonly string[]): Promise<ReadonlyMap<string, number>> {
    const found = new Map<string, number>();
    for (const name of names) {
      const topic = await this.#cluster.topic(name, 0).catch((failure: DistributionError) => {
        if (failure.code !== "unknown_topic") throw failure;
        return undefined;
      });
      if (topic !== undefined) found.set(name, topic.partitions.length);
    }
    this.#counts = JSON.stringify([...found]);
    return found;
  }

  #owned(): TopicPartitions[] {
    return [...Map.groupBy(this.#held.values(), ({ topic }) => topic)].map(([topic, all]) => ({
      topic,
      partitions: all.map(({ partition }) => partition),
    }));
  }

  async #round(): Promise<void> {
    this.#wanted = false;
    const address = this.#cluster.addressOf(await this.#coordinator.find());
    if (address === undefined) throw unavailable("The group's coordinator is not known yet.");
    const connection = await this.#connections.get(address);
    const claim = { id: this.#memberId, topics: this.#topics, owned: this.#owned(), generation: this.#generation };
    const joined = await join(connection, this.#group, this.#times, claim, (names) => this.#countPartitions(names));
    this.#memberId = joined.memberId;
    this.#generation = joined.generation;
    this.#leads = joined.leads;
    this.#heard();
    this.#assigned = new Set(
      joined.assigned.flatMap(({ topic, partitions }) => partitions.map((one) => `${topic}/${one}`)),
    );
    for (const done of this.#rounds) done();
    this.#rounds.clear();
    this.#settle(joined.assigned);
  }

  /** Gains what is new and releases what is not ours any more, while the beats go on. */
  #settle(given: readonly TopicPartitions[]): void {
    const leaving = [...this.#held.values()].filter(
      (one) => one.state === "taken" && !this.#assigned.has(nameOfPartition(one)),
    );
    for (const one of leaving) one.state = "releasing";
    if (leaving.length > 0) void this.#release(leaving);
    const all = given.flatMap(({ topic, partitions }) => partitions.map((partition) => ({ topic, partition })));
    void this.#gain(all.filter((one) => !this.#held.has(nameOfPartition(one)))).then(this.#started.resolve);
  }

  async #gain(partitions: readonly PartitionName[]): Promise<void> {
    for (const one of partitions) this.#held.set(nameOfPartition(one), { ...one, state: "taken" });
    for (let failures = 1; !this.#closed; failures += 1) {
      const ours = partitions.filter((one) => this.#held.get(nameOfPartition(one))?.state === "taken");
      if (ours.length === 0) return;
      try {
        await this.#host.gain(ours);
        return;
      } catch (failure) {
        this.#host.onFailure(asUnavailable(failure));
        await new Promise<void>(
          (resolve) => void this.#runtime.timers.after(10 + pauseMs(failures, this.#runtime), resolve),
        );
      }
    }
  }

  async #release(partitions: readonly PartitionName[]): Promise<void> {
    await this.#host
      .release(partitions)
      .catch((failure: unknown) => this.#host.onFailure(toDistributionError(failure)));
    const back: PartitionName[] = [];
    for (const one of partitions) {
      if (this.#held.get(nameOfPartition(one))?.state !== "releasing") continue;
      this.#held.delete(nameOfPartition(one));
      if (this.#assigned.has(nameOfPartition(one))) back.push(one);
    }
    if (back.length > 0) await this.#gain(back);
    // Others wait for what we have let go of.
    if (back.length < partitions.length) this.rejoin();
  }

  /** Beats until there is a reason to join again. */
  async #stay(): Promise<void> {
    let looked = this.#runtime.clock.monotonicMs();
    while (!this.#closed && !this.#wanted) {
      await this.#sleep(this.#beatMs * (0.8 + 0.4 * this.#runtime.random.next()));
      if (this.#closed || this.#wanted) return;
      await this.#coordinator.ask((connection) =>
        heartbeatV4.api.async(connection, this.#group, this.#generation, this.#memberId, null),
      );
      this.#heard();
      const now = this.#runtime.clock.monotonicMs();
      if (!this.#leads || now - looked < LOOK_MS) continue;
      looked = now;
      const before = this.#counts;
      await this.#countPartitions(this.#topics);
      if (before !== this.#counts) return;
    }
  }

  /** What a failed round or beat means. */
  async #failed(failure: unknown, failures: number): Promise<void> {
    const code = codeOf(failure);
    if (this.#closed || code === CODE.REBALANCE_IN_PROGRESS) return;
    if (code === CODE.UNKNOWN_MEMBER_ID || code === CODE.ILLEGAL_GENERATION || code === CODE.FENCED_INSTANCE_ID) {
      if (code === CODE.UNKNOWN_MEMBER_ID) this.#memberId = "";
      this.#loseAll();
      return;
    }
    const refused = code !== undefined && isRefused(code);
    const error = refused
      ? unavailable(`Kafka refuses the group ${this.#group}: ${nameOf(code)}; grant Read on the group.`, failure)
      : asUnavailable(failure);
    const hopeless =
      refused || this.#cluster.gate.refusal !== undefined || this.#runtime.clock.monotonicMs() > this.#startBy;
    if (hopeless) this.#started.reject(error);
    if (error.message !== this.#told && (code === undefined || !isPassing(code))) this.#host.onFailure(error);
    this.#told = error.message;
    await this.#sleep(Math.max(10, pauseMs(failures, this.#runtime), error.retryAfterMs ?? 0));
  }

  async #run(): Promise<void> {
    for (let failures = 1; !this.#closed; failures += 1) {
      try {
        await this.#round();
        failures = 0;
        this.#told = "";
        await this.#stay();
      } catch (failure) {
        await this.#failed(failure, failures);
      }
    }
  }

  async #leave(): Promise<void> {
    if (this.#memberId === "" || this.#cluster.problem !== undefined) return;
    const leaving = this.#coordinator.ask((connection) =>
      leaveGroupV4.api.async(connection, this.#group, [{ memberId: this.#memberId }]),
    );
    // Else its session ends by itself.
    await endedWithin(this.#runtime, leaving, LEAVE_MS);
  }
}

export const nameOfPartition = ({ topic, partition }: PartitionName): string => `${topic}/${partition}`;
