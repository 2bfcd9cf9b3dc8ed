/** The three ports of a service, and everything that listens on them. */

import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { variableOf } from "../config.ts";
import { DistributionError } from "../errors.ts";
import type { IngestService } from "../ingest/index.ts";
import type { Logger, Metrics } from "../observability/index.ts";
import type { Router } from "../routing/index.ts";
import type { Runtime } from "../runtime/index.ts";
import type { Guard } from "../security/index.ts";
import type { Registry } from "../subscriptions/index.ts";
import type { ServiceDescription } from "./documents/index.ts";
import { attachGrpc, type GrpcWire } from "./grpc/index.ts";
import type { Health } from "./health.ts";
import {
  createAdminApp,
  createHttpServer,
  createPublicApp,
  createRates,
  type ExplainRoute,
  type PublicAppOptions,
  type Rates,
  type ServiceStatus,
} from "./rest/index.ts";
import type { Sessions } from "./sessions.ts";
import { attachSocketIo, SOCKETIO_PATH } from "./socketio/index.ts";
import { createEventStreams } from "./sse/index.ts";
import { attachWebSocket } from "./websocket/index.ts";
import { createHostGuard, type Wire } from "./wires/index.ts";

export interface Listen {
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly grpcPort: number;
  readonly adminPort: number;
  /** Origins of web pages that may connect beside the service's own; "*": any. */
  readonly origins?: readonly string[];
  /** Names that clients use in URLs beside `localhost`, loopback addresses and `host`. */
  readonly hosts?: readonly string[];
}

export interface Listeners {
  readonly ports: { readonly public: number; readonly grpc: number; readonly admin: number };
  /** Opens the public and the gRPC port. */
  open(parts: PublicParts): Promise<void>;
  /** Ends the clients, then closes the ports. */
  closePublic(): Promise<void>;
  closeAdmin(): Promise<void>;
}

export interface PublicParts
  extends Pick<PublicAppOptions, "topics" | "queries" | "parseFilter" | "payloadCodecs" | "sealer" | "partitions"> {
  readonly ingest: IngestService;
  readonly sessions: Sessions;
  readonly registry: Registry;
  readonly router: Router;
  readonly explain: ExplainRoute;
  readonly domain:
    | { readonly router?: PublicAppOptions["domainRouter"]; readonly openApi?: PublicAppOptions["domainOpenApi"] }
    | undefined;
}

export interface ListenersOptions {
  readonly listen: Listen;
  readonly service: ServiceDescription;
  readonly guard: Guard;
  readonly runtime: Runtime;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly health: Health;
  readonly broker: {
    readonly name: string;
    health(): { readonly ready: boolean; readonly reasons: readonly string[] };
  };
}

/** Opens the admin port, so that whoever watches can see the service start. Rejects with `unavailable` when a port is in use. */
export async function createListeners(options: ListenersOptions): Promise<Listeners> {
  const { listen, service, guard, runtime, logger, metrics, health, broker } = options;
  const { host = "127.0.0.1", origins = [], hosts = [] } = listen;
  const callers = { origins, hostGuard: createHostGuard([host, ...hosts]) };
  const ports = { public: 0, grpc: 0, admin: 0 };
  let parts: PublicParts | undefined;
  let wires: readonly (readonly [string, Wire])[] = [];
  let server: Server | undefined;
  let rates: Rates | undefined;

  const status = (): ServiceStatus => ({
    state: health.state,
    reasons: health.reasons(),
    startedAt: health.startedAt,
    broker: { name: broker.name, ...broker.health() },
    sessions: Object.fromEntries(wires.map(([name, wire]) => [name, wire.connections()])),
    subscriptions: parts?.sessions.subscriptions ?? 0,
    interestClasses: parts?.registry.classes ?? 0,
  });

  const admin = createHttpServer(
    createAdminApp({
      ...callers,
      service,
      guard,
      logger,
      metrics,
      runtime,
      status,
      health: health.read,
      routes: () => parts?.router.stats().map((route) => ({ ...route })) ?? [],
      explain(topic, event) {
        if (parts) return parts.explain(topic, event);
        throw new DistributionError(
          "unavailable",
          "The service is starting and has no routes yet; ask again once it is ready.",
        );
      },
    }),
  );
  const at = (port: number, name: string, setting: string): Address => ({
    ...{ host, port, name },
    ...{ portVariable: variableOf(service.name, setting), hostVariable: variableOf(service.name, "HOST") },
  });
  ports.admin = await bind(admin, at(listen.adminPort, "admin", "ADMIN_PORT"));

  return {
    ports,
    async open(given) {
      parts = given;
      const { sessions, ingest, domain, registry: _registry, router: _router, explain: _explain, ...rest } = given;
      rates = createRates({ metrics, topics: given.topics.map(({ name }) => name), timers: runtime.timers });
      const shared = { host: sessions, runtime, logger };
      const streams = createEventStreams(shared);
      const app = createPublicApp({
        ...rest,
        ...callers,
        service,
        ingest,
        guard,
        metrics,
        logger,
        runtime,
        status,
        rates,
        eventStream: (request, response, next) => void streams.handleEventStream(request, response).catch(next),
        ...(domain?.router && { domainRouter: domain.router }),
        ...(domain?.openApi && { domainOpenApi: domain.openApi }),
      });
      server = createHttpServer(app);
      const websocket = attachWebSocket({ ...shared, ...callers, server, otherPaths: [SOCKETIO_PATH] });
      const socketio = attachSocketIo({ ...shared, ...callers, server });
      wires = [
        ["websocket", websocket],
        ["socketio", socketio],
        ["sse", streams],
      ];
      ports.public = await bind(server, at(listen.port, "public", "PORT"));
      const grpc: GrpcWire = await attachGrpc({
        ...shared,
        address: `${host}:${listen.grpcPort}`,
        ingest,
        guard,
      }).catch((failure: Error) => {
        throw cannotListen(at(listen.grpcPort, "gRPC", "GRPC_PORT"), failure);
      });
      wires = [...wires, ["grpc", grpc]];
      ports.grpc = grpc.port;
      grpc.setServing(true);
    },
    async closePublic() {
      rates?.close();
      await Promise.all(wires.map(([, wire]) => wire.close()));
      if (server) await closeServer(server);
    },
    closeAdmin: () => closeServer(admin),
  };
}

interface Address {
  readonly host: string;
  readonly port: number;
  /** What it is for, and the settings that say where. */
  readonly name: string;
  readonly portVariable: string;
  readonly hostVariable: string;
}

async function bind(server: Server, address: Address): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause: Error) => reject(cannotListen(address, cause)));
    server.listen(address.port, address.host, resolve);
  });
  return (server.address() as AddressInfo).port;
}

function cannotListen(address: Address, cause: Error): DistributionError {
  const { host, port, name, portVariable, hostVariable } = address;
  // gRPC hands the system's error on as text.
  const why = cause.message.includes("EADDRINUSE")
    ? `is in use; stop what uses it, or set ${portVariable} to another`
    : `cannot be opened: ${cause.message}; set ${portVariable} and ${hostVariable} to what this machine and user may use`;
  return new DistributionError("unavailable", `The ${name} port ${host}:${port} ${why}.`, { cause });
}

async function closeServer(server: Server): Promise<void> {
  if (!server.listening) return;
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  // Requests under way have this long.
  const end = setTimeout(() => server.closeAllConnections(), 2_000);
  await closed;
  clearTimeout(end);
}
