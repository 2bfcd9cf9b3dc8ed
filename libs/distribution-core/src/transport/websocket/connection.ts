import type { Duplex } from "node:stream";
import { getSystemErrorName } from "node:util";
import type { WebSocket } from "ws";
import type { Credential } from "../../security/index.ts";
import type { Connection, EncodedFrame, FrameFormat } from "../contract.ts";
import { fitReason, sendableCode, type WireLimits } from "../wires/index.ts";
import { frameMessage, type Joiner, OPCODE, wrapped } from "./frame.ts";
import { ASK_STREAM, type Handle, handleOf, type KernelWriter, writeToKernel } from "./kernel-write.ts";

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
 *
 * Written to for every delivery to every session. What that needs comes first, and lies in here: a look at `ws`, at the socket or
 * at its stream is memory of each session to walk through, and takes as long as the rest.
 */
export class WebSocketConnection implements Connection, KernelWriter {
  /** The way past the stream; undefined: there is none, or nothing more may be sent. */
  #handle: Handle | undefined;
  /** Bytes of a write past the stream that the kernel has not taken; what comes meanwhile goes through the stream, after it. */
  #held = 0;
  /** What a frame must not overtake may wait in the stream: frames of ours, and at the beginning the answer to the upgrade. */
  #streamed = true;
  readonly #opcode: number;
  readonly #joiner: Joiner;
  readonly #ws: WebSocket;
  readonly #socket: Duplex;
  readonly #highWater: number;
  readonly #readPause: number;
  readonly wire = "websocket";
  readonly format: FrameFormat;
  readonly credential: Credential;

  constructor(options: WebSocketConnectionOptions) {
    const { limits, socket } = options;
    this.#handle = handleOf(socket);
    this.#opcode = options.format === "json" ? OPCODE.text : OPCODE.binary;
    this.#joiner = options.joiner;
    this.#ws = options.ws;
    this.#socket = socket;
    // Below the stream's own mark there would be no 'drain' to wait for.
    this.#highWater = Math.max(limits.highWaterBytes, socket.writableHighWaterMark);
    this.#readPause = Math.max(limits.readPauseBytes, this.#highWater);
    this.format = options.format;
    this.credential = options.credential;
  }

  write(frames: readonly EncodedFrame[]): boolean {
    // Closing or closed: after a close frame nothing more may be sent. The handle of a socket that failed refuses by itself.
    if (this.#handle === undefined && this.#ws.readyState !== OPEN) return false;
    const accepted = frames.length === 1 ? this.#send(wrapped(frames[0]!, this.#opcode)) : this.#writeMany(frames);
    // The stream's own mark is not above ours: nearly every write is over here, without another look at the socket.
    return (accepted && this.#held === 0) || this.#fits();
  }

  /** `ws` is about to close or to cut the connection, or the client sends nothing more: nothing may be sent but by `ws`. */
  leave(): void {
    this.#handle = undefined;
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

  /** Past the stream, unless something that is not to be overtaken is on its way through it, or held. False: the stream is over its mark. */
  #send(bytes: Buffer): boolean {
    if (this.#streamed) this.#streamed = this.#socket.writableLength > 0;
    if (this.#handle === undefined || this.#held > 0 || this.#streamed) return this.#stream(bytes);
    const held = writeToKernel(this.#handle, bytes, this);
    if (held === ASK_STREAM) {
      this.#handle = undefined;
      return this.#stream(bytes);
    }
    this.#held = held;
    return true;
  }

  #stream(bytes: Buffer): boolean {
    this.#streamed = true;
    return this.#socket.write(bytes);
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
    for (const frame of frames) this.#stream(wrapped(frame, this.#opcode));
    this.#socket.uncork();
    return !this.#socket.writableNeedDrain;
  }
}
