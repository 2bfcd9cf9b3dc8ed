import type { Duplex } from "node:stream";
import { getSystemErrorName } from "node:util";
import type { WebSocket } from "ws";
import type { Credential } from "../../security/index.ts";
import type { Connection, EncodedFrame, FrameFormat } from "../contract.ts";
import { fitReason, sendableCode, type WireLimits } from "../wires/index.ts";
import { frameMessage, type Joiner, OPCODE, wrapped } from "./frame.ts";
import { ASK_STREAM, type KernelWriter, takesDirectWrites, writeToKernel } from "./kernel-write.ts";

/** `WebSocket.OPEN`; an own constant spares a look-up for every write. */
const OPEN = 1;
const PING = frameMessage(OPCODE.ping, Buffer.alloc(0));

export interface WebSocketConnectionOptions {
  readonly ws: WebSocket;
  /** The socket of the upgrade, which `ws` reads from and sends control frames to. */
  readonly socket: Duplex;
  readonly format: FrameFormat;
  readonly credential: Credential;
  readonly limits: WireLimits;
  /** Shared by all connections of the format. */
  readonly joiner: Joiner;
}

/**
 * Data frames go straight to the socket, already framed: `ws` would frame each again for each connection. Both write whole
 * frames only, so that what `ws` sends itself (pong, close) falls between ours.
 */
export class WebSocketConnection implements Connection, KernelWriter {
  readonly wire = "websocket";
  readonly format: FrameFormat;
  readonly credential: Credential;
  readonly #ws: WebSocket;
  readonly #socket: Duplex;
  readonly #direct: boolean;
  readonly #opcode: number;
  readonly #joiner: Joiner;
  readonly #highWater: number;
  readonly #readPause: number;
  /** Bytes of a write past the stream that the kernel has not taken; what comes meanwhile goes through the stream, after it. */
  #held = 0;

  constructor(options: WebSocketConnectionOptions) {
    const { limits, socket } = options;
    this.format = options.format;
    this.credential = options.credential;
    this.#ws = options.ws;
    this.#socket = socket;
    this.#direct = takesDirectWrites(socket);
    this.#opcode = options.format === "json" ? OPCODE.text : OPCODE.binary;
    this.#joiner = options.joiner;
    // Below the stream's own mark there would be no 'drain' to wait for.
    this.#highWater = Math.max(limits.highWaterBytes, socket.writableHighWaterMark);
    this.#readPause = Math.max(limits.readPauseBytes, this.#highWater);
  }

  write(frames: readonly EncodedFrame[]): boolean {
    // Closing or closed: after a close frame nothing more may be sent. A socket that failed has taken `ws` out of OPEN as well.
    if (this.#ws.readyState !== OPEN) return false;
    const accepted = frames.length === 1 ? this.#send(wrapped(frames[0]!, this.#opcode)) : this.#writeMany(frames);
    // The stream's own mark is not above ours: nearly every write is over here, without another look at the socket.
    return (accepted && this.#held === 0) || this.#fits();
  }

  bufferedBytes(): number {
    return this.#held + this.#socket.writableLength;
  }

  close(code: number, reason: string): void {
    // The client's own close frame has to be heard.
    this.#listen();
    this.#ws.close(sendableCode(code), fitReason(reason));
  }

  destroy(): void {
    this.#ws.terminate();
  }

  /** The stream drained: what the client sent meanwhile may come. False: what a write past it left has still to be sent. */
  drained(): boolean {
    if (this.#held > 0) return false;
    this.#listen();
    return true;
  }

  /** What a write past the stream left is sent: told as the stream tells of its own, unless that has more to send. */
  sent(status: number): void {
    this.#held = 0;
    if (status < 0) this.#socket.destroy(new Error(`write ${getSystemErrorName(status)}`));
    else if (!this.#socket.writableNeedDrain) this.#socket.emit("drain");
  }

  /** A protocol ping, which browsers and libraries answer by themselves. Not to a socket that has enough to carry already. */
  ping(): void {
    if (this.#ws.readyState === OPEN && this.bufferedBytes() <= this.#highWater) this.#socket.write(PING);
  }

  /** Past the stream, unless something is on its way through it or held. False: the stream is over its mark. */
  #send(bytes: Buffer): boolean {
    const direct = this.#direct && this.#held === 0 && this.#socket.writableLength === 0;
    if (!direct) return this.#socket.write(bytes);
    const held = writeToKernel(this.#socket, bytes, this);
    if (held === ASK_STREAM) return this.#socket.write(bytes);
    this.#held = held;
    return true;
  }

  #fits(): boolean {
    const buffered = this.bufferedBytes();
    // Answers to a client that asks and does not read would grow without end: stop listening to it.
    if (buffered > this.#readPause) this.#ws.pause();
    return buffered <= this.#highWater;
  }

  #listen(): void {
    if (this.#ws.isPaused) this.#ws.resume();
  }

  #writeMany(frames: readonly EncodedFrame[]): boolean {
    if (frames.length === 0) return false;
    const joined = this.#joiner.join(frames);
    if (joined !== undefined) return this.#send(joined);
    this.#socket.cork();
    for (const frame of frames) this.#socket.write(wrapped(frame, this.#opcode));
    this.#socket.uncork();
    return !this.#socket.writableNeedDrain;
  }
}
