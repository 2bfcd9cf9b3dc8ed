/**
 * What is kept of a group with each partition's subscription, in its properties: the progress, and which process works on it. Pulsar
 * writes them to its metadata before it answers, which it does not do with acknowledgements. It takes no condition with them: who
 * writes last is right, so who has lost the partition must not try again.
 */
import { DistributionError } from "@distribution/core/errors";
import type { Rest } from "../admin/rest.ts";
import { subscriptionOf } from "../names.ts";

export interface GroupPartition {
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
}

export interface Kept<P> {
  /** Undefined when the group never consumed the partition. */
  readonly progress: P | undefined;
  /** The process that works on it, or did; empty when it gave it up. */
  readonly owner: string;
}

export interface ProgressStore<P> {
  /** Undefined when there is no such subscription. */
  get(of: GroupPartition): Promise<Kept<P> | undefined>;
  /** Without a progress none is kept. `again`: called before it is tried again, and ends that by rejecting. */
  put(of: GroupPartition, progress: P | undefined, owner: string, again?: () => Promise<void>): Promise<void>;
  /** Whether a process of this name is connected for the group. */
  isConnected(of: GroupPartition, owner: string): Promise<boolean>;
  /** The process that Pulsar gives the partition to; undefined when there is none. */
  activeOwner(of: GroupPartition): Promise<string | undefined>;
}

export interface ProgressStoreOptions<P> {
  readonly rest: Rest;
  /** Of the partition's topic at the admin API. */
  pathOf(of: GroupPartition): string;
  /** Undefined: there is nothing to keep. */
  encode(progress: P): string | undefined;
  /** Undefined on what is none. */
  decode(text: string): P | undefined;
}

const PROGRESS = "distribution.progress";
const OWNER = "distribution.owner";
/** Pulsar gives an added partition the subscriptions of the first one, with what is kept there: that is none of its own. */
const PARTITION = "distribution.partition";

interface Subscription {
  readonly consumers?: readonly { readonly consumerName?: string }[];
  readonly activeConsumerName?: string;
}

export function createProgressStore<P>({ rest, pathOf, encode, decode }: ProgressStoreOptions<P>): ProgressStore<P> {
  const path = (of: GroupPartition): string =>
    `${pathOf(of)}/subscription/${encodeURIComponent(subscriptionOf(of.group))}/properties`;

  const statsOf = async (of: GroupPartition): Promise<Subscription | undefined> => {
    const stats = await rest.get<{ subscriptions?: Record<string, Subscription> }>(`${pathOf(of)}/stats`);
    return stats?.subscriptions?.[subscriptionOf(of.group)];
  };

  return {
    async get(of) {
      const properties = await rest.get<Record<string, string>>(path(of));
      if (properties === undefined) return undefined;
      if (properties[PARTITION] !== String(of.partition)) return { progress: undefined, owner: "" };
      const text = properties[PROGRESS];
      const progress = text === undefined ? undefined : decode(text);
      if (text !== undefined && progress === undefined) {
        const where = `${of.topic}/${of.partition} for the group ${of.group}`;
        throw new DistributionError(
          "record_damaged",
          `The stored progress of ${where} cannot be read: ${text.slice(0, 80)}.`,
        );
      }
      return { progress, owner: properties[OWNER] ?? "" };
    },
    async put(of, progress, owner, again) {
      const text = progress === undefined ? undefined : encode(progress);
      // What is not named is kept no longer.
      const kept = { [PARTITION]: String(of.partition), [OWNER]: owner };
      const body = text === undefined ? kept : { ...kept, [PROGRESS]: text };
      await rest.send("PUT", path(of), { body, ...(again && { again }) });
    },
    async isConnected(of, owner) {
      return (await statsOf(of))?.consumers?.some(({ consumerName }) => consumerName === owner) ?? false;
    },
    async activeOwner(of) {
      return (await statsOf(of))?.activeConsumerName;
    },
  };
}
