/** Defaults and ranges of every option; what is out of range is refused with its name, range and value. */
import type { PulsarOptions, TlsOptions } from "./contract.ts";
import { PulsarError } from "./errors.ts";

const KiB = 1024;
const MiB = 1024 * KiB;

/** Name: default, smallest, largest. */
type Bounds = Readonly<Record<string, readonly [standard: number, least: number, most: number]>>;

const CLIENT = {
  connectTimeoutMs: [10_000, 1, 600_000],
  operationTimeoutMs: [30_000, 1, 600_000],
  keepAliveMs: [30_000, 10, 600_000],
  maxDecompressedBytes: [64 * MiB, KiB, 1024 * MiB],
} as const satisfies Bounds;

const BACKOFF = { minMs: [100, 1, 600_000], maxMs: [15_000, 1, 600_000] } as const satisfies Bounds;

export const PRODUCER_BOUNDS = {
  maxBatchMessages: [1_000, 1, 100_000],
  maxBatchBytes: [128 * KiB, 1, 64 * MiB],
  maxBatchDelayMs: [0, 0, 60_000],
  maxPendingMessages: [50_000, 1, 10_000_000],
  maxPendingBytes: [64 * MiB, KiB, 4 * 1024 * MiB],
  sendTimeoutMs: [30_000, 0, 3_600_000],
} as const satisfies Bounds;

export const QUEUE_BOUNDS = {
  queueMessages: [10_000, 1, 1_000_000],
  queueBytes: [8 * MiB, KiB, 1024 * MiB],
} as const satisfies Bounds;

/** The numbers of `options` that `bounds` names, with defaults. Throws `invalid_argument`. */
export function bounded<B extends Bounds>(
  bounds: B,
  options: object,
  path = "",
): { readonly [Name in keyof B]: number } {
  const found: Record<string, number> = {};
  for (const [name, [standard, least, most]] of Object.entries(bounds)) {
    const value = ((options as Record<string, unknown>)[name] ?? standard) as number;
    if (!Number.isSafeInteger(value) || value < least || value > most) {
      throw new PulsarError(
        "invalid_argument",
        `${path}${name} must be a whole number from ${least} to ${most}, not ${value}.`,
      );
    }
    found[name] = value;
  }
  return found as { [Name in keyof B]: number };
}

/** Throws `invalid_argument` unless `value` is absent or one of these. */
export function oneOf<T extends string>(name: string, value: T | undefined, standard: T, all: readonly T[]): T {
  const chosen = value ?? standard;
  if (!all.includes(chosen)) {
    throw new PulsarError(
      "invalid_argument",
      `${name} must be one of ${all.join(", ")}, not ${JSON.stringify(chosen)}.`,
    );
  }
  return chosen;
}

/** Where a broker is reached. */
export interface Address {
  readonly tls: boolean;
  readonly host: string;
  readonly port: number;
  /** `host:port` of the broker that a proxy at `host` and `port` is to lead to. */
  readonly proxyTo?: string;
}

/** `pulsar://` or `pulsar+ssl://`, one host or several. Throws `invalid_argument`. */
export function parseServiceUrl(url: string): readonly [Address, ...Address[]] {
  const match = /^pulsar(\+ssl)?:\/\/([^/?#\s]+)\/?$/.exec(url);
  const tls = match?.[1] !== undefined;
  const addresses = (match?.[2] ?? "").split(",").map((part): Address | undefined => {
    const [, host, port] = /^(\[[0-9a-fA-F:.]+\]|[^:@[\]]+)(?::(\d{1,5}))?$/.exec(part) ?? [];
    const number = port === undefined ? (tls ? 6651 : 6650) : Number(port);
    if (host === undefined || number < 1 || number > 65_535) return undefined;
    return { tls, host: host.replace(/^\[|\]$/g, ""), port: number };
  });
  const [first, ...others] = addresses.filter((address) => address !== undefined);
  if (match === null || first === undefined || others.length + 1 !== addresses.length) {
    throw new PulsarError(
      "invalid_argument",
      `serviceUrl must be pulsar://host:port or pulsar+ssl://host:port (several hosts with commas), not ${JSON.stringify(url)}.`,
    );
  }
  return [first, ...others];
}

/** `persistent://tenant/namespace/name` of a full or a short name. Throws `invalid_argument`. */
export function fullTopicName(topic: string): string {
  const full = topic.includes("://")
    ? topic
    : topic.includes("/")
      ? `persistent://${topic}`
      : `persistent://public/default/${topic}`;
  if (!/^(?:non-)?persistent:\/\/[^/\s]+\/[^/\s]+\/[^\s]+$/.test(full)) {
    throw new PulsarError(
      "invalid_argument",
      `topic must be a name, tenant/namespace/name or persistent://tenant/namespace/name, not ${JSON.stringify(topic)}.`,
    );
  }
  return full;
}

/** N of `...-partition-N`, else -1. */
export function partitionOf(topic: string): number {
  const match = /-partition-(\d{1,9})$/.exec(topic);
  return match === null ? -1 : Number(match[1]);
}

export interface ClientSettings {
  readonly addresses: readonly [Address, ...Address[]];
  readonly token: PulsarOptions["token"];
  readonly tls: TlsOptions;
  readonly listenerName: string | undefined;
  readonly connectTimeoutMs: number;
  readonly operationTimeoutMs: number;
  readonly keepAliveMs: number;
  readonly maxDecompressedBytes: number;
  readonly backoff: { readonly minMs: number; readonly maxMs: number };
  readonly emit: NonNullable<PulsarOptions["onEvent"]>;
}

export function clientSettings(options: PulsarOptions): ClientSettings {
  const backoff = bounded(BACKOFF, options.backoff ?? {}, "backoff.");
  if (backoff.minMs > backoff.maxMs) {
    throw new PulsarError(
      "invalid_argument",
      `backoff.minMs ${backoff.minMs} is above backoff.maxMs ${backoff.maxMs}.`,
    );
  }
  const token = options.token;
  if (token !== undefined && typeof token !== "function" && (typeof token !== "string" || token === "")) {
    throw new PulsarError("invalid_argument", "token must be a text that is not empty, or a function that gives one.");
  }
  return {
    ...bounded(CLIENT, options),
    addresses: parseServiceUrl(options.serviceUrl),
    token,
    tls: options.tls ?? {},
    listenerName: options.listenerName,
    backoff,
    emit: options.onEvent ?? (() => undefined),
  };
}
