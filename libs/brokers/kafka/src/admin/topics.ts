/** Topics of the cluster: created, changed, grown, deleted, and read back. */
import { checkTopicConfig, isTopicName } from "@distribution/broker-common";
import type { TopicConfig } from "@distribution/core/brokers";
import { type DistributionError, fieldError } from "@distribution/core/errors";
import { pause } from "@distribution/core/runtime";
import {
  ConfigResourceTypes,
  createPartitionsV3,
  createTopicsV7,
  deleteTopicsV6,
  describeConfigsV4,
  IncrementalAlterConfigOperationTypes,
  incrementalAlterConfigsV1,
} from "@platformatic/kafka";
import { asUnavailable, type Cluster, type KnownTopic, unknownTopic } from "../connection/cluster.ts";
import { CODE, codeOf, isRefused, nameOf, reasonOf, unavailable } from "../connection/failures.ts";
import { changesOf, isCompacted, kafkaConfig, READ_BACK, topicConfigOf } from "./topic-config.ts";

export interface Topics {
  ensure(config: TopicConfig): Promise<void>;
  list(): Promise<readonly TopicConfig[]>;
  delete(name: string): Promise<void>;
  /** Whether Kafka keeps only the latest record of a key; read from the cluster and kept for a while. */
  isCompacted(topic: KnownTopic): Promise<boolean>;
}

const TOPIC = ConfigResourceTypes.TOPIC;
const SET = IncrementalAlterConfigOperationTypes.SET;
/** What Kafka may take for a change of topics, ms; within the time of the request. */
const CHANGE_MS = 5_000;
/** Between two looks whether a change has reached every broker's view, ms. */
const LOOK_MS = 10;
/** Topics whose configuration is asked for at a time. */
const DESCRIBED_AT_ONCE = 200;
/** Somebody else may make a topic compacted: asked again after this, ms. */
const POLICY_AGE_MS = 60_000;

type Configs = ReadonlyMap<string, string | null>;

