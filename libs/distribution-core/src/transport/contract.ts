/**
 * Wires and sessions. A wire turns bytes of a socket into messages and messages into bytes; it knows nothing of frames.
 * A session reads client frames, answers them, and decides what is sent when; it knows nothing of sockets.
 */
import type { Credential } from "../security/contract.ts";

export type FrameFormat = "json" | "proto";

/**
 * A server frame, encoded once for all sessions that get it. A wire wraps it once more (a WebSocket header, an SSE field),
 * and keeps the result here, so that a broadcast shares that too.
 */
export interface EncodedFrame {
  /** UTF-8 JSON or protobuf of one ServerFrame. */
  readonly payload: Buffer;
  /** The resume token that the frame carries, for wires that have a place of their own for it. */
  readonly token: string;
  /** What each wire made of it, by `Connection.wire`. */
  readonly wrapped: Partial<Record<WireName, unknown>>;
  /** Itself and nothing else: what a session with no other frame writes. A list of each session's own would be memory to walk through. */
  readonly alone: readonly EncodedFrame[];
}

export type WireName = "websocket" | "socketio" | "grpc" | "sse";

/** One client's connection, as its wire offers it to the session. */
export interface Connection {
  readonly wire: WireName;
  readonly format: FrameFormat;
  readonly credential: Credential;
  /**
   * Sends the frames in order, in as few writes to the socket as it can: one. Never throws, never waits.
   * False: the socket's buffer is over its bound; the session stops until `drained`. What was given is on its way regardless.
   */
  write(frames: readonly EncodedFrame[]): boolean;
  /** Bytes accepted but not yet taken by the kernel. */
  bufferedBytes(): number;
  /** Sends what was written, then ends with the code and reason (as far as the wire has them). `closed` follows. Idempotent. */
  close(code: number, reason: string): void;
  /** Ends at once: the peer does not answer. */
  destroy(): void;
}

/** What a wire calls. Never throws; after `closed` calls do nothing. */
export interface SessionPeer {
  /** One client frame: text for JSON, bytes for protobuf. */
  receive(message: Uint8Array | string): void;
  /** The socket takes more again. */
  drained(): void;
  /** Anything was heard, a transport-level ping for example. */
  heard(): void;
  closed(): void;
}

/** Where a wire takes its new connections. Throws DistributionError: unauthenticated, too_many_connections, draining. */
export interface SessionHost {
  open(connection: Connection): SessionPeer;
  /** Longest client frame in bytes; a wire refuses more before buffering it. */
  readonly maxFrameBytes: number;
}
