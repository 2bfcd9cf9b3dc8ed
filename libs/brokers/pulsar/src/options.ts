/** What can be set on the Pulsar broker: every bound with its unit, default and range. */
import type { OptionNames, RecordForm } from "@distribution/broker-common";
import { fieldError } from "@distribution/core/errors";
import type { Logger } from "@distribution/core/observability";
import { type Runtime, systemRuntime } from "@distribution/core/runtime";

/** A token itself, or a file that has it and is read again whenever one is needed, so that it may be replaced. */
export type Token = string | { readonly file: string };

/** PEM texts. Hosts are verified against `ca`, or else against what Node trusts. */
export interface TlsOptions {
  readonly ca?: string;
  /** This side's certificate chain and key, for brokers that ask for one. */
  readonly cert?: string;
  readonly key?: string;
}

export type Compression = "none" | "zlib" | "zstd";

export type PulsarClient = "protocol" | "native";

export interface PulsarBrokerOptions {
  /** `pulsar://host:6650`, or `pulsar+ssl://host:6651`. */
  readonly serviceUrl: string;
  /** `http://host:8080`, or `https://host:8443`. */
  readonly adminUrl: string;
  /** Default `public`. */
  readonly tenant?: string;
  /** Created when it is missing and the token may. Default `default`. */
  readonly namespace?: string;
  readonly token?: Token;
  readonly tls?: TlsOptions;
  /** Of what is appended; anything of these is read. Default none. */
  readonly compression?: Compression;
  /**
   * What speaks to Pulsar: this project's own client, or npm's `pulsar-client`, which has to be installed beside it and can do less
   * (docs/brokers.md). Default `protocol`.
   */
  readonly client?: PulsarClient;
  /** How a topic's events are written. Default packed; topics with compaction are always `cloudevents`. */
  readonly recordsOf?: (topic: string) => RecordForm;
  /** What whoever sets an option calls it, for messages about it. Default: as it is called here. */
  readonly optionNames?: OptionNames;
  readonly runtime?: Runtime;
  readonly logger?: Logger;
  /** How long an append is tried before it is refused with `unavailable`, ms. Default 30,000. */
  readonly appendTimeoutMs?: number;
  /** How long the start waits for the broker before it goes on without, not ready, ms. Default 10,000. */
  readonly connectTimeoutMs?: number;
  /** How long anything asked of the admin API is tried, ms. Default 30,000. */
  readonly adminTimeoutMs?: number;
  /** Largest batch of one write, bytes; with 16 KiB it has to fit the broker's `maxMessageSize`. Default 1 MiB. */
  readonly maxBatchBytes?: number;
  /** Bytes appended and not yet durable before `append` refuses with `unavailable`. Default 64 MiB. */
  readonly maxQueuedBytes?: number;
  /** Bytes of a partition that are sent and not yet confirmed; what is appended meanwhile goes together. Default 4 MiB. */
  readonly maxInFlightBytes?: number;
  /** Bytes that one reader fetches ahead of who reads; one record more when a record is larger. Default 4 MiB. */
  readonly readAheadBytes?: number;
  /** Bytes that a compressed entry may unpack to. Default 64 MiB. */
  readonly maxDecompressedBytes?: number;
  /** After how long changes that other processes made to a topic are known here, ms. Default 5,000. */
  readonly topicRefreshMs?: number;
  /** Events one group holds out or ready at a time in this process. Default 10,000. */
  readonly groupWindowEvents?: number;
  /** Bytes of events one group holds out or ready at a time in this process. Default 32 MiB. */
  readonly groupWindowBytes?: number;
  /** Bytes of one partition's progress of a group that are kept; what does not fit comes again. Default 16 KiB. */
  readonly groupProgressBytes?: number;
}

type Bound = (typeof BOUNDS)[number][0];

export type Settings = Required<Pick<PulsarBrokerOptions, Bound>> & {
  readonly serviceUrl: URL;
  readonly adminUrl: URL;
  readonly tenant: string;
  readonly namespace: string;
  readonly token: Token | undefined;
  readonly tls: TlsOptions;
  readonly compression: Compression;
  readonly client: PulsarClient;
  readonly recordsOf: (topic: string) => RecordForm;
  readonly optionNames: OptionNames;
  readonly runtime: Runtime;
  readonly logger: Logger | undefined;
};

