/** One WebSocket, from its handshake to its end: frames in, frames out, heartbeats. */
import type { Welcome } from "@distribution/proto-types/distribution/v1/frames";
import { DistributionClientError } from "../errors.ts";
import type { ClientMessage, FrameCodec, Received } from "../wire/frames.ts";
import { type Ending, endingOf } from "./close-codes.ts";
import { type Heartbeat, startHeartbeat } from "./heartbeat.ts";

/** As much of the standard WebSocket as is used; one that sets headers or a proxy has this shape too. */
export interface Socket {
  binaryType: string;
  send(data: string | Uint8Array<ArrayBuffer>): void;
  close(code?: number, reason?: string): void;
  addEventListener(type: "message", listener: (event: { readonly data: unknown }) => void): void;
  addEventListener(type: "close", listener: (event: { readonly code: number; readonly reason: string }) => void): void;
  addEventListener(type: "error", listener: (event: unknown) => void): void;
}

export type CreateSocket = (url: string, protocol: string) => Socket;

export interface LinkOptions {
  readonly url: string;
  readonly codec: FrameCodec;
  readonly createSocket: CreateSocket;
  onReceived(received: Received): void;
  /** Once, unless this side closed it. */
  onEnded(ending: Ending): void;
}

export interface Link {
  /** Throws `batch_too_large` on a frame over the service's limit, which would end the session. */
  send(ref: string, message: ClientMessage): void;
  /** From here on the limits and the heartbeat interval of the service hold. */
  welcomed(welcome: Welcome): void;
  close(): void;
  /** Ends it as if the peer had gone. */
  fail(error: DistributionClientError): void;
}

const NORMAL = 1000;
/** Close code of this protocol for a silent peer. */
const SILENT = 3012;
/** What a WebSocket says of an end without a close frame. */
const ABNORMAL = 1006;

export function openLink(options: LinkOptions): Link {
  const { codec, url } = options;
  let heartbeat: Heartbeat | undefined;
  let maxFrameBytes = Number.POSITIVE_INFINITY;
  let open = true;
  let heard = false;

  const stop = (): boolean => {
    const was = open;
    open = false;
    heartbeat?.stop();
    return was;
  };
  const end = (ending: Ending): void => {
    if (stop()) options.onEnded(ending);
  };
  const fail = (error: DistributionClientError, final = false): void => {
    // First: a socket that is still connecting tells at once that it is closed, and would have the say.
    end({ final, error });
    socket.close(error.code === "silent" ? SILENT : NORMAL);
  };
  const send = (ref: string, message: ClientMessage): void => {
    const frame = codec.encode(ref, message);
    checkSize(frame, maxFrameBytes);
    heartbeat?.sent();
    socket.send(frame);
  };

  const socket = options.createSocket(url, codec.protocol);
  socket.binaryType = "arraybuffer";
  socket.addEventListener("message", ({ data }) => {
    if (!open) return;
    heard = true;
    heartbeat?.heard();
    let received: Received;
    try {
      received = codec.decode(data);
    } catch (cause) {
      fail(new DistributionClientError("undecodable", "The service sent what is no frame.", { cause }), true);
      return;
    }
    options.onReceived(received);
  });
  socket.addEventListener("close", ({ code, reason }) => {
    const never = code === ABNORMAL && !heard;
    end(endingOf(code, never ? `Nothing answers at ${url}, or what does is no distribution service.` : reason));
  });
  // A close event follows with all that is to be known; without a listener some sockets throw.
  socket.addEventListener("error", () => undefined);

  return {
    send,
    welcomed({ heartbeatMs, limits }) {
      maxFrameBytes = limits?.maxFrameBytes || Number.POSITIVE_INFINITY;
      heartbeat?.stop();
      heartbeat = startHeartbeat({
        intervalMs: heartbeatMs,
        ping: () => send("", { $case: "ping", value: { time: BigInt(Date.now()) * 1_000_000n } }),
        silent: () => fail(new DistributionClientError("silent", "The service was silent for two heartbeats.")),
      });
    },
    close() {
      stop();
      socket.close(NORMAL);
    },
    fail,
  };
}

function checkSize(frame: Uint8Array | string, most: number): void {
  const bytes = typeof frame === "string" ? byteLength(frame, most) : frame.length;
  if (bytes <= most) return;
  const message = `The frame has ${bytes} bytes and the service takes ${most}; send fewer events, keys or positions at a time.`;
  throw new DistributionClientError("batch_too_large", message);
}

/** UTF-8 has at most three bytes for each UTF-16 unit: most texts need not be encoded to be judged. */
const byteLength = (text: string, most: number): number =>
  text.length * 3 <= most ? text.length : new TextEncoder().encode(text).length;
