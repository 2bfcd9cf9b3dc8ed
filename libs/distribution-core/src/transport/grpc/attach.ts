/** The gRPC server: distribution.v1.Distribution, health checking v1 and reflection, on an address of its own. */
import { Server, ServerCredentials, type ServerOptions } from "@grpc/grpc-js";
import { HealthImplementation } from "grpc-health-check";
import { DistributionError } from "../../errors.ts";
import type { Ingest } from "../../ingest/contract.ts";
import type { Logger } from "../../observability/index.ts";
import type { Runtime } from "../../runtime/index.ts";
import type { Guard } from "../../security/index.ts";
import type { SessionHost } from "../contract.ts";
import { createConnectionSet, DEFAULT_WIRE_LIMITS, type Wire, type WireLimits } from "../wires/index.ts";
import { createPublish, createPublishStream, type PublishLimits } from "./publish.ts";
import { addReflection, SERVICE } from "./reflection.ts";
import { RAW_SERVICE } from "./service.ts";
import { createStream } from "./stream.ts";

export interface GrpcLimits extends WireLimits {
  /** Longest message of any call, bytes, default 4 MiB; frames of Stream are bounded by the session host. */
  readonly maxMessageBytes: number;
  /** Most events of one Publish. Default 10,000. */
  readonly maxEvents: number;
  /** Longest event, bytes. Default 1 MiB. */
  readonly maxEventBytes: number;
  /** PublishStream reads no more while this many bytes are not durable. Default 4 MiB. */
  readonly streamWindowBytes: number;
  /** Most events of one PublishStream. Default 100,000. */
  readonly streamEvents: number;
  /** An HTTP/2 ping that is not answered within this ends the connection. Milliseconds, default 10,000. */
  readonly pingTimeoutMs: number;
}

export interface GrpcOptions {
  /** `host:port`; port 0 takes a free one. */
  readonly address: string;
  readonly host: SessionHost;
  readonly ingest: Ingest;
  readonly guard: Guard;
  readonly runtime: Runtime;
  readonly logger: Logger;
  /** Default: no TLS. */
  readonly credentials?: ServerCredentials;
  readonly limits?: Partial<GrpcLimits>;
}

export interface GrpcWire extends Wire {
  /** Where it listens. */
  readonly port: number;
  /** What health checks answer, for the service and for the server as a whole. NOT_SERVING until first told. */
  setServing(serving: boolean): void;
}

export const DEFAULT_GRPC_LIMITS: GrpcLimits = {
  ...DEFAULT_WIRE_LIMITS,
  maxMessageBytes: 4 * 1024 * 1024,
  maxEvents: 10_000,
  maxEventBytes: 1024 * 1024,
  streamWindowBytes: 4 * 1024 * 1024,
  streamEvents: 100_000,
  pingTimeoutMs: 10_000,
};

/** Rejects with `unavailable` when the address cannot be bound. */
export async function attachGrpc(options: GrpcOptions): Promise<GrpcWire> {
  const limits = { ...DEFAULT_GRPC_LIMITS, ...options.limits };
  const connections = createConnectionSet();
  const health = new HealthImplementation({ "": "NOT_SERVING", [SERVICE]: "NOT_SERVING" });
  const setServing = (serving: boolean): void => {
    for (const name of ["", SERVICE]) health.setStatus(name, serving ? "SERVING" : "NOT_SERVING");
  };
  const server = new Server(serverOptions(limits, options.host));
  const publishing = { ...options, limits: publishLimits(limits) };
  server.addService(RAW_SERVICE, {
    publish: createPublish(publishing),
    publishStream: createPublishStream(publishing),
    stream: createStream({ ...options, limits, connections }),
  });
  health.addToServer(server);
  addReflection(server);
  const port = await bind(server, options);
  return {
    port,
    setServing,
    connections: () => connections.size,
    async close() {
      setServing(false);
      const stopped = new Promise<void>((resolve) => server.tryShutdown(() => resolve()));
      await connections.closeAll();
      // Health watches and reflection calls of idle tools do not end by themselves.
      const impatience = options.runtime.timers.after(limits.closeTimeoutMs, () => server.forceShutdown());
      await stopped;
      impatience.cancel();
    },
  };
}

function serverOptions(limits: GrpcLimits, host: SessionHost): ServerOptions {
  return {
    "grpc.max_receive_message_length": Math.max(limits.maxMessageBytes, host.maxFrameBytes),
    "grpc.max_send_message_length": -1,
    "grpc.keepalive_time_ms": limits.heartbeatMs,
    "grpc.keepalive_timeout_ms": limits.pingTimeoutMs,
  };
}

function publishLimits(limits: GrpcLimits): PublishLimits {
  const { maxEvents, maxEventBytes, streamWindowBytes, streamEvents } = limits;
  return { batch: { maxEvents, maxEventBytes }, streamWindowBytes, streamEvents };
}

function bind(server: Server, { address, credentials }: GrpcOptions): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(address, credentials ?? ServerCredentials.createInsecure(), (cause, port) => {
      if (cause)
        reject(new DistributionError("unavailable", `gRPC cannot listen on ${address}: ${cause.message}`, { cause }));
      else resolve(port);
    });
  });
}
