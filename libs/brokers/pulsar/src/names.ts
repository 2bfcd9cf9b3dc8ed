/** How topics and groups are named at Pulsar. */
import { fieldError } from "@distribution/core/errors";
import type { Settings } from "./options.ts";

export type Where = Pick<Settings, "tenant" | "namespace">;

/** What Pulsar takes for one partition of another topic. */
const PARTITION_MARK = "-partition-";

export const topicUrl = ({ tenant, namespace }: Where, topic: string): string =>
  `persistent://${tenant}/${namespace}/${topic}`;

export const partitionUrl = (where: Where, topic: string, partition: number): string =>
  `${topicUrl(where, topic)}${PARTITION_MARK}${partition}`;

/** Below the admin API's root: `/persistent/{tenant}/{namespace}/{topic}`. */
export const topicPath = ({ tenant, namespace }: Where, topic: string): string =>
  `/persistent/${encodeURIComponent(tenant)}/${encodeURIComponent(namespace)}/${encodeURIComponent(topic)}`;

export const partitionPath = (where: Where, topic: string, partition: number): string =>
  `${topicPath(where, topic)}${PARTITION_MARK}${partition}`;

/** The topic's name from Pulsar's address of it; undefined when it lies elsewhere. */
export function topicOf(where: Where, url: string): string | undefined {
  const prefix = topicUrl(where, "");
  return url.startsWith(prefix) ? url.slice(prefix.length) : undefined;
}

/** Throws `invalid_request` for a name that Pulsar would take for a partition of another topic. */
export function checkTopicName(name: string): void {
  if (name.includes(PARTITION_MARK))
    throw fieldError("invalid_request", "name", `may not contain "${PARTITION_MARK}": Pulsar names partitions so`);
}

/** A subscription's name for the group: other characters than [A-Za-z0-9._-] become `=` and two hex digits for each of their bytes. */
export function subscriptionOf(group: string): string {
  return group.replace(/[^A-Za-z0-9._-]/gu, (character) =>
    [...Buffer.from(character)].map((byte) => `=${byte.toString(16).padStart(2, "0")}`).join(""),
  );
}
