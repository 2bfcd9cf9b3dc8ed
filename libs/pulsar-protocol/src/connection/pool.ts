/**
 * One connection a broker, made when it is needed and shared. Attempts at a broker that cannot be reached, or that refuses
 * the credentials, are spaced by back-off here, for everybody together: a thousand producers make no storm.
 */
import { PulsarError } from "../errors.ts";
import type { Address, ClientSettings } from "../options.ts";
import { type Backoff, createBackoff, wait } from "./backoff.ts";
import { addressText, type Connection, connect } from "./connection.ts";

export interface Pool {
  /** Rejects with why it could not connect. Refused credentials are told at once until it is time to try again. */
  get(address: Address): Promise<Connection>;
  /** Any broker of the service URL, and its address. */
  service(): Promise<{ readonly connection: Connection; readonly address: Address }>;
  /** The error came from connecting, which was waited for already. */
  waitedFor(error: unknown): boolean;
  close(): void;
}

interface Slot {
  readonly backoff: Backoff;
  current: Promise<Connection> | undefined;
  notBefore: number;
  refused: PulsarError | undefined;
}

export function createPool(settings: ClientSettings): Pool {
  const slots = new Map<string, Slot>();
  const ended = new AbortController();
  const waited = new WeakSet<object>();
  let preferred = 0;

  const closedError = (): PulsarError => new PulsarError("closed", "The client was closed.");

  async function open(slot: Slot, address: Address): Promise<Connection> {
    const pause = slot.notBefore - Date.now();
    if (pause > 0) await wait(pause, ended.signal);
    if (ended.signal.aborted) throw closedError();
    const broker = addressText(address);
    let connection: Connection;
    try {
      connection = await connect(address, settings);
    } catch (error) {
      slot.current = undefined;
      throw postpone(slot, broker, error as PulsarError);
    }
    if (ended.signal.aborted) connection.close(closedError());
    slot.backoff.reset();
    slot.notBefore = 0;
    slot.refused = undefined;
    settings.emit({ type: "connected", broker, serverVersion: connection.info.serverVersion });
    void connection.closed.then((error) => {
      slot.current = undefined;
      settings.emit({ type: "disconnected", broker, error });
    });
    return connection;
  }

  function postpone(slot: Slot, broker: string, error: PulsarError): PulsarError {
    let retryInMs = slot.backoff.next();
    slot.refused = undefined;
    if (!error.retriable) {
      // Wrong credentials do not become right by asking often.
      retryInMs = settings.backoff.maxMs / 2 + retryInMs / 2;
      slot.refused = error;
    }
    slot.notBefore = Date.now() + retryInMs;
    waited.add(error);
    settings.emit({ type: "connect_failed", broker, error, retryInMs: Math.round(retryInMs) });
    return error;
  }

  const pool: Pool = {
    get(address) {
      if (ended.signal.aborted) return Promise.reject(closedError());
      const key = `${address.tls} ${addressText(address)}`;
      let slot = slots.get(key);
      if (slot === undefined) {
        slot = { backoff: createBackoff(settings.backoff), current: undefined, notBefore: 0, refused: undefined };
        slots.set(key, slot);
      }
      if (slot.current === undefined && slot.refused !== undefined && Date.now() < slot.notBefore) {
        return Promise.reject(slot.refused);
      }
      slot.current ??= open(slot, address);
      return slot.current;
    },
    async service() {
      const { addresses } = settings;
      const address = addresses[preferred % addresses.length] ?? addresses[0];
      try {
        return { connection: await pool.get(address), address };
      } catch (error) {
        preferred++;
        throw error;
      }
    },
    waitedFor: (error) => typeof error === "object" && error !== null && waited.has(error),
    close() {
      ended.abort();
      for (const { current } of slots.values()) {
        current?.then(
          (connection) => connection.close(closedError()),
          () => undefined,
        );
      }
    },
  };
  return pool;
}
