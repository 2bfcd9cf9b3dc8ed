/** What a subscription wants to see, resolved and checked: subscriptions of equal interests are matched and encoded once. */
import type { TopicDefinition } from "../topics.ts";
import type { Filter } from "./contract.ts";

export type PayloadForm = "original" | "json";
export type DeliveryMode = "every" | "latest";

export interface InterestTopic {
  readonly topic: TopicDefinition;
  /** Parsed against this topic's schema. */
  readonly filter: Filter | undefined;
}

export interface Interest {
  /** Sorted by name, at least one. */
  readonly topics: readonly InterestTopic[];
  /** Sorted, without duplicates. Empty: all. */
  readonly keys: readonly string[];
  /** Dotted payload paths to keep, sorted. Empty: the whole payload. */
  readonly projection: readonly string[];
  readonly payload: PayloadForm;
  readonly frames: "json" | "proto";
  readonly mode: DeliveryMode;
  /** Mode latest: flushes a second at most; 0: with every batch. */
  readonly maxRate: number;
  /** Every frame carries a resume token, not only one a second. */
  readonly tokens: "every-frame" | "every-second";
  /** 0, but for a session's second, third ... subscription of the same interest: a channel of its own tells them apart. */
  readonly copy: number;
}

/** Equal for interests that can share a match, an encoding and a buffer. */
export function identityOf(interest: Interest): string {
  const topics = interest.topics.map(({ topic, filter }) => [topic.name, filter?.canonical ?? ""]);
  const { keys, projection, payload, frames, mode, maxRate, tokens, copy } = interest;
  return JSON.stringify([topics, keys, projection, payload, frames, mode, maxRate, tokens, copy]);
}
