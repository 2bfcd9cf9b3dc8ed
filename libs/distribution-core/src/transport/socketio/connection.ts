import type { Socket } from "socket.io";
import { DistributionError } from "../../errors.ts";
import type { Runtime, Timer } from "../../runtime/index.ts";
import type { Credential } from "../../security/index.ts";
import type { Connection, EncodedFrame } from "../contract.ts";
import { closeOf, sendableCode, type WireLimits } from "../wires/index.ts";
import { CLOSED_EVENT, type Packet, packetOf } from "./packet.ts";

/** Engine.IO's `send` as its documentation has it; its types leave out the option that Socket.IO's adapter uses. */
interface Engine {
  send(text: string, options: Packet["options"], sent?: () => void): unknown;
}

export interface SocketIoConnectionOptions {
  readonly socket: Socket;
  readonly credential: Credential;
  readonly limits: WireLimits;
  readonly runtime: Runtime;
  /** The connection takes more again. */
  readonly onDrained: () => void;
}

/**
 * Packets go to Engine.IO ready-made. It sends while its transport is free and keeps the rest; `flush` says that it gave all it
 * kept to the transport, and a packet's callback that the transport is done with it.
 */
export class SocketIoConnection implements Connection {
  readonly wire = "socketio";
  readonly format = "json";
  readonly credential: Credential;
  readonly #socket: Socket;
  readonly #engine: Engine;
  readonly #limits: WireLimits;
  readonly #runtime: Runtime;
  readonly #onDrained: () => void;
  #queued = 0;
  #inFlight = 0;
  #full = false;
  #closing = false;
  #closeTimer: Timer | undefined;

  constructor(options: SocketIoConnectionOptions) {
    const { socket } = options;
    this.credential = options.credential;
    this.#socket = socket;
    this.#engine = socket.conn as unknown as Engine;
    this.#limits = options.limits;
    this.#runtime = options.runtime;
    this.#onDrained = options.onDrained;
    socket.conn.on("flush", () => {
      this.#inFlight = this.#queued;
      this.#queued = 0;
    });
    // A change of transport may lose a callback; the new transport starts with nothing on its way.
    socket.conn.on("upgrade", this.#onSent);
  }

  write(frames: readonly EncodedFrame[]): boolean {
    if (this.#closing || !this.#socket.connected) return false;
    const wasFull = this.#full;
    const last = frames.length - 1;
    for (let index = 0; index <= last; index += 1) {
      const packet = packetOf(frames[index]!);
      this.#queued += packet.options.wsPreEncodedFrame[0].length;
      this.#engine.send(packet.text, packet.options, index === last ? this.#onSent : undefined);
    }
    const buffered = this.bufferedBytes();
    if (buffered <= this.#limits.highWaterBytes) return !this.#full;
    this.#full = true;
    // Engine.IO cannot be told to stop reading: a client that asks on and does not read its answers has to go. One large write
    // to a client that had read everything so far says nothing of that.
    if (wasFull && buffered > this.#limits.readPauseBytes) this.#giveUp();
    return false;
  }

  bufferedBytes(): number {
    return this.#queued + this.#inFlight;
  }

  close(code: number, reason: string): void {
    if (this.#closing) return;
    this.#closing = true;
    this.#socket.emit(CLOSED_EVENT, { code: sendableCode(code), reason });
    this.#socket.disconnect(true);
    this.#closeTimer = this.#runtime.timers.after(this.#limits.closeTimeoutMs, () => this.destroy());
  }

  destroy(): void {
    const { conn } = this.#socket;
    conn.close(true);
    // Engine.IO waits for a WebSocket's closing handshake; a peer that is gone will not answer it.
    (conn.transport as { readonly socket?: { terminate?(): void } }).socket?.terminate?.();
  }

  /** The connection is over. */
  ended(): void {
    this.#closing = true;
    this.#closeTimer?.cancel();
  }

  #onSent = (): void => {
    this.#inFlight = 0;
    if (!this.#full || this.#queued > this.#limits.highWaterBytes) return;
    this.#full = false;
    this.#onDrained();
  };

  #giveUp(): void {
    const { code, reason } = closeOf(new DistributionError("too_slow", "Answers are not read; resume and read them."));
    // Not from within `write`: the session does not expect to be closed while it writes.
    this.#runtime.timers.soon(() => this.close(code, reason));
  }
}
