import type { ServerDuplexStream } from "@grpc/grpc-js";
import type { Runtime, Timer } from "../../runtime/index.ts";
import type { Credential } from "../../security/index.ts";
import type { Connection, EncodedFrame } from "../contract.ts";
import { createSendWindow, type SendWindow, type WireLimits } from "../wires/index.ts";
import { statusOfClose } from "./status.ts";

export type StreamCall = ServerDuplexStream<Buffer, EncodedFrame>;

export interface GrpcConnectionOptions {
  readonly call: StreamCall;
  readonly credential: Credential;
  readonly limits: WireLimits;
  readonly runtime: Runtime;
  /** The connection takes more again. */
  readonly onDrained: () => void;
  /** The connection was destroyed. */
  readonly onDestroyed: () => void;
}

/** One call of Stream. Bytes count as buffered until HTTP/2 flow control let them out. */
export class GrpcConnection implements Connection {
  readonly wire = "grpc";
  readonly format = "proto";
  readonly credential: Credential;
  readonly #options: GrpcConnectionOptions;
  readonly #call: StreamCall;
  readonly #window: SendWindow;
  #paused = false;
  #closing = false;
  #closeTimer: Timer | undefined;

  constructor(options: GrpcConnectionOptions) {
    this.credential = options.credential;
    this.#options = options;
    this.#call = options.call;
    this.#window = createSendWindow(options.limits.highWaterBytes, () => this.#drained());
  }

  write(frames: readonly EncodedFrame[]): boolean {
    if (this.#closing) return false;
    let open = true;
    for (const frame of frames) {
      open = this.#window.sent(frame.payload.length);
      this.#call.write(frame, this.#window.taken);
    }
    // Answers to a client that asks and does not read would grow without end: stop listening to it.
    if (!open && this.#window.pending > this.#options.limits.readPauseBytes) {
      this.#paused = true;
      this.#call.pause();
    }
    return open;
  }

  bufferedBytes(): number {
    return this.#window.pending;
  }

  close(code: number, reason: string): void {
    if (this.#closing) return;
    this.#closing = true;
    // What the client still sends is read and dropped: a stream with unread data does not end.
    this.#call.resume();
    const status = statusOfClose(code, reason);
    if (status.code === 0) this.#call.end(status.metadata);
    else this.#call.emit("error", status);
    const { runtime, limits } = this.#options;
    this.#closeTimer = runtime.timers.after(limits.closeTimeoutMs, () => this.destroy());
  }

  destroy(): void {
    this.#closing = true;
    resetStream(this.#call);
    this.#options.onDestroyed();
  }

  /** The call is over. */
  ended(): void {
    this.#closing = true;
    this.#closeTimer?.cancel();
  }

  #drained(): void {
    if (this.#paused) {
      this.#paused = false;
      this.#call.resume();
    }
    if (!this.#closing) this.#options.onDrained();
  }
}

/** RFC 9113: the stream is no longer needed. */
const CANCEL = 8;

/**
 * Frees a stream whose peer does not take what it has. grpc-js has no way to end a call before its data is out, so this goes by
 * its HTTP/2 stream; should a later version keep it elsewhere, the stream lives on until its connection ends.
 */
function resetStream(call: StreamCall): void {
  const inner = (call as unknown as { readonly call?: { readonly stream?: { close?(code: number): void } } }).call;
  inner?.stream?.close?.(CANCEL);
}