/** `onChange` is told of every topic that was created, changed or deleted here. */
export function createTopics(cluster: Cluster, onChange: (name: string) => void): Topics {
  const { runtime } = cluster.settings;
  const policies = new Map<string, { readonly compacted: boolean; readonly seenAt: number }>();

  const describe = async (names: readonly string[]): Promise<Map<string, Configs>> => {
    const found = new Map<string, Configs>();
    for (let at = 0; at < names.length; at += DESCRIBED_AT_ONCE) {
      const configurationKeys = [...READ_BACK];
      const resources = names
        .slice(at, at + DESCRIBED_AT_ONCE)
        .map((resourceName) => ({ resourceType: TOPIC, resourceName, configurationKeys }));
      const { results } = await cluster.ask(
        () => "any",
        (connection) => describeConfigsV4.api.async(connection, resources, false, false),
      );
      for (const { resourceName, configs } of results) {
        found.set(resourceName, new Map(configs.map(({ name, value }) => [name, value ?? null])));
      }
    }
    return found;
  };

  const describeOne = async (name: string): Promise<Configs> => (await describe([name])).get(name) ?? new Map();

  /** Looks until what is asked for is so. */
  const until = async (what: string, look: () => Promise<boolean>): Promise<void> => {
    const end = runtime.clock.monotonicMs() + cluster.settings.requestTimeoutMs;
    while (!(await look())) {
      if (runtime.clock.monotonicMs() > end) throw unavailable(`Kafka did not finish in time: ${what}.`);
      await pause(runtime, LOOK_MS);
    }
  };

  const create = async (config: TopicConfig): Promise<void> => {
    const configs = Object.entries(kafkaConfig(config, cluster.settings)).map(([name, value]) => ({ name, value }));
    const replicationFactor = cluster.settings.replicationFactor ?? -1;
    const { name, partitions: numPartitions } = config;
    const topic = { name, numPartitions, replicationFactor, assignments: [], configs };
    await cluster
      .ask(
        () => "any",
        (connection) => createTopicsV7.api.async(connection, [topic], CHANGE_MS, false),
      )
      .catch((failure: unknown) => {
        // Created by another process, or by this one's first try, whose answer was lost.
        if (codeOf(failure) !== CODE.TOPIC_ALREADY_EXISTS) throw changeFailed(config, failure);
      });
    await serves(config);
  };

  const grow = async ({ name, partitions: count }: TopicConfig): Promise<void> => {
    await cluster
      .ask(
        () => "any",
        (connection) =>
          createPartitionsV3.api.async(connection, [{ name, count, assignments: null }], CHANGE_MS, false),
      )
      .catch(async (failure: unknown) => {
        const known = await cluster.topic(name, 0);
        if (codeOf(failure) !== CODE.INVALID_PARTITIONS || known.partitions.length < count) throw failure;
      });
  };

  /** Waits until as many partitions as wanted have a leader. */
  const serves = ({ name, partitions }: TopicConfig): Promise<void> =>
    until(`${name} with ${partitions} partitions`, async () => {
      const known = await cluster.topic(name, 0).catch((failure: DistributionError) => {
        if (failure.code !== "unknown_topic") throw failure;
        return undefined;
      });
      if (known === undefined || known.partitions.length < partitions) return false;
      return known.partitions.every(({ leader }) => leader >= 0);
    });

  const alter = async (config: TopicConfig, had: Configs): Promise<void> => {
    const wanted = kafkaConfig(config, cluster.settings);
    const changes = changesOf(wanted, had);
    if (changes.length === 0) return;
    const configs = changes.map(([name, value]) => ({ name, value, configOperation: SET }) as const);
    const resource = { resourceType: TOPIC, resourceName: config.name, configs } as const;
    await cluster.ask(
      () => "any",
      (connection) => incrementalAlterConfigsV1.api.async(connection, [resource], false),
    );
    policies.clear();
    await until(
      `the configuration of ${config.name}`,
      async () => changesOf(wanted, await describeOne(config.name)).length === 0,
    );
  };

  const lookUp = (name: string): Promise<KnownTopic | undefined> =>
    cluster.topic(name, 0).catch((failure: DistributionError) => {
      if (failure.code === "unknown_topic") return undefined;
      throw failure;
    });

  return {
    async ensure(given) {
      const config = checkTopicConfig(given);
      const known = await lookUp(config.name);
      if (known === undefined) await create(config);
      const had = (known ?? (await cluster.topic(config.name))).partitions.length;
      if (config.partitions < had) {
        const message = `the topic has ${had} and may not shrink to ${config.partitions}`;
        throw fieldError("invalid_request", "partitions", message);
      }
      try {
        if (config.partitions > had) {
          await grow(config);
          await serves(config);
        }
        await alter(config, await describeOne(config.name));
      } catch (failure) {
        throw changeFailed(config, failure);
      }
      onChange(config.name);
    },
    async list() {
      const known = (await cluster.list()).filter(({ name, internal }) => !internal && isTopicName(name));
      const configs = await describe(known.map(({ name }) => name)).catch((failure: unknown) => {
        throw asUnavailable(failure);
      });
      return known.map(({ name, partitions }) =>
        topicConfigOf(name, partitions.length, configs.get(name) ?? new Map<string, string>()),
      );
    },
    async delete(name) {
      if ((await lookUp(name)) === undefined) throw unknownTopic(name);
      await cluster
        .ask(
          () => "any",
          (connection) => deleteTopicsV6.api.async(connection, [{ name, topicId: null }], CHANGE_MS),
        )
        .catch((failure: unknown) => {
          if (codeOf(failure) !== CODE.UNKNOWN_TOPIC_OR_PARTITION) throw asUnavailable(failure);
        });
      policies.clear();
      await until(`the deletion of ${name}`, async () => (await lookUp(name)) === undefined);
      onChange(name);
    },
    async isCompacted({ name, id }) {
      const known = policies.get(id);
      if (known !== undefined && runtime.clock.monotonicMs() - known.seenAt < POLICY_AGE_MS) return known.compacted;
      const configs = await describeOne(name).catch((failure: unknown) => {
        // Who may append need not be allowed to look at configurations; then it is not one of ours, and not compacted.
        if (isRefused(codeOf(failure) ?? CODE.NONE)) return new Map<string, string>();
        throw asUnavailable(failure);
      });
      const compacted = isCompacted(configs);
      policies.set(id, { compacted, seenAt: runtime.clock.monotonicMs() });
      return compacted;
    },
  };
}

/** Kafka's refusal of a topic's configuration, in the words of the caller. */
function changeFailed({ name }: TopicConfig, failure: unknown): DistributionError {
  const code = codeOf(failure);
  if (code === undefined) return asUnavailable(failure);
  const [first] =
    (failure as { readonly errors?: readonly { readonly serverErrorMessage?: string | null }[] }).errors ?? [];
  const why = first?.serverErrorMessage ?? nameOf(code);
  if (isRefused(code)) return unavailable(`Kafka does not let us change the topic ${name}: ${why}.`, failure);
  if (code === CODE.UNKNOWN_TOPIC_OR_PARTITION) return unknownTopic(name);
  return fieldError("invalid_request", "config", `Kafka refuses the topic ${name}: ${why || reasonOf(failure)}`);
}