const KiB = 1024;
const MiB = 1024 * KiB;

/** Bytes of a message that are not events: its metadata and properties. */
export const RECORD_OVERHEAD = 16 * KiB;

/** Name, default, smallest and largest value. */
const BOUNDS = [
  ["appendTimeoutMs", 30_000, 100, 600_000],
  ["connectTimeoutMs", 10_000, 100, 600_000],
  ["adminTimeoutMs", 30_000, 100, 600_000],
  ["maxBatchBytes", 1 * MiB, 1, 128 * MiB],
  ["maxQueuedBytes", 64 * MiB, 1, Number.MAX_SAFE_INTEGER],
  ["maxInFlightBytes", 4 * MiB, 1, 1024 * MiB],
  ["readAheadBytes", 4 * MiB, 1 * KiB, 1024 * MiB],
  ["maxDecompressedBytes", 64 * MiB, 1 * KiB, 1024 * MiB],
  ["topicRefreshMs", 5000, 100, 3_600_000],
  ["groupWindowEvents", 10_000, 1, 1_000_000],
  ["groupWindowBytes", 32 * MiB, 1, Number.MAX_SAFE_INTEGER],
  ["groupProgressBytes", 16 * KiB, 256, 512 * KiB],
] as const satisfies readonly (readonly [keyof PulsarBrokerOptions, number, number, number])[];

export const sameNames: OptionNames = (option) => option;

/** Tenants and namespaces as Pulsar takes them. */
const PLACE = /^[-=:.\w]+$/;

/** Fills in the defaults. Throws `invalid_request` naming the option, its range and what it was. */
export function settingsOf(options: PulsarBrokerOptions): Settings {
  const bounds: Record<string, number> = {};
  for (const [name, standard, least, most] of BOUNDS) {
    const value = options[name] ?? standard;
    if (!Number.isSafeInteger(value) || value < least || value > most) {
      throw fieldError("invalid_request", name, `must be a whole number from ${least} to ${most}, not ${value}`);
    }
    bounds[name] = value;
  }
  const { token, runtime = systemRuntime } = options;
  if (typeof token === "string" ? token === "" : token !== undefined && typeof token.file !== "string") {
    throw fieldError("invalid_request", "token", "must be the token's text or { file }, its path; or leave it out");
  }
  return {
    ...(bounds as Record<Bound, number>),
    serviceUrl: urlOf("serviceUrl", options.serviceUrl, ["pulsar:", "pulsar+ssl:"]),
    adminUrl: urlOf("adminUrl", options.adminUrl, ["http:", "https:"]),
    tenant: placeOf("tenant", options.tenant ?? "public"),
    namespace: placeOf("namespace", options.namespace ?? "default"),
    compression: oneOf("compression", options.compression ?? "none", ["none", "zlib", "zstd"]),
    client: oneOf("client", options.client ?? "protocol", ["protocol", "native"]),
    recordsOf: options.recordsOf ?? (() => "packed"),
    tls: options.tls ?? {},
    optionNames: options.optionNames ?? sameNames,
    logger: options.logger,
    token,
    runtime,
  };
}

function urlOf(name: string, text: string, protocols: readonly string[]): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !protocols.includes(url.protocol) || url.hostname === "") {
    const forms = protocols.map((protocol) => `${protocol}//host:port`).join(" or ");
    // What it is instead is not said: a URL may have a password in it.
    throw fieldError("invalid_request", name, `must be ${forms}`);
  }
  return url;
}

function placeOf(name: string, text: string): string {
  if (typeof text !== "string" || !PLACE.test(text)) {
    throw fieldError("invalid_request", name, `must be letters, digits and any of -=:._, not ${JSON.stringify(text)}`);
  }
  return text;
}

function oneOf<T extends string>(name: string, value: T, values: readonly T[]): T {
  if (!values.includes(value))
    throw fieldError("invalid_request", name, `must be one of ${values.join(", ")}, not ${String(value)}`);
  return value;
}
