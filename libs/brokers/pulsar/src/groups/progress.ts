/**
 * What is kept of a group with each partition's subscription, in its properties: the progress, and which process works on it. Pulsar
 * writes them to its metadata before it answers, which it does not do with acknowledgements.
 */
import { decodeProgress, encodeProgress, type Progress } from "@distribution/broker-common";
import { DistributionError } from "@distribution/core/errors";
import type { Rest } from "../admin/rest.ts";
import { partitionPath, subscriptionOf } from "../names.ts";
import type { Settings } from "../options.ts";

export interface GroupPartition {
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
}

export interface Kept {
  /** Undefined when the group never consumed the partition. */
  readonly progress: Progress | undefined;
  /** The process that works on it, or did; empty when it gave it up. */
  readonly owner: string;
}

export interface ProgressStore {
  /** Undefined when there is no such subscription. */
  get(of: GroupPartition): Promise<Kept | undefined>;
  put(of: GroupPartition, progress: Progress, owner: string): Promise<void>;
  /** Whether a process of this name is connected for the group. */
  isConnected(of: GroupPartition, owner: string): Promise<boolean>;
  /** The process that Pulsar gives the partition to; undefined when there is none. */
  activeOwner(of: GroupPartition): Promise<string | undefined>;
}

const PROGRESS = "distribution.progress";
const OWNER = "distribution.owner";

interface Subscription {
  readonly consumers?: readonly { readonly consumerName?: string }[];
  readonly activeConsumerName?: string;
}

export function createProgressStore(
  settings: Pick<Settings, "tenant" | "namespace" | "groupProgressBytes">,
  rest: Rest,
): ProgressStore {
  const path = ({ group, topic, partition }: GroupPartition): string =>
    `${partitionPath(settings, topic, partition)}/subscription/${encodeURIComponent(subscriptionOf(group))}/properties`;

  const statsOf = async ({ group, topic, partition }: GroupPartition): Promise<Subscription | undefined> => {
    const path = `${partitionPath(settings, topic, partition)}/stats`;
    const stats = await rest.get<{ subscriptions?: Record<string, Subscription> }>(path);
    return stats?.subscriptions?.[subscriptionOf(group)];
  };

  return {
    async get(of) {
      const properties = await rest.get<Record<string, string>>(path(of));
      if (properties === undefined) return undefined;
      const text = properties[PROGRESS];
      const progress = text === undefined ? undefined : decodeProgress(text);
      if (text !== undefined && progress === undefined) {
        const where = `${of.topic}/${of.partition} for the group ${of.group}`;
        throw new DistributionError(
          "record_damaged",
          `The stored progress of ${where} cannot be read: ${text.slice(0, 80)}.`,
        );
      }
      return { progress, owner: properties[OWNER] ?? "" };
    },
    async put(of, progress, owner) {
      const text = encodeProgress(progress, settings.groupProgressBytes);
      await rest.send("PUT", path(of), { body: { [PROGRESS]: text, [OWNER]: owner } });
    },
    async isConnected(of, owner) {
      return (await statsOf(of))?.consumers?.some(({ consumerName }) => consumerName === owner) ?? false;
    },
    async activeOwner(of) {
      return (await statsOf(of))?.activeConsumerName;
    },
  };
}
