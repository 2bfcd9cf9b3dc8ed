/** The cluster as this process knows it: its brokers, topics and leaders, and a way to ask each of them. */
import { DistributionError, fieldError } from "@distribution/core/errors";
import { type Connection, metadataV12, ResponseError } from "@platformatic/kafka";
import type { Address, Settings } from "../options.ts";
import { type Connections, createConnections } from "./connections.ts";
import { answerOf, CODE, codeOf, isPassing, isStale, nameOf, reasonOf, unavailable } from "./failures.ts";
import { createGate, type Gate, pauseMs } from "./gate.ts";

export interface KnownTopic {
  readonly name: string;
  /** Another one when the topic is deleted and created again: our epoch. */
  readonly id: string;
  readonly internal: boolean;
  readonly partitions: readonly KnownPartition[];
  /** Monotonic, ms. */
  readonly seenAt: number;
}

export interface KnownPartition {
  /** The leader's node; -1: there is none just now. */
  readonly leader: number;
}

/** A node of the cluster, or any that answers. */
export type Target = number | "any";

/** Partitions move and are added: what is known is asked for again after this. */
const MAX_AGE_MS = 60_000;

export class Cluster {
  readonly settings: Settings;
  readonly gate: Gate;
  readonly #topics = new Map<string, KnownTopic>();
  readonly #asking = new Map<string, Promise<KnownTopic>>();
  readonly #nodes = new Map<number, Address>();
  readonly #connections: Connections;
  readonly #others = new Set<Connections>();
  /** Ends pauses early. */
  readonly #waits = new Set<() => void>();
  #problem: string | undefined = "Kafka has not answered yet";
  #probing: Promise<void> | undefined;
  #closed = false;

  constructor(settings: Settings) {
    this.settings = settings;
    this.gate = createGate(settings);
    this.#connections = this.#createSet(settings.requestTimeoutMs);
  }

  /** Why the cluster is not there; undefined: it is. */
  get problem(): string | undefined {
    return this.gate.refusal ?? this.#problem;
  }

