/** What every wire gives to the service that attached it, and what the wires share in keeping their connections. */
import { DistributionError, toDistributionError } from "../../errors.ts";
import type { Logger } from "../../observability/index.ts";
import type { Connection, SessionHost, SessionPeer } from "../contract.ts";
import { closeOf } from "./close.ts";

export interface Wire {
  /** Open connections, those that are closing included. */
  connections(): number;
  /** Takes no more connections, ends those that are left with `draining`, and resolves when all are gone. Idempotent. */
  close(): Promise<void>;
}

/** What a client is told that comes, or is there, while the service goes down. */
export const goingDown = (): DistributionError =>
  new DistributionError("draining", "The service is going down; connect again.");

export interface ConnectionSet {
  readonly size: number;
  add(connection: Connection): void;
  /** The connection is gone. Idempotent. */
  delete(connection: Connection): void;
  /** Ends all and resolves when the last is gone. */
  closeAll(): Promise<void>;
}

export function createConnectionSet(): ConnectionSet {
  const open = new Set<Connection>();
  let emptied: (() => void)[] = [];
  return {
    get size() {
      return open.size;
    },
    add: (connection) => void open.add(connection),
    delete(connection) {
      open.delete(connection);
      if (open.size > 0) return;
      for (const resolve of emptied) resolve();
      emptied = [];
    },
    async closeAll() {
      const { code, reason } = closeOf(goingDown());
      for (const connection of open) connection.close(code, reason);
      if (open.size > 0) await new Promise<void>((resolve) => emptied.push(resolve));
    },
  };
}

/** A peer for connections that have no session: refused ones, while their close code is on its way. */
const NOBODY: SessionPeer = { receive() {}, drained() {}, heard() {}, closed() {} };

/** Opens the session; what the host throws ends the connection with its close code, and nobody listens to it any more. */
export function openSession(host: SessionHost, connection: Connection, logger: Logger): SessionPeer {
  try {
    return host.open(connection);
  } catch (failure) {
    const error = toDistributionError(failure);
    if (error.code === "internal")
      logger.error({ err: failure, wire: connection.wire }, "A session could not be opened.");
    const { code, reason } = closeOf(error);
    connection.close(code, reason);
    return NOBODY;
  }
}
