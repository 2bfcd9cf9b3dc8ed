/** Partitions that somebody adds to a topic while the service runs: found by a look at their number now and then, and opened. */
import type { Broker } from "../brokers/contract.ts";
import { toDistributionError } from "../errors.ts";
import type { Logger } from "../observability/index.ts";
import type { Runtime, Timer } from "../runtime/index.ts";
import type { TopicDefinition } from "../topics.ts";

export interface GrowthOptions {
  readonly broker: Pick<Broker, "admin">;
  readonly topics: readonly TopicDefinition[];
  readonly runtime: Pick<Runtime, "timers">;
  readonly logger: Logger;
  /** Milliseconds between two looks. */
  readonly everyMs: number;
  /** So many of the topic's partitions are open: the first ones. */
  known(topic: TopicDefinition): number;
  /** Opens the next one; `known` counts it once this resolves. */
  open(topic: TopicDefinition, partition: number): Promise<void>;
}

export interface Growth {
  /** Looks at this topic now. Rejects with what the broker rejects with; what is no topic of the service has nothing new. */
  look(topic: string): Promise<void>;
  /** What was added and cannot be opened. */
  troubles(): readonly string[];
  /** Partitions of the topic that were added and are not open, as one cannot be. */
  missing(topic: string): number;
  /** Resolves when no look is under way. */
  close(): Promise<void>;
}

/** Milliseconds until the next look after one that could not open what it found, unless looks come sooner. */
const RETRY_MS = 5_000;

export function createGrowth(options: GrowthOptions): Growth {
  const { broker, runtime, logger, everyMs, known } = options;
  const topics = new Map(options.topics.map((topic) => [topic.name, topic]));
  /** By topic: the next partition cannot be opened. */
  const troubles = new Map<string, { readonly reason: string; readonly missing: number }>();
  const retries = new Map<string, Timer>();
  /** By topic the last one that was asked for: one is under way, and at most one waits for it, whoever asks. */
  const looks = new Map<string, { begun: boolean; done: Promise<void> }>();
  let closed = false;

  const lookAt = async (topic: TopicDefinition): Promise<void> => {
    if (closed) return;
    const { name } = topic;
    const { length } = await broker.admin.partitions(name);
    for (let next = known(topic); next < length && !closed; next = known(topic)) {
      try {
        await options.open(topic, next);
      } catch (failure) {
        failed(topic, length, failure);
        throw failure;
      }
      logger.info(
        { topic: name, partition: next, partitions: length, own: topic.partitions },
        "A partition was added; it is read from its beginning. What this process appends goes on to those it started with.",
      );
    }
    if (known(topic) >= length) troubles.delete(name);
  };
  /** In order, as partitions are known by their number: those behind one that cannot be opened wait for it. */
  const failed = (topic: TopicDefinition, length: number, failure: unknown): void => {
    const { name } = topic;
    const next = known(topic);
    const reason = `${name} has ${length} partitions, and the first ${next} are read: ${name}/${next}, which was added, cannot be opened: ${toDistributionError(failure).message}`;
    if (troubles.get(name)?.reason !== reason) logger.error({ topic: name, partition: next, err: failure }, reason);
    troubles.set(name, { reason, missing: length - next });
    if (closed || retries.has(name)) return;
    const again = (): void => {
      retries.delete(name);
      look(name).catch(() => undefined);
    };
    retries.set(name, runtime.timers.after(RETRY_MS, again));
  };
  const look = (name: string): Promise<void> => {
    const topic = topics.get(name);
    if (!topic) return Promise.resolve();
    const last = looks.get(name);
    if (last && !last.begun) return last.done;
    const next = { begun: false, done: Promise.resolve() };
    const begin = (): Promise<void> => {
      next.begun = true;
      return lookAt(topic);
    };
    next.done = last ? last.done.then(begin, begin) : begin();
    looks.set(name, next);
    return next.done;
  };

  let looking = false;
  const lookAround = async (): Promise<void> => {
    if (looking) return;
    looking = true;
    // A broker that is away says so itself.
    for (const name of topics.keys()) await look(name).catch(() => undefined);
    looking = false;
  };
  const timer = runtime.timers.every(everyMs, () => void lookAround());

  return {
    look,
    troubles: () => [...troubles.values()].map(({ reason }) => reason),
    missing: (name) => troubles.get(name)?.missing ?? 0,
    async close() {
      closed = true;
      timer.cancel();
      for (const retry of retries.values()) retry.cancel();
      await Promise.allSettled([...looks.values()].map(({ done }) => done));
    },
  };
}
