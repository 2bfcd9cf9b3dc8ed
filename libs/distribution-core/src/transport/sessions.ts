/** All sessions of a service: where wires bring their connections, and what keeps time for them. */
import { GapReason } from "@distribution/proto-types/distribution/v1/frames";
import { DistributionError } from "../errors.ts";
import type { Metrics } from "../observability/index.ts";
import { LEDGER_REASONS } from "../qos/index.ts";
import type { Connection, FrameFormat, SessionHost, SessionPeer, WireName } from "./contract.ts";
import { encodedFrame, encodeServerFrame } from "./frames/index.ts";
import { Outbox } from "./outbox.ts";
import { Session } from "./session.ts";
import type { SessionContext, SessionParts } from "./session-context.ts";

export interface Sessions extends SessionHost {
  readonly size: number;
  readonly subscriptions: number;
  /** Events handed to wires since the start. */
  readonly delivered: number;
  /** Tells everybody to reconnect within the time, and takes nobody any more. Connections are the wires' to close. */
  drain(reconnectWithinMs: number): void;
  close(): void;
}

export interface SessionsOptions extends SessionParts {
  readonly metrics: Metrics;
  /** After the frames of a turn were written: shared encodings can be forgotten. */
  readonly onFlushed: () => void;
}

/** A peer is gone when nothing was heard of it for this many heartbeat intervals. */
const SILENT_INTERVALS = 2;
const WIRES: readonly WireName[] = ["websocket", "socketio", "grpc", "sse"];
/** Over SSE nothing comes back from the client; the socket's own end tells. */
const ONE_WAY: WireName = "sse";

const GAP_REASONS: readonly GapReason[] = [GapReason.RETENTION, GapReason.EPOCH, GapReason.SLOW, GapReason.FUTURE];

export function createSessions(options: SessionsOptions): Sessions {
  const { runtime, limits, guard, metrics, logger } = options;
  const sessions = new Set<Session>();
  let draining = false;
  let lastId = 0;
  const run = Buffer.from(runtime.random.bytes(6)).toString("base64url");

  const byWire = <T>(make: (wire: WireName) => T): Record<WireName, T> =>
    Object.fromEntries(WIRES.map((wire) => [wire, make(wire)])) as Record<WireName, T>;
  const events = byWire((wire) => metrics.counter("distribution_delivered_events_total", { wire }));
  const bytes = byWire((wire) => metrics.counter("distribution_delivered_bytes_total", { wire }));
  const sum = (read: (session: Session) => number): number => {
    let total = 0;
    for (const session of sessions) total += read(session);
    return total;
  };
  for (const wire of WIRES) {
    metrics.gauge("distribution_sessions", { wire }, () =>
      sum((session) => (session.connection.wire === wire ? 1 : 0)),
    );
  }
  // All of them from 0 on: the first gap or drop of a process is a step that a rate can see.
  const gaps = new Map(
    GAP_REASONS.map((reason) => {
      const label = reason.replace("GAP_REASON_", "").toLowerCase();
      return [reason, metrics.counter("distribution_gaps_total", { reason: label })];
    }),
  );
  const undelivered = LEDGER_REASONS.map((reason) => ({ reason, ofEnded: 0 }));
  for (const entry of undelivered) {
    const { reason } = entry;
    metrics.gauge(
      "distribution_undelivered_events_total",
      { reason },
      () => sum((session) => session.undelivered(reason)) + entry.ofEnded,
    );
  }
  metrics.gauge("distribution_subscriptions", {}, () => sum((session) => session.subscriptions));
  metrics.gauge("distribution_lagging_subscriptions", {}, () => sum((session) => session.lagging));

  const context: SessionContext = {
    ...options,
    outbox: new Outbox(options),
    names: new Set(),
    redelivered: metrics.counter("distribution_redelivered_events_total"),
    written: byWire((wire) => ({ events: events[wire], bytes: bytes[wire] })),
    undelivered: ({ counts }) => {
      for (const entry of undelivered) entry.ofEnded += counts[entry.reason];
    },
    gap: (reason) => {
      const counter = gaps.get(reason);
      if (counter) counter.value += 1;
    },
    ended: (code) => {
      metrics.counter("distribution_session_closed_total", { code }).value += 1;
    },
    onClosed: (session) => void sessions.delete(session),
  };

  /** Ends silent sessions, and lets the others hear that the service is alive. */
  const beat = (): void => {
    const now = runtime.clock.monotonicMs();
    const frame = { $case: "pong" as const, value: { time: runtime.clock.wallNs() } };
    const encode = (format: FrameFormat) => encodedFrame(encodeServerFrame(format, { ref: "", frame }));
    const alive = { json: encode("json"), proto: encode("proto") };
    for (const session of sessions) {
      session.tidy();
      if (session.connection.wire !== ONE_WAY && now - session.heardAt > SILENT_INTERVALS * limits.heartbeatMs) {
        session.end(
          new DistributionError(
            "silent",
            `Nothing was heard for ${SILENT_INTERVALS} intervals of ${limits.heartbeatMs} ms.`,
          ),
        );
        session.connection.destroy();
      } else if (now - session.sentAt >= limits.heartbeatMs) {
        session.broadcast(alive[session.connection.format]);
      }
    }
  };
  const beating = runtime.timers.every(limits.heartbeatMs / 4, beat);

  return {
    maxFrameBytes: options.frameLimits.maxBytes,
    get size() {
      return sessions.size;
    },
    get subscriptions() {
      return sum((session) => session.subscriptions);
    },
    get delivered() {
      return WIRES.reduce((total, wire) => total + events[wire].value, 0);
    },
    open(connection: Connection): SessionPeer {
      if (draining) throw new DistributionError("draining", "The service is going down; connect again in a moment.");
      if (sessions.size >= limits.maxSessions) {
        throw new DistributionError(
          "too_many_connections",
          `The service has ${limits.maxSessions} sessions, the most it takes; try again later.`,
        );
      }
      const identity = guard.identify(connection.credential);
      guard.authorize(identity, { kind: "connect" });
      lastId += 1;
      const session = new Session(`${run}-${lastId}`, connection, identity, context);
      sessions.add(session);
      logger.debug({ session: session.id, wire: connection.wire, identity: identity.subject }, "A session began.");
      return session;
    },
    drain(reconnectWithinMs) {
      draining = true;
      const frame = { $case: "draining" as const, value: { reconnectWithinMs } };
      const encode = (format: FrameFormat) => encodedFrame(encodeServerFrame(format, { ref: "", frame }));
      const notice = { json: encode("json"), proto: encode("proto") };
      for (const session of sessions) {
        session.broadcast(notice[session.connection.format]);
        session.flush();
      }
    },
    close() {
      beating.cancel();
      for (const session of [...sessions]) session.closed();
    },
  };
}