  /** Resolves when the cluster answered, or after this time. */
  async ready(ms: number): Promise<void> {
    const late = this.#pause(ms);
    await Promise.race([this.#probe(), late]);
  }

  /** What is known of the topic, asked for when nothing is known or it is older. Throws `unknown_topic`, `unavailable`. */
  topic(name: string, maxAgeMs = MAX_AGE_MS): Promise<KnownTopic> {
    const known = this.#topics.get(name);
    if (known !== undefined && this.settings.runtime.clock.monotonicMs() - known.seenAt < maxAgeMs)
      return Promise.resolve(known);
    const under = this.#asking.get(name);
    if (under !== undefined) return under;
    const question = this.#fetchTopic(name).finally(() => this.#asking.delete(name));
    this.#asking.set(name, question);
    return question;
  }

  /** Throws `unknown_topic`, `invalid_request`, `unavailable`. */
  async partition(name: string, index: number): Promise<KnownTopic> {
    let known = await this.topic(name);
    // It may have grown since.
    if (known.partitions[index] === undefined) known = await this.topic(name, 0);
    if (known.partitions[index] === undefined) throw unknownPartition(known, index);
    return known;
  }

  known(name: string): KnownTopic | undefined {
    return this.#topics.get(name);
  }

  /** Every topic of the cluster, asked for now. */
  async list(): Promise<readonly KnownTopic[]> {
    const { topics } = await this.ask(
      () => "any",
      () => this.#refresh(null),
    );
    const names = new Set(topics.map(({ name }) => name));
    for (const name of this.#topics.keys()) if (!names.has(name)) this.#topics.delete(name);
    return [...this.#topics.values()];
  }

  /** Where a partition's leader is; undefined: nobody knows. Whoever meets a stale answer asks anew, with `topic`. */
  leaderOf(known: KnownTopic, partition: number): number | undefined {
    const leader = known.partitions[partition]?.leader;
    return leader === undefined || leader < 0 ? undefined : leader;
  }

  addressOf(node: number): Address | undefined {
    return this.#nodes.get(node);
  }

  /**
   * Asks until it is answered or the request's time is over: again after failures that pass by themselves, other ones are
   * thrown as they are. `target` is asked for each time, because leaders move.
   */
  async ask<T>(target: () => Promise<Target> | Target, send: (connection: Connection) => Promise<T>): Promise<T> {
    const until = this.settings.runtime.clock.monotonicMs() + this.settings.requestTimeoutMs;
    for (let failures = 1; ; failures += 1) {
      let failure: unknown;
      try {
        return await send(await this.connect(await target()));
      } catch (caught) {
        failure = caught;
      }
      const code = codeOf(failure);
      if (code !== undefined && !isPassing(code)) throw failure;
      if (this.#closed || this.gate.refusal !== undefined) throw asUnavailable(failure);
      const wait = Math.max(pauseMs(failures, this.settings.runtime), 10);
      if (this.settings.runtime.clock.monotonicMs() + wait > until) throw asUnavailable(failure);
      await this.#pause(wait);
    }
  }

  /** A connection to the node, or to any that lets us in. Throws `unavailable`. */
  async connect(target: Target): Promise<Connection> {
    if (target !== "any") {
      const address = this.#nodes.get(target);
      if (address === undefined) throw unavailable(`Kafka's node ${target} is not known to this process.`);
      return this.#connections.get(address);
    }
    let last: unknown;
    for (const address of new Set([...this.settings.brokers, ...this.#nodes.values()])) {
      try {
        return await this.#connections.get(address);
      } catch (failure) {
        last = failure;
      }
    }
    throw last;
  }

  /**
   * Connections apart from those of `ask`: for requests that the cluster holds for long, which others must not wait behind.
   * Closed by who asked for them, or with the cluster.
   */
  connections(requestTimeoutMs: number = this.settings.requestTimeoutMs): Connections {
    const set = this.#createSet(requestTimeoutMs);
    this.#others.add(set);
    return {
      get: (address) => set.get(address),
      close: () => {
        this.#others.delete(set);
        return set.close();
      },
    };
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const done of [...this.#waits]) done();
    await Promise.all([this.#connections, ...this.#others].map((set) => set.close()));
  }

  #createSet(requestTimeoutMs: number): Connections {
    const { settings, gate } = this;
    return createConnections({ settings, gate, requestTimeoutMs, onLost: () => void this.#probe() });
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        timer.cancel();
        this.#waits.delete(done);
        resolve();
      };
      const timer = this.settings.runtime.timers.after(ms, done);
      this.#waits.add(done);
    });
  }

  #setProblem(next: string | undefined): void {
    if (next !== undefined && this.#problem === undefined) this.settings.logger?.warn({}, `Kafka is away: ${next}`);
    if (next === undefined && this.#problem !== undefined) this.settings.logger?.info({}, "Kafka answers.");
    this.#problem = next;
  }

  async #refresh(names: readonly string[] | null): Promise<metadataV12.MetadataResponse> {
    try {
      const connection = await this.connect("any");
      const address = { host: connection.host!, port: connection.port! };
      const request = metadataV12.api.async(connection, names as string[] | null, false, false);
      const answer = await request
        .catch((failure: unknown) => {
          const isFirst = !(failure instanceof ResponseError || this.#closed || this.gate.hasAnswered(address));
          // A broker that wants TLS or a login lets anybody connect, and answers nothing.
          throw isFirst ? this.gate.failed(address, failure, true) : failure;
        })
        .catch((failure: unknown) => answerOf<metadataV12.MetadataResponse>(failure));
      this.gate.answered(address);
      this.#setProblem(undefined);
      this.#learn(answer);
      return answer;
    } catch (failure) {
      if (!this.#closed) {
        this.#setProblem(failure instanceof DistributionError ? failure.message.replace(/\.$/, "") : reasonOf(failure));
        void this.#probe();
      }
      throw failure;
    }
  }

  #learn({ brokers, topics: answered }: metadataV12.MetadataResponse): void {
    for (const { nodeId, host, port } of brokers) this.#nodes.set(nodeId, { host, port });
    const seenAt = this.settings.runtime.clock.monotonicMs();
    for (const { name, topicId, errorCode, isInternal, partitions } of answered) {
      if (name == null) continue;
      if (errorCode !== CODE.NONE) {
        if (errorCode === CODE.UNKNOWN_TOPIC_OR_PARTITION) this.#topics.delete(name);
        continue;
      }
      const known: KnownPartition[] = [];
      for (const { partitionIndex, leaderId } of partitions) known[partitionIndex] = { leader: leaderId };
      this.#topics.set(name, { name, id: topicId, internal: isInternal, partitions: known, seenAt });
    }
  }

  /** Asks until the cluster answers again. */
  #probe(): Promise<void> {
    this.#probing ??= (async () => {
      for (let failures = 1; !this.#closed; failures += 1) {
        try {
          await this.#refresh([]);
          break;
        } catch (failure) {
          await this.#pause(
            Math.max(pauseMs(failures, this.settings.runtime), (failure as DistributionError).retryAfterMs ?? 0),
          );
        }
      }
      this.#probing = undefined;
    })();
    return this.#probing;
  }

  async #fetchTopic(name: string): Promise<KnownTopic> {
    const answer = await this.ask(
      () => "any",
      async () => {
        const { topics: found } = await this.#refresh([name]);
        const code = found[0]?.errorCode ?? CODE.UNKNOWN_TOPIC_OR_PARTITION;
        if (isStale(code)) throw unavailable(`${name}: ${nameOf(code)}`);
        return code;
      },
    );
    if (answer === CODE.UNKNOWN_TOPIC_OR_PARTITION || answer === CODE.INVALID_TOPIC) throw unknownTopic(name);
    const topic = this.#topics.get(name);
    if (topic === undefined) throw unavailable(`Kafka refuses to tell about the topic ${name}: ${nameOf(answer)}.`);
    return topic;
  }
}

export const unknownTopic = (name: string): DistributionError =>
  fieldError("unknown_topic", "topic", `no topic is named ${JSON.stringify(name)}; create it with ensureTopic`);

export function unknownPartition({ name, partitions }: KnownTopic, index: number): DistributionError {
  const has = `${name} has the partitions 0 to ${partitions.length - 1}, not ${index}`;
  return fieldError("invalid_request", "partition", has);
}

/** What is thrown when a request's time is over, or waiting does not help. */
export function asUnavailable(failure: unknown): DistributionError {
  const known = failure as Partial<DistributionError>;
  if (known.name === "DistributionError") return failure as DistributionError;
  return unavailable(`Kafka does not answer as it should: ${reasonOf(failure)}.`, failure);
}
