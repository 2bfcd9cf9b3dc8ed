/** From a subscribe frame to what the core works with: every field checked against the topics and the limits. */
import {
  DeliveryLevel,
  DeliveryMode,
  type DeliveryProfile,
  PayloadFormat,
  SlowPolicy,
  type Start,
  type Subscribe,
} from "@distribution/proto-types/distribution/v1/frames";
import { atPath, DistributionError, fieldError } from "../errors.ts";
import { createPayloadCodec, patternCovers, patternMistake } from "../events/index.ts";
import type { StartRequest, SubscriptionProfile, TokenCodec } from "../qos/index.ts";
import { type Filter, type Interest, parseFilter } from "../subscriptions/index.ts";
import type { TopicDefinition } from "../topics.ts";
import type { Connection } from "./contract.ts";
import type { SessionLimits } from "./session-limits.ts";

export interface SubscribeContext {
  readonly topics: readonly TopicDefinition[];
  readonly limits: SessionLimits;
  readonly tokens: TokenCodec;
  readonly connection: Pick<Connection, "format" | "wire">;
}

export interface ParsedSubscribe {
  readonly interest: Interest;
  readonly profile: SubscriptionProfile;
  /** Undefined: not stated. */
  readonly start: StartRequest | undefined;
  readonly ledgerIntervalMs: number;
}

export function parseSubscribe(frame: Subscribe, context: SubscribeContext): ParsedSubscribe {
  const { limits, connection } = context;
  if (frame.group !== "") {
    throw fieldError("not_supported", "subscribe.group", "groups are not offered on this service; leave it out");
  }
  const topics = resolveTopics(frame.topics, context);
  const profile = frame.profile;
  const mode = profile?.mode === DeliveryMode.LATEST ? "latest" : "every";
  const snapshot = profile?.snapshot ?? false;
  if (mode === "latest" || snapshot)
    requireTables(topics, snapshot ? "subscribe.profile.snapshot" : "subscribe.profile.mode");
  const atLeastOnce = profile?.level === DeliveryLevel.AT_LEAST_ONCE;
  const interest: Interest = {
    topics: topics.map((topic) => ({ topic, filter: parseFilterOf(frame.filter, topic, "subscribe.filter") })),
    keys: checkKeys(frame.keys, limits),
    projection: checkProjection(frame.projection, topics, limits, "subscribe.projection"),
    payload: payloadOf(frame.format, connection.format),
    frames: connection.format,
    mode,
    maxRate: checkRate(profile?.maxRate ?? 0, limits, "subscribe.profile.maxRate"),
    tokens: atLeastOnce || connection.wire === "sse" ? "every-frame" : "every-second",
    copy: 0,
  };
  return {
    interest,
    profile: { ...(atLeastOnce && { window: windowOf(profile, limits) }), slow: slowOf(profile?.slow), snapshot },
    start: startOf(frame.from, context.tokens),
    ledgerIntervalMs: ledgerIntervalOf(profile, limits),
  };
}

export function parseFilterOf(source: string, topic: TopicDefinition, path: string): Filter | undefined {
  return source === "" ? undefined : atPath(path, () => parseFilter(source, topic));
}

export function checkRate(rate: number, limits: SessionLimits, path: string): number {
  if (rate >= 0 && rate <= limits.maxRate) return rate;
  throw fieldError(
    "invalid_request",
    path,
    `is ${rate}; it must lie between 0 (no bound) and ${limits.maxRate} flushes a second`,
  );
}

export function checkProjection(
  paths: readonly string[],
  topics: readonly TopicDefinition[],
  limits: SessionLimits,
  path: string,
): readonly string[] {
  if (paths.length === 0) return [];
  if (paths.length > limits.maxProjection) {
    throw fieldError("invalid_request", path, `has ${paths.length} paths; at most ${limits.maxProjection} are taken`);
  }
  for (const { name, message } of topics) {
    if (!message)
      throw fieldError("invalid_request", path, `topic ${name} has no schema to project; leave the projection out`);
    createPayloadCodec(message).checkPaths(paths, path);
  }
  return [...new Set(paths)].sort();
}

function resolveTopics(patterns: readonly string[], { topics, limits }: SubscribeContext): readonly TopicDefinition[] {
  if (patterns.length === 0 || patterns.length > limits.maxTopics) {
    throw fieldError(
      "invalid_request",
      "subscribe.topics",
      `has ${patterns.length} names; give 1 to ${limits.maxTopics}`,
    );
  }
  const found = new Set<TopicDefinition>();
  for (const [index, source] of patterns.entries()) {
    const path = `subscribe.topics[${index}]`;
    const mistake = patternMistake(source);
    if (mistake) throw fieldError("invalid_request", path, mistake);
    const covered = topics.filter((topic) => patternCovers(source, topic.name));
    if (covered.length === 0) {
      const names = topics.map((topic) => topic.name).join(", ");
      throw fieldError("unknown_topic", path, `"${source}" is no topic here and covers none; there are ${names}`);
    }
    for (const topic of covered) found.add(topic);
  }
  return [...found].sort((a, b) => (a.name < b.name ? -1 : 1));
}

