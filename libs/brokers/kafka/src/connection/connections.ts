/** Connections to the cluster's brokers, one each, made when wanted and again when they are lost. */
import type { DistributionError } from "@distribution/core/errors";
import { Connection } from "@platformatic/kafka";
import type { Address, Settings } from "../options.ts";
import { unavailable } from "./failures.ts";
import type { Gate } from "./gate.ts";

export interface Connections {
  /** Connected and let in. Throws `unavailable`. */
  get(address: Address): Promise<Connection>;
  /** Ends what is under way on every connection. Idempotent. */
  close(): Promise<void>;
}

export interface ConnectionsOptions {
  readonly settings: Settings;
  readonly gate: Gate;
  /** How long one request may take before its connection is given up, ms. */
  readonly requestTimeoutMs: number;
  /** Told when a connection that had worked is lost. */
  onLost?(address: Address): void;
}

/** Requests that one connection has out at a time. */
const INFLIGHT = 5;

export function createConnections({ settings, gate, requestTimeoutMs, onLost }: ConnectionsOptions): Connections {
  const open = new Map<string, Promise<Connection>>();
  let closed = false;

  const connect = async (key: string, address: Address): Promise<Connection> => {
    const connection = new Connection(settings.clientId, {
      connectTimeout: settings.connectTimeoutMs,
      requestTimeout: requestTimeoutMs,
      maxInflights: INFLIGHT,
      ...(settings.tls === undefined ? {} : { tls: { servername: serverName(address), ...settings.tls } }),
      ...(settings.sasl === undefined ? {} : { sasl: settings.sasl }),
    });
    const forget = (): void => {
      if (open.get(key) !== attempt) return;
      open.delete(key);
      if (reached && !closed) onLost?.(address);
    };
    // Without a listener for every error that it says, also after the first, the process would end.
    connection.on("error", (failure: Error) => {
      forget();
      // A certificate is asked for after the connection was made: what is asked on it only fails with that it is closed.
      if (reached && !gate.hasAnswered(address)) gate.failed(address, failure, true);
    });
    connection.on("close", forget);
    const attempt = open.get(key);
    let reached = false;
    try {
      await connection.connect(address.host, address.port);
    } catch (failure) {
      forget();
      connection.socket?.destroy();
      throw gate.failed(address, failure, isConnected(connection));
    }
    if (closed) {
      await connection.close();
      throw closedError();
    }
    reached = true;
    gate.reached(address);
    return connection;
  };

  return {
    async get(address) {
      if (closed) throw closedError();
      const key = `${address.host}:${address.port}`;
      const known = open.get(key);
      if (known !== undefined) return known;
      gate.assertOpen(address);
      const attempt = Promise.resolve().then(() => connect(key, address));
      open.set(key, attempt);
      return attempt;
    },
    async close() {
      closed = true;
      const all = [...open.values()];
      open.clear();
      await Promise.allSettled(all.map(async (one) => (await one).close()));
    },
  };
}

/** Though not let in. */
const isConnected = ({ socket }: Connection): boolean =>
  (socket?.bytesRead ?? 0) > 0 || (socket?.bytesWritten ?? 0) > 0;

const closedError = (): DistributionError => unavailable("The broker is closed. Open it again.");

/** A name that the certificate must have; addresses go without, as TLS forbids them there. */
const serverName = ({ host }: Address): string => (/^[0-9.]+$|:/.test(host) ? "" : host);
