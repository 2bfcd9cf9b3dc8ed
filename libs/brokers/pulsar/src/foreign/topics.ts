/** Topics that others own, as the admin API tells of them: with partitions or without, in this namespace or another one. */
import { fieldError } from "@distribution/core/errors";
import type { Topic } from "../admin/properties.ts";
import type { Rest } from "../admin/rest.ts";
import { type InternalStats, type PartitionStats, statsOf } from "../admin/stats.ts";
import { partitionPath, partitionUrl, topicPath, topicUrl, type Where } from "../names.ts";

/** One log of a foreign topic. */
export interface ForeignLog {
  readonly topic: string;
  readonly partition: number;
  /** As clients name it. */
  readonly url: string;
  /** Below the admin API's root. */
  readonly path: string;
}

/** A log as it is now. */
export interface ForeignState {
  /** As the reader's bounds are asked: nothing is known of what was deleted from it. */
  readonly topic: Topic;
  readonly stats: PartitionStats;
}

export interface ForeignTopicsAdmin {
  /** By partition; one that has no partitions is one log. Throws `unknown_topic`. */
  logs(topic: string): Promise<readonly ForeignLog[]>;
  /** Throws `unknown_topic`, `invalid_request`. */
  log(topic: string, partition: number): Promise<ForeignLog>;
  state(log: ForeignLog): Promise<ForeignState>;
}

const ADDRESS = /^persistent:\/\/([^/]+)\/([^/]+)\/([^/]+)$/;
/** What is deleted of a foreign log is never known: before every ledger. */
const UNKNOWN = -1n;

export function createForeignTopicsAdmin(settings: Where, rest: Rest): ForeignTopicsAdmin {
  const logs = async (topic: string): Promise<readonly ForeignLog[]> => {
    const { where, name } = addressOf(settings, topic);
    const path = topicPath(where, name);
    const found = name === "" ? undefined : await rest.get<{ partitions: number }>(`${path}/partitions`);
    if (found === undefined) throw unknown(topic);
    if (found.partitions === 0) return [{ topic, partition: 0, url: topicUrl(where, name), path }];
    return Array.from({ length: found.partitions }, (_, partition) => ({
      ...{ topic, partition },
      url: partitionUrl(where, name, partition),
      path: partitionPath(where, name, partition),
    }));
  };
  return {
    logs,
    async log(topic, partition) {
      const all = await logs(topic);
      const log = all[partition];
      if (log !== undefined) return log;
      throw fieldError(
        "invalid_request",
        "partition",
        `${topic} has the partitions 0 to ${all.length - 1}, not ${partition}`,
      );
    },
    async state(log) {
      const [stats, info] = await Promise.all([
        rest.get<InternalStats>(`${log.path}/internalStats`),
        rest.get<{ creationDate?: string }>(`${log.path}/internal-info`),
      ]);
      if (stats === undefined || info === undefined) throw unknown(log.topic);
      // One that was deleted and created again has another.
      return { topic: asTopic(log, info.creationDate ?? ""), stats: statsOf(stats) };
    },
  };
}

function asTopic({ topic, partition }: ForeignLog, epoch: string): Topic {
  return {
    config: { name: topic, partitions: 1, retention: {}, compaction: false },
    ...{ epoch, floors: new Map(), wholeUntil: 0, firstLedgers: new Map([[partition, UNKNOWN]]), compacted: false },
  };
}

function addressOf(settings: Where, topic: string): { readonly where: Where; readonly name: string } {
  if (!topic.includes("/")) return { where: settings, name: topic };
  const [, tenant, namespace, name] = ADDRESS.exec(topic) ?? [];
  if (tenant === undefined || namespace === undefined || name === undefined) {
    const forms = "a topic's name, or persistent://<tenant>/<namespace>/<topic>";
    throw fieldError("invalid_request", "topic", `must be ${forms}, not ${JSON.stringify(topic)}`);
  }
  return { where: { tenant, namespace }, name };
}

const unknown = (topic: string) =>
  fieldError("unknown_topic", "topic", `no topic is named ${JSON.stringify(topic)}; whoever writes to it creates it`);
