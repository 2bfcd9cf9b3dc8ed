/** What a client can be told, with defaults. */
import type { CreateSocket, Socket } from "./connection/link.ts";
import { DistributionClientError } from "./errors.ts";
import type { WireFormat } from "./wire/frames.ts";

export interface ReconnectOptions {
  /** Upper end of the first delay; each further one doubles, at random below its upper end. Default 200 ms. */
  readonly minDelayMs?: number;
  /** Default 30,000 ms. */
  readonly maxDelayMs?: number;
  /** Without a session for this long, the client fails with `unreachable`. Default: never. */
  readonly giveUpAfterMs?: number;
}

export interface ConnectOptions {
  /** Of the service, for example `http://localhost:7030`; a path other than `/` is taken for the stream's own. */
  readonly url: string | URL;
  /** A bearer token or API key, or what gives one for each connection. Default: none. */
  readonly token?: string | (() => string | Promise<string>);
  /** Default proto. */
  readonly format?: WireFormat;
  readonly reconnect?: ReconnectOptions;
  /** From the first byte to the session, ms. Default 10,000. */
  readonly connectTimeoutMs?: number;
  /** For the answer to a request on the session, ms. Default 10,000. */
  readonly requestTimeoutMs?: number;
  /** For the answer to a publish, reconnects and repetitions included, ms. Default 30,000. */
  readonly publishTimeoutMs?: number;
  /** Publishes that wait for their answer; more are refused with `overloaded`. Default 1,000. */
  readonly maxPendingPublishes?: number;
  /** Default: the global WebSocket. For headers, proxies, or a Node without one. */
  readonly createSocket?: CreateSocket;
}

export interface ClientSettings extends Required<Omit<ConnectOptions, "url" | "token" | "reconnect">> {
  readonly reconnect: Required<ReconnectOptions>;
}

/** Throws `misuse` naming an option that is not a positive number. */
export function settingsOf({ reconnect, ...options }: ConnectOptions): ClientSettings {
  const settings: ClientSettings = {
    format: options.format ?? "proto",
    connectTimeoutMs: options.connectTimeoutMs ?? 10_000,
    requestTimeoutMs: options.requestTimeoutMs ?? 10_000,
    publishTimeoutMs: options.publishTimeoutMs ?? 30_000,
    maxPendingPublishes: options.maxPendingPublishes ?? 1_000,
    createSocket: options.createSocket ?? globalSocket,
    reconnect: {
      minDelayMs: reconnect?.minDelayMs ?? 200,
      maxDelayMs: reconnect?.maxDelayMs ?? 30_000,
      giveUpAfterMs: reconnect?.giveUpAfterMs ?? Number.POSITIVE_INFINITY,
    },
  };
  for (const [name, value] of [...Object.entries(settings), ...Object.entries(settings.reconnect)]) {
    if (typeof value !== "number" || value > 0) continue;
    throw new DistributionClientError("misuse", `${name}: is ${value}; give a number above 0`);
  }
  return settings;
}

function globalSocket(url: string, protocol: string): Socket {
  if (typeof WebSocket === "undefined") {
    throw new DistributionClientError("misuse", "createSocket: this runtime has no global WebSocket; give one");
  }
  return new WebSocket(url, protocol) as Socket;
}
