/** Server-sent events: one subscription a request, for browsers' EventSource, curl and everything else that speaks HTTP only. */
import type { Request, Response } from "express";
import { type DistributionError, toDistributionError } from "../../errors.ts";
import type { Logger } from "../../observability/index.ts";
import type { Runtime } from "../../runtime/index.ts";
import type { SessionHost, SessionPeer } from "../contract.ts";
import {
  createConnectionSet,
  credentialOf,
  DEFAULT_WIRE_LIMITS,
  goingDown,
  type Wire,
  type WireLimits,
} from "../wires/index.ts";
import { SseConnection } from "./connection.ts";
import { subscribeFrame } from "./query.ts";

export interface EventStreamOptions {
  readonly host: SessionHost;
  readonly runtime: Runtime;
  readonly logger: Logger;
  readonly limits?: Partial<WireLimits>;
}

export interface EventStreams extends Wire {
  /**
   * Answers GET /api/v1/topics/:topic/events with a stream; to be mounted in an Express router. Resolves when the stream began or
   * the client left. Rejects with the DistributionError to answer with while nothing of the response is sent: a wrong
   * parameter, no session, or what the session said to the subscription.
   */
  readonly handleEventStream: (request: Request, response: Response) => Promise<void>;
}

export function createEventStreams(options: EventStreamOptions): EventStreams {
  const { host, runtime, logger } = options;
  const limits = { ...DEFAULT_WIRE_LIMITS, ...options.limits };
  const connections = createConnectionSet();
  let draining = false;

  const serve = (request: Request, response: Response, frame: string): Promise<void> =>
    new Promise((resolve, reject) => {
      const credential = credentialOf(request.headers, request.socket.remoteAddress);
      let peer: SessionPeer | undefined;
      const end = (): void => {
        connection.ended();
        heartbeats.cancel();
        connections.delete(connection);
        peer?.closed();
        peer = undefined;
      };
      const onRefused = (error: DistributionError): void => {
        reject(error);
        // Not from within the session's own write.
        runtime.timers.soon(end);
      };
      const connection = new SseConnection({ response, credential, limits, runtime, onStarted: resolve, onRefused });
      const heartbeats = runtime.timers.every(limits.heartbeatMs, () => connection.heartbeat(() => peer?.heard()));
      connections.add(connection);
      response.on("drain", () => peer?.drained());
      response.on("error", (error) => logger.debug({ err: error, wire: "sse" }, "A connection failed."));
      response.on("close", () => {
        end();
        resolve();
      });
      try {
        peer = host.open(connection);
        peer.receive(frame);
      } catch (failure) {
        onRefused(toDistributionError(failure));
      }
    });

  return {
    connections: () => connections.size,
    async handleEventStream(request, response) {
      if (draining) throw goingDown();
      const query = new URL(request.url, "http://localhost").searchParams;
      const topic = String(request.params["topic"]);
      await serve(request, response, subscribeFrame(topic, query, request.get("Last-Event-ID")));
    },
    async close() {
      draining = true;
      await connections.closeAll();
    },
  };
}
