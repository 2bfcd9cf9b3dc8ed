/** What can be set on the Kafka broker: every bound with its unit, default and range. */
import type { ConnectionOptions as TlsOptions } from "node:tls";
import type { OptionNames } from "@distribution/broker-common";
import { fieldError } from "@distribution/core/errors";
import type { Logger } from "@distribution/core/observability";
import { type Runtime, systemRuntime } from "@distribution/core/runtime";

export const SASL_MECHANISMS = ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] as const;
export const COMPRESSIONS = ["none", "gzip", "snappy", "lz4", "zstd"] as const;

export type Compression = (typeof COMPRESSIONS)[number];

/** How a topic's events lie in records: a whole batch in one record, or CloudEvents binary mode, one event a record. */
export type RecordForm = "packed" | "cloudevents";

export interface SaslOptions {
  readonly mechanism: (typeof SASL_MECHANISMS)[number];
  readonly username: string;
  /** A function is asked anew for every connection. */
  readonly password: string | (() => string | Promise<string>);
}

export interface KafkaBrokerOptions {
  /** Where to ask first: `host:port` of one or more of the cluster's brokers. */
  readonly brokers: readonly string[];
  /** What the cluster's logs and quotas name this process by. Default "distribution". */
  readonly clientId?: string;
  readonly sasl?: SaslOptions;
  /** True: TLS with the system's authorities. Else as Node's `tls.connect` takes it: `ca`, `cert`, `key`, `servername`. */
  readonly tls?: boolean | TlsOptions;
  /** Of the record batches that are appended. Default "none". */
  readonly compression?: Compression;
  /** Default "packed". Compacted topics are always `cloudevents`, because Kafka compacts by record key. */
  readonly recordsOf?: (topic: string) => RecordForm;
  /** Copies of a partition that `ensureTopic` asks for when it creates a topic, 1 to 32,767. Default: what the cluster has set. */
  readonly replicationFactor?: number;
  /** Copies that must have an append before it is acknowledged, 1 to 32,767. Default: what the cluster has set. */
  readonly minInsyncReplicas?: number;
  /** What whoever sets an option calls it, for messages about it. Default: as it is called here. */
  readonly optionNames?: OptionNames;
  readonly runtime?: Runtime;
  readonly logger?: Logger;
  /** How long `createKafkaBroker` waits for the cluster before it resolves without, and one connection may take, ms. Default 5,000. */
  readonly connectTimeoutMs?: number;
  /** How long one request may take before its connection is given up, ms. Default 10,000. */
  readonly requestTimeoutMs?: number;
  /** How long an append is tried before it is refused with `unavailable`, ms. Default 30,000. */
  readonly appendTimeoutMs?: number;
  /** Pause before credentials that were refused are tried again, ms; the real pause is up to twice that. Default 30,000. */
  readonly refusedRetryMs?: number;
  /** Largest batch of one write, bytes. Default 1 MiB, at most 64 MiB; `max.message.bytes` of topics made here follows. */
  readonly maxBatchBytes?: number;
  /** Bytes appended and not yet acknowledged before `append` refuses with `unavailable`. Default 64 MiB. */
  readonly maxQueuedBytes?: number;
  /** Bytes that a reader asks for at a time, and so what it reads ahead. Default 1 MiB. */
  readonly fetchBytes?: number;
  /** Bytes that compressed records may unpack to, and a reader unpacks at a time. Default 64 MiB; at least twice `maxBatchBytes`. */
  readonly maxDecompressedBytes?: number;
  /** How long the cluster holds a reader's question at the head, ms. It is answered at once when something comes. Default 500. */
  readonly fetchWaitMs?: number;
  /** How long a group member may be silent before its partitions go to others, ms. Default 10,000. */
  readonly sessionTimeoutMs?: number;
  /** How long a member may take to settle what it has of a partition that it must give up, ms. Default 30,000. */
  readonly rebalanceTimeoutMs?: number;
  /** Events one group holds out or ready at a time in this process. Default 10,000. */
  readonly groupWindowEvents?: number;
  /** Bytes of events one group holds out or ready at a time in this process. Default 32 MiB. */
  readonly groupWindowBytes?: number;
}

export interface Address {
  readonly host: string;
  readonly port: number;
}

type Optional = "logger" | "sasl" | "replicationFactor" | "minInsyncReplicas" | "tls";

export interface Settings extends Required<Omit<KafkaBrokerOptions, Optional | "brokers">> {
  readonly brokers: readonly Address[];
  readonly sasl: SaslOptions | undefined;
  readonly tls: TlsOptions | undefined;
  readonly replicationFactor: number | undefined;
  readonly minInsyncReplicas: number | undefined;
  readonly logger: Logger | undefined;
}

const KiB = 1024;
const MiB = 1024 * KiB;
const LONGEST_MS = 2 ** 31 - 1;

