/** What this adapter keeps in a topic's properties: the epoch, the configuration as it was given, and where each partition was cut. */
import type { TopicConfig } from "@distribution/core/brokers";
import { formatOffset, type Place, parseOffset } from "../offset.ts";

export type Properties = Readonly<Record<string, string>>;

const EPOCH = "distribution.epoch";
const CONFIG = "distribution.config";
const CREATED = "distribution.created";
const WHOLE_UNTIL = "distribution.whole-until";
const FLOOR = "distribution.floor.";
/** The ledger of a partition's first event, or UNKNOWN. */
const FIRST_LEDGER = "distribution.first-ledger.";
const UNKNOWN = "-1";
/** There where the topic is compacted, or was. */
const COMPACTED = "distribution.compacted";

/** How long retention cannot have deleted anything: Unix ms, or for ever. */
const ALWAYS = "always";

/** A topic as its properties tell it. */
export interface Topic {
  readonly config: TopicConfig;
  readonly epoch: string;
  /** By partition: the last place that was truncated. */
  readonly floors: ReadonlyMap<number, Place>;
  /** Unix ms until which nothing can have been deleted by retention. */
  readonly wholeUntil: number;
  /**
   * By partition, the ledger of its first event: while it is there, nothing was deleted. None: nothing was appended yet; before
   * every ledger: not known, since others created the topic.
   */
  readonly firstLedgers: ReadonlyMap<number, bigint>;
  /** It is, or was: only compacted it can be read as a whole. */
  readonly compacted: boolean;
}

/** Undefined when this adapter has not ensured the topic. */
export function topicFrom(name: string, partitions: number, properties: Properties): Topic | undefined {
  const epoch = properties[EPOCH];
  const stored = properties[CONFIG];
  if (epoch === undefined || stored === undefined) return undefined;
  const floors = new Map<number, Place>();
  const firstLedgers = new Map<number, bigint>();
  for (const [key, value] of Object.entries(properties)) {
    if (key.startsWith(FLOOR)) floors.set(Number(key.slice(FLOOR.length)), parseOffset(value, key));
    else if (key.startsWith(FIRST_LEDGER)) firstLedgers.set(Number(key.slice(FIRST_LEDGER.length)), BigInt(value));
  }
  const { retention, compaction } = JSON.parse(stored) as Pick<TopicConfig, "retention" | "compaction">;
  const until = properties[WHOLE_UNTIL] ?? "0";
  const wholeUntil = until === ALWAYS ? Number.POSITIVE_INFINITY : Number(until);
  const compacted = properties[COMPACTED] !== undefined;
  return { config: { name, partitions, retention, compaction }, epoch, floors, wholeUntil, firstLedgers, compacted };
}

export const firstLedgerProperty = (partition: number, ledger: bigint): Properties => ({
  [FIRST_LEDGER + partition]: String(ledger),
});

export function firstProperties(config: TopicConfig, epoch: string, nowMs: number): Properties {
  const created = { [EPOCH]: epoch, [CREATED]: String(nowMs), [WHOLE_UNTIL]: ALWAYS };
  return { ...created, ...changedProperties(config, created, nowMs) };
}

/** Of a topic that others created: what was deleted from it before is not known. */
export function adoptedProperties(config: TopicConfig, epoch: string, nowMs: number): Properties {
  const firstLedgers = Array.from({ length: config.partitions }, (_, partition) => [FIRST_LEDGER + partition, UNKNOWN]);
  return {
    ...firstProperties(config, epoch, nowMs),
    ...(Object.fromEntries(firstLedgers) as Properties),
    [WHOLE_UNTIL]: "0",
  };
}

/** Those that another configuration changes. */
export function changedProperties({ retention, compaction }: TopicConfig, had: Properties, nowMs: number): Properties {
  const config = {
    [CONFIG]: JSON.stringify({ retention, compaction }),
    ...(compaction ? { [COMPACTED]: "true" } : {}),
  };
  const until = had[WHOLE_UNTIL] ?? "0";
  // What may have been deleted already stays so.
  if (until !== ALWAYS && Number(until) <= nowMs) return config;
  const { ms, bytes } = compaction ? {} : retention;
  const created = Number(had[CREATED] ?? nowMs);
  const keptUntil = bytes !== undefined ? "0" : ms === undefined ? ALWAYS : String(created + ms);
  return { ...config, [WHOLE_UNTIL]: keptUntil };
}

export const floorProperty = (partition: number, floor: Place): Properties => ({
  [FLOOR + partition]: formatOffset(floor),
});

export function sameConfig(a: TopicConfig, b: TopicConfig): boolean {
  return (
    a.partitions === b.partitions &&
    a.compaction === b.compaction &&
    a.retention.ms === b.retention.ms &&
    a.retention.bytes === b.retention.bytes
  );
}
