/** A small host with real frames: answers pings and subscriptions, and lets the test write the rest. */
import { DistributionError, toDistributionError } from "@distribution/core/errors";
import { decodeClientFrame, encodedFrame, encodeServerFrame } from "@distribution/core/transport/frames";
import type { Connection, SessionHost, SessionPeer } from "@distribution/core/transport/wires";
import { type ClientFrame, type ServerFrame, StreamState } from "@distribution/proto-types/distribution/v1/frames";

export interface EchoSession {
  readonly connection: Connection;
  /** How often the wire called. */
  drained: number;
  heard: number;
  closed: number;
  /** Client frames that came, well-formed or not. */
  messages: number;
  /** Whether a write found the connection full. */
  full: boolean;
}

export interface EchoHost extends SessionHost {
  /** In the order in which they came, closed ones included. */
  readonly sessions: readonly EchoSession[];
  /** Sessions that are not closed. */
  open(connection: Connection): SessionPeer;
  live(): EchoSession[];
}

export interface EchoHostOptions {
  /** Default 64 KiB. */
  readonly maxFrameBytes?: number;
  /** Default no limit. */
  readonly maxConnections?: number;
}

export function createEchoHost(options: EchoHostOptions = {}): EchoHost {
  const { maxFrameBytes = 64 * 1024, maxConnections = Number.POSITIVE_INFINITY } = options;
  const sessions: EchoSession[] = [];
  const live = (): EchoSession[] => sessions.filter((session) => session.closed === 0);
  return {
    maxFrameBytes,
    sessions,
    live,
    open(connection) {
      if (live().length >= maxConnections) {
        throw new DistributionError("too_many_connections", `At most ${maxConnections} connections are taken.`);
      }
      const session: EchoSession = { connection, drained: 0, heard: 0, closed: 0, messages: 0, full: false };
      sessions.push(session);
      return peerOf(session, maxFrameBytes);
    },
  };
}

function peerOf(session: EchoSession, maxBytes: number): SessionPeer {
  const { connection } = session;
  return {
    receive(message) {
      session.messages += 1;
      try {
        const answer = answerTo(decodeClientFrame(connection.format, message, { maxBytes, maxDepth: 64 }));
        if (!connection.write([encodedFrame(encodeServerFrame(connection.format, answer))])) session.full = true;
      } catch (failure) {
        const error = toDistributionError(failure);
        connection.close(error.definition.close ?? 1008, error.message);
      }
    },
    drained() {
      session.drained += 1;
    },
    heard() {
      session.heard += 1;
    },
    closed() {
      session.closed += 1;
    },
  };
}

/** A filter that says "refuse" is refused; a group that is a number gets a `state` with a reason of that many characters. */
function answerTo({ ref, frame }: ClientFrame): ServerFrame {
  if (frame?.$case === "ping") return { ref, frame: { $case: "pong", value: { time: frame.value.time } } };
  if (frame?.$case === "subscribe" && frame.value.filter === "refuse") {
    const errors = [{ path: "subscribe.filter", message: "is refused" }];
    const value = {
      code: "invalid_filter",
      message: "The filter is refused.",
      errors,
      retryable: false,
      retryAfterMs: 0,
    };
    return { ref, frame: { $case: "error", value } };
  }
  if (frame?.$case === "subscribe" && frame.value.group !== "") {
    const reason = "x".repeat(Number(frame.value.group));
    return { ref, frame: { $case: "state", value: { topic: "", state: StreamState.LIVE, reason, channel: 1 } } };
  }
  const value = { subscription: 1, channel: 1, positions: [], recovered: true, behind: false };
  return { ref, frame: { $case: "subscribed", value } };
}