/** Name, default, smallest and largest value. */
const BOUNDS = [
  ["connectTimeoutMs", 5_000, 10, LONGEST_MS],
  ["requestTimeoutMs", 10_000, 100, LONGEST_MS],
  ["appendTimeoutMs", 30_000, 10, LONGEST_MS],
  ["refusedRetryMs", 30_000, 10, LONGEST_MS],
  ["maxBatchBytes", 1 * MiB, 1, 64 * MiB],
  ["maxQueuedBytes", 64 * MiB, 1, Number.MAX_SAFE_INTEGER],
  ["fetchBytes", 1 * MiB, 1, 512 * MiB],
  ["maxDecompressedBytes", 64 * MiB, 1, 1024 * MiB],
  ["fetchWaitMs", 500, 10, 60_000],
  ["sessionTimeoutMs", 10_000, 100, LONGEST_MS],
  ["rebalanceTimeoutMs", 30_000, 100, LONGEST_MS],
  ["groupWindowEvents", 10_000, 1, 1_000_000],
  ["groupWindowBytes", 32 * MiB, 1, Number.MAX_SAFE_INTEGER],
] as const satisfies readonly (readonly [keyof KafkaBrokerOptions, number, number, number])[];

type BoundName = (typeof BOUNDS)[number][0];

/** Fills in the defaults. Throws `invalid_request` naming the option, its range and what it was. */
export function settingsOf(options: KafkaBrokerOptions): Settings {
  const bounds: Record<string, number> = {};
  for (const [name, standard, least, most] of BOUNDS) {
    bounds[name] = whole(name, options[name] ?? standard, least, most);
  }
  // What is appended here can be read here.
  const leastDecompressed = 2 * bounds["maxBatchBytes"]!;
  if (options.maxDecompressedBytes !== undefined)
    whole("maxDecompressedBytes", options.maxDecompressedBytes, leastDecompressed, 1024 * MiB);
  else bounds["maxDecompressedBytes"] = Math.max(bounds["maxDecompressedBytes"]!, leastDecompressed);
  const { clientId = "distribution", compression = "none", tls } = options;
  if (typeof clientId !== "string" || clientId === "" || clientId.length > 200) {
    throw fieldError("invalid_request", "clientId", "must be a text of 1 to 200 characters");
  }
  return {
    ...(bounds as Record<BoundName, number>),
    brokers: addressesOf(options.brokers),
    clientId,
    sasl: options.sasl === undefined ? undefined : saslOf(options.sasl),
    tls: tls === true ? {} : tls === false ? undefined : tls,
    compression: oneOf("compression", compression, COMPRESSIONS),
    recordsOf: options.recordsOf ?? (() => "packed"),
    replicationFactor: copies("replicationFactor", options.replicationFactor),
    minInsyncReplicas: copies("minInsyncReplicas", options.minInsyncReplicas),
    optionNames: options.optionNames ?? ((option) => option),
    runtime: options.runtime ?? systemRuntime,
    logger: options.logger,
  };
}

function whole(name: string, value: number, least: number, most: number): number {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return value;
  throw fieldError("invalid_request", name, `must be a whole number from ${least} to ${most}, not ${value}`);
}

const copies = (name: string, value: number | undefined): number | undefined =>
  value === undefined ? undefined : whole(name, value, 1, 32_767);

function oneOf<T extends string>(name: string, value: T, allowed: readonly T[]): T {
  if (allowed.includes(value)) return value;
  throw fieldError("invalid_request", name, `must be one of ${allowed.join(", ")}, not ${String(value)}`);
}

function saslOf(sasl: SaslOptions): SaslOptions {
  oneOf("sasl.mechanism", sasl.mechanism, SASL_MECHANISMS);
  for (const name of ["username", "password"] as const) {
    const value = sasl[name];
    if (typeof value === "function" || (typeof value === "string" && value !== "")) continue;
    throw fieldError("invalid_request", `sasl.${name}`, "must not be empty");
  }
  return sasl;
}

function addressesOf(brokers: readonly string[]): Address[] {
  if (!Array.isArray(brokers) || brokers.length === 0) {
    throw fieldError("invalid_request", "brokers", 'must name one broker or more, as "host:port"');
  }
  return brokers.map((text: unknown, at) => {
    const [, host, port] = (typeof text === "string" && /^(\[[0-9a-f:]+\]|[^\s:/]+):([0-9]{1,5})$/i.exec(text)) || [];
    if (host === undefined || !(Number(port) >= 1 && Number(port) <= 65_535)) {
      throw fieldError("invalid_request", `brokers[${at}]`, `must be "host:port", not ${JSON.stringify(text)}`);
    }
    return { host: host.replace(/^\[|\]$/g, ""), port: Number(port) };
  });
}
