/** What a subscription may be asked to be, and its frame. */
import {
  DeliveryLevel,
  DeliveryMode,
  PayloadFormat,
  type Position,
  SlowPolicy,
  type Start,
  Subscribe,
  type Update,
} from "@distribution/proto-types/distribution/v1/frames";
import type { Decode } from "../events/payload.ts";

/** Where a subscription starts. */
export type StartFrom =
  | "latest"
  | "earliest"
  /** The first event appended at or after this time; as a bigint, Unix nanoseconds. */
  | Date
  | { readonly time: bigint }
  /**
   * After these, one a partition. Partitions that are not named start at latest; with `complete` these are all that there were, as
   * `positions()` of a subscription gives them, and one that is not named was added since and starts at its beginning.
   */
  | { readonly after: readonly Position[]; readonly complete?: boolean }
  | { readonly token: string };

export interface Profile {
  /** Default at-most-once; with a `name` at-least-once. */
  readonly level?: "at-most-once" | "at-least-once";
  /** Default every. `latest`: the newest event of each key, conflated. */
  readonly mode?: "every" | "latest";
  /** First the latest event of each key, then live from the next position. Default false. */
  readonly snapshot?: boolean;
  /** Mode latest: at most this many flushes a second. Default: as often as events come. */
  readonly maxRate?: number;
  /** At least once: events that may be unacknowledged at a time. Default: the service's. */
  readonly window?: number;
  /** At least once: redelivered when not acknowledged within this time, ms. Default: the service's. */
  readonly ackTimeoutMs?: number;
  /** When this client reads too slowly. Default catch-up. */
  readonly slow?: "catch-up" | "drop" | "close";
  /** A `ledger` notice this often, ms. Default: on request only. */
  readonly ledgerIntervalMs?: number;
}

export interface SubscribeOptions<T = unknown> {
  /** Names or patterns: `*` is one token, a trailing `>` the rest. 1 to 64. */
  readonly topics: string | readonly string[];
  /** Only events of these keys. Default: all. */
  readonly keys?: readonly string[];
  /** A CEL expression over envelope and data, for example `data.symbol == "BTC-USD"`. */
  readonly filter?: string;
  /** Payload fields to keep, as dotted paths. Default: all. */
  readonly projection?: readonly string[];
  /** Default: latest, or where the durable subscription of this name is; what is stated here is where it begins each time. */
  readonly from?: StartFrom;
  /** Makes the subscription durable: another session goes on where this one acknowledged. At most 128 bytes. */
  readonly name?: string;
  /** Shares the events with the other subscriptions of this group. */
  readonly group?: string;
  readonly profile?: Profile;
  /** How payloads come. Default: as they were published (`original`) over protobuf, `json` over JSON. */
  readonly payload?: "original" | "json";
  /** Makes `event.data`. Default: JSON becomes its value, anything else stays bytes. */
  readonly decode?: Decode<T>;
  /**
   * At least once: `auto` acknowledges an event when the loop asks for the next one, and a batch when its handler resolves;
   * `manual` leaves it to `event.ack()`. Default auto.
   */
  readonly ack?: "auto" | "manual";
  /** A handler that fails gets its events again after this, ms. Default 1,000. */
  readonly nackDelayMs?: number;
  /** What may wait here for the consumer. */
  readonly buffer?: BufferBounds;
}

export interface BufferBounds {
  /** Default 4,096. The service sends no more than this ahead of the consumer. */
  readonly events?: number;
  /** Default 8 MiB. The service is asked for no more than what fits, judged by the sizes of the events so far. */
  readonly bytes?: number;
}

/** What `update` changes; the rest stays. */
export interface SubscriptionChange {
  readonly filter?: string;
  readonly projection?: readonly string[];
  readonly maxRate?: number;
}

export const LEVELS = {
  "at-most-once": DeliveryLevel.AT_MOST_ONCE,
  "at-least-once": DeliveryLevel.AT_LEAST_ONCE,
} as const;
export const MODES = { every: DeliveryMode.EVERY, latest: DeliveryMode.LATEST } as const;
export const SLOW = { "catch-up": SlowPolicy.CATCH_UP, drop: SlowPolicy.DROP, close: SlowPolicy.CLOSE } as const;
export const PAYLOADS = { original: PayloadFormat.ORIGINAL, json: PayloadFormat.JSON } as const;
/** Unless `buffer` says otherwise. */
export const BUFFER: Required<BufferBounds> = { events: 4_096, bytes: 8 * 1024 * 1024 };
const NS_PER_MS = 1_000_000n;

/** The place that a name keeps is what was acknowledged: at most once it would be what was sent, read or not. */
export function levelOf({ name = "", profile }: Pick<SubscribeOptions, "name" | "profile">): keyof typeof LEVELS {
  return profile?.level ?? (name === "" ? "at-most-once" : "at-least-once");
}

export function subscribeFrame(
  options: Omit<SubscribeOptions, "decode">,
  from: StartFrom | undefined,
  snapshot: boolean,
): Subscribe {
  const { topics, keys, projection, profile = {}, payload } = options;
  const { mode, slow, maxRate = 0, window = 0, ackTimeoutMs = 0, ledgerIntervalMs = 0 } = profile;
  return Subscribe.fromPartial({
    name: options.name ?? "",
    topics: typeof topics === "string" ? [topics] : [...topics],
    keys: [...(keys ?? [])],
    filter: options.filter ?? "",
    projection: [...(projection ?? [])],
    ...(payload && { format: PAYLOADS[payload] }),
    ...(from !== undefined && { from: startOf(from) }),
    profile: {
      level: LEVELS[levelOf(options)],
      ...(mode && { mode: MODES[mode] }),
      ...(slow && { slow: SLOW[slow] }),
      snapshot,
      maxRate,
      window,
      ackTimeoutMs,
      ledgerIntervalMs,
    },
    group: options.group ?? "",
  });
}

export function updateFrame(
  subscription: number,
  { filter, projection, maxRate, paused }: SubscriptionChange & { readonly paused?: boolean },
): Update {
  return { subscription, filter, projection: projection && { paths: [...projection] }, maxRate, paused };
}

function startOf(from: StartFrom): Start {
  if (from === "latest" || from === "earliest") return { at: { $case: from, value: true } };
  if (from instanceof Date) return { at: { $case: "time", value: BigInt(from.getTime()) * NS_PER_MS } };
  if ("time" in from) return { at: { $case: "time", value: from.time } };
  if ("token" in from) return { at: { $case: "token", value: from.token } };
  return { at: { $case: "after", value: { positions: [...from.after], complete: from.complete ?? false } } };
}
