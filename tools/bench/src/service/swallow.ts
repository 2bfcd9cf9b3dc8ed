/**
 * Sockets that take all and send nothing: what is left of a delivery when the kernel's writes, which are the same for any
 * server, are taken out. Handshake and subscribe are real; sockets are swapped once their client has joined.
 */
import { subscribe } from "node:diagnostics_channel";
import type { Socket } from "node:net";
import type { Writable } from "node:stream";

export interface SwallowedSockets {
  /** From now on, whatever is written to any socket that a server here has accepted goes nowhere. */
  swallow(): void;
  /** Bytes that went nowhere. */
  readonly bytes: number;
}

interface Inner {
  _write: Writable["_write"];
  _writev: NonNullable<Writable["_writev"]>;
}

/** Call it before the first connection: it hears of sockets as they are accepted. */
export function catchSockets(): SwallowedSockets {
  const accepted: Socket[] = [];
  let bytes = 0;
  subscribe("net.server.socket", (message) => void accepted.push((message as { socket: Socket }).socket));

  const take = (chunk: unknown): void => {
    bytes += Buffer.isBuffer(chunk) ? chunk.length : Buffer.byteLength(String(chunk));
  };
  const inner: Inner = {
    _write(chunk, _encoding, done) {
      take(chunk);
      done();
    },
    _writev(chunks, done) {
      for (const { chunk } of chunks) take(chunk);
      done();
    },
  };
  return {
    swallow: () => {
      for (const socket of accepted) Object.assign(socket, inner);
      accepted.length = 0;
    },
    get bytes() {
      return bytes;
    },
  };
}
