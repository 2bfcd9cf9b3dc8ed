import type { ServerResponse } from "node:http";
import { DistributionError, ERROR_CODES, type ErrorCode, type FieldError } from "../../errors.ts";
import type { Runtime, Timer } from "../../runtime/index.ts";
import type { Credential } from "../../security/index.ts";
import type { Connection, EncodedFrame } from "../contract.ts";
import { errorCodeOf, type WireLimits } from "../wires/index.ts";
import { closeEvent, HEARTBEAT, type StreamEvent, streamEvent } from "./field.ts";
import { parameterOf } from "./query.ts";

export interface SseConnectionOptions {
  readonly response: ServerResponse;
  readonly credential: Credential;
  readonly limits: WireLimits;
  readonly runtime: Runtime;
  /** The stream began: the subscription was accepted. */
  readonly onStarted: () => void;
  /** The subscription was refused before the stream began: the request is to be answered with this. */
  readonly onRefused: (error: DistributionError) => void;
}

/**
 * A response that begins only when the subscription was accepted, so that a refusal is an HTTP error like any other. The body has
 * no chunks: it ends with its connection, and each write is one write to the socket.
 */
export class SseConnection implements Connection {
  readonly wire = "sse";
  readonly format = "json";
  readonly credential: Credential;
  readonly #options: SseConnectionOptions;
  readonly #response: ServerResponse;
  readonly #highWater: number;
  /** Frames that came before the answer to the subscription: `welcome`. */
  #early: Buffer[] | undefined = [];
  #closing = false;
  #closeTimer: Timer | undefined;

  constructor(options: SseConnectionOptions) {
    const { response } = options;
    this.credential = options.credential;
    this.#options = options;
    this.#response = response;
    this.#highWater = Math.max(options.limits.highWaterBytes, response.writableHighWaterMark);
  }

  write(frames: readonly EncodedFrame[]): boolean {
    if (this.#closing || frames.length === 0) return !this.#closing;
    const events = frames.map(streamEvent);
    if (this.#early !== undefined && !this.#begin(frames, events, this.#early)) return !this.#closing;
    return this.#send(events.map(({ bytes }) => bytes));
  }

  bufferedBytes(): number {
    return this.#response.writableLength;
  }

  close(code: number, reason: string): void {
    if (this.#closing) return;
    if (this.#early !== undefined) {
      this.#refuse(new DistributionError(errorCodeOf(code) ?? "unavailable", reason));
      return;
    }
    this.#closing = true;
    this.#response.end(closeEvent(code, reason));
    const { runtime, limits } = this.#options;
    this.#closeTimer = runtime.timers.after(limits.closeTimeoutMs, () => this.destroy());
  }

  destroy(): void {
    this.#response.destroy();
  }

  /** A comment, unless the client has enough to read already. `taken` is called when the kernel took it. */
  heartbeat(taken: () => void): void {
    if (this.#early === undefined && !this.#closing && !this.#response.writableNeedDrain) {
      this.#response.write(HEARTBEAT, () => taken());
    }
  }

  /** The response is over. */
  ended(): void {
    this.#closing = true;
    this.#closeTimer?.cancel();
  }

  /**
   * One gathering write, now, of the very buffers that other connections get. Left to itself, the response would hold what is written
   * until the end of the turn, and whatever is over the bound would seem to find a full socket.
   */
  #send(list: readonly Buffer[]): boolean {
    const response = this.#response;
    response.cork();
    for (const bytes of list) response.write(bytes);
    response.uncork();
    return response.writableLength <= this.#highWater;
  }

  /** False: nothing is to be sent of these, as the subscription is refused or not answered yet. */
  #begin(frames: readonly EncodedFrame[], events: readonly StreamEvent[], early: Buffer[]): boolean {
    const answer = events.findIndex(({ kind }) => kind === "subscribed" || kind === "error");
    if (answer < 0) {
      for (const event of events) early.push(event.bytes);
      return false;
    }
    if (events[answer]!.kind === "error") {
      this.#refuse(errorOf(frames[answer]!.payload));
      return false;
    }
    this.#early = undefined;
    this.#writeHead();
    this.#send(early);
    this.#options.onStarted();
    return true;
  }

  #refuse(error: DistributionError): void {
    this.#early = undefined;
    this.#closing = true;
    this.#options.onRefused(error);
  }

  #writeHead(): void {
    const response = this.#response;
    response.setHeader("Connection", "close");
    // Node then sends the body as it is, without a chunk's frame around every write (RFC 9112, 6.3: it ends with the connection).
    response.removeHeader("Transfer-Encoding");
    response.writeHead(200, {
      "Content-Type": "text/event-stream; charset=utf-8",
      "Cache-Control": "no-store",
      // Reverse proxies that buffer would hold events back.
      "X-Accel-Buffering": "no",
    });
    response.flushHeaders();
  }
}

/** The service's own error frame, back as the error that it was. */
function errorOf(payload: Buffer): DistributionError {
  const frame = JSON.parse(payload.toString()) as {
    readonly error: {
      readonly code?: string;
      readonly message?: string;
      readonly errors?: readonly FieldError[];
      readonly retryAfterMs?: number;
    };
  };
  const { code = "", message = "", errors = [], retryAfterMs } = frame.error;
  // The frame was made of the request: who wrote the request has not seen it.
  const told = errors.reduce((text, { path }) => text.replace(`${path}:`, `${parameterOf(path)}:`), message);
  return new DistributionError(code in ERROR_CODES ? (code as ErrorCode) : "internal", told, {
    errors: errors.map(({ path, ...error }) => ({ path: parameterOf(path), ...error })),
    ...(retryAfterMs ? { retryAfterMs } : {}),
  });
}