function requireTables(topics: readonly TopicDefinition[], path: string): void {
  for (const { name, table } of topics) {
    if (!table)
      throw fieldError(
        "not_supported",
        path,
        `topic ${name} keeps no table of latest events; take mode every without a snapshot`,
      );
  }
}

function checkKeys(keys: readonly string[], limits: SessionLimits): readonly string[] {
  if (keys.length > limits.maxKeys) {
    throw fieldError(
      "invalid_request",
      "subscribe.keys",
      `has ${keys.length} keys; at most ${limits.maxKeys} are taken, use a filter for more`,
    );
  }
  for (const [index, key] of keys.entries()) {
    const bytes = Buffer.byteLength(key);
    if (bytes > 0 && bytes <= limits.maxKeyBytes) continue;
    throw fieldError(
      "invalid_request",
      `subscribe.keys[${index}]`,
      `has ${bytes} bytes; a key has 1 to ${limits.maxKeyBytes}`,
    );
  }
  return [...new Set(keys)].sort();
}

function payloadOf(format: PayloadFormat, frames: Connection["format"]): Interest["payload"] {
  if (format === PayloadFormat.JSON) return "json";
  if (format === PayloadFormat.ORIGINAL) return "original";
  return frames === "json" ? "json" : "original";
}

function windowOf(
  profile: DeliveryProfile | undefined,
  limits: SessionLimits,
): NonNullable<SubscriptionProfile["window"]> {
  const size = profile?.window || limits.defaultWindow;
  if (size > limits.maxWindow) {
    throw fieldError(
      "invalid_request",
      "subscribe.profile.window",
      `is ${size}; at most ${limits.maxWindow} events may be unacknowledged`,
    );
  }
  const ackTimeoutMs = profile?.ackTimeoutMs || limits.defaultAckTimeoutMs;
  if (ackTimeoutMs < limits.minAckTimeoutMs || ackTimeoutMs > limits.maxAckTimeoutMs) {
    const range = `${limits.minAckTimeoutMs} to ${limits.maxAckTimeoutMs} ms`;
    throw fieldError("invalid_request", "subscribe.profile.ackTimeoutMs", `is ${ackTimeoutMs}; it must be ${range}`);
  }
  return { size, ackTimeoutMs };
}

function ledgerIntervalOf(profile: DeliveryProfile | undefined, limits: SessionLimits): number {
  const interval = profile?.ledgerIntervalMs ?? 0;
  if (interval === 0 || interval >= limits.minLedgerIntervalMs) return interval;
  throw fieldError(
    "invalid_request",
    "subscribe.profile.ledgerIntervalMs",
    `is ${interval}; at least ${limits.minLedgerIntervalMs} ms, or 0 for on request only`,
  );
}

function slowOf(policy: SlowPolicy | undefined): SubscriptionProfile["slow"] {
  if (policy === SlowPolicy.DROP) return "drop";
  return policy === SlowPolicy.CLOSE ? "close" : "catch-up";
}

function startOf(from: Start | undefined, tokens: TokenCodec): StartRequest | undefined {
  const at = from?.at;
  switch (at?.$case) {
    case "earliest":
      return at.value ? { kind: "earliest" } : undefined;
    case "latest":
      return at.value ? { kind: "latest" } : undefined;
    case "time":
      if (at.value < 0n)
        throw fieldError("invalid_request", "subscribe.from.time", "is before 1970; give Unix nanoseconds");
      return { kind: "time", time: at.value };
    case "after":
      if (at.value.positions.length > MAX_POSITIONS) {
        throw fieldError(
          "invalid_request",
          "subscribe.from.after.positions",
          `has over ${MAX_POSITIONS} positions; give one a partition`,
        );
      }
      return { kind: "after", ...at.value };
    case "token":
      return { kind: "after", positions: tokens.read(at.value, "subscribe.from.token"), complete: true };
    case undefined:
      return undefined;
    default:
      throw new DistributionError("internal", "A start of a kind that the decoder should have refused.");
  }
}

/** More partitions than any subscription of 64 topics with 1,024 partitions would name by hand. */
const MAX_POSITIONS = 65_536;
