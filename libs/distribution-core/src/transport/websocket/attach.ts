/** WebSocket at one path of an HTTP server that it shares with others. */
import type { IncomingMessage, Server } from "node:http";
import type { Duplex } from "node:stream";
import { type ServerOptions, WebSocketServer } from "ws";
import { DistributionError, ERROR_CODES, toDistributionError } from "../../errors.ts";
import type { Logger } from "../../observability/index.ts";
import type { Runtime } from "../../runtime/index.ts";
import type { FrameFormat, SessionHost, SessionPeer } from "../contract.ts";
import {
  createConnectionSet,
  createHostGuard,
  credentialOf,
  DEFAULT_WIRE_LIMITS,
  goingDown,
  type HostGuard,
  openSession,
  originRefusal,
  type Wire,
  type WireLimits,
} from "../wires/index.ts";
import { WebSocketConnection } from "./connection.ts";
import { createJoiner, OPCODE } from "./frame.ts";
import { formatOf, pathOf, refuseUpgrade, SUBPROTOCOLS } from "./handshake.ts";
import { createPinger } from "./pinger.ts";
import { SessionSocket } from "./session-socket.ts";

export interface WebSocketOptions {
  readonly server: Server;
  readonly host: SessionHost;
  readonly runtime: Runtime;
  readonly logger: Logger;
  /** Default /api/v1/stream. */
  readonly path?: string;
  /** Where other wires of this server begin, which answer what is asked of them. Default none. */
  readonly otherPaths?: readonly string[];
  /** Origins of web pages that may connect beside the service's own, for example `https://desk.example`; "*": any. Default none. */
  readonly origins?: readonly string[];
  /** Default: localhost and loopback addresses. */
  readonly hostGuard?: HostGuard;
  readonly limits?: Partial<WireLimits>;
}

export const WEBSOCKET_PATH = "/api/v1/stream";

/**
 * Subprotocol `distribution.v1+json` takes text messages, `distribution.v1+proto` binary ones. Compression is off: it costs a context
 * and a pass a connection, while frames are made once for all.
 */
export function attachWebSocket(options: WebSocketOptions): Wire {
  const { server, host, runtime, logger, path = WEBSOCKET_PATH, origins = [] } = options;
  const { hostGuard = createHostGuard(), otherPaths = [] } = options;
  const limits = { ...DEFAULT_WIRE_LIMITS, ...options.limits };
  const connections = createConnectionSet();
  const pinger = createPinger(runtime, limits.heartbeatMs);
  const joiners = { json: createJoiner(OPCODE.text), proto: createJoiner(OPCODE.binary) };
  const upgrader = createUpgrader(host, limits);

  let draining = false;

  const refusalOf = ({ headers }: IncomingMessage, asked: string): DistributionError | undefined => {
    if (asked !== path) return new DistributionError("not_found", `WebSocket connections are taken at ${path}.`);
    if (draining) return goingDown();
    return hostGuard(headers) ?? originRefusal(headers, origins);
  };
  const onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    const asked = pathOf(request);
    if (otherPaths.some((other) => asked.startsWith(other))) return;
    try {
      const refusal = refusalOf(request, asked);
      if (refusal) throw refusal;
      const format = formatOf(request);
      upgrader.handleUpgrade(request, socket, head, (ws) => {
        const credential = credentialOf(request.headers, request.socket.remoteAddress);
        start(new WebSocketConnection({ ws, socket, format, credential, limits, joiner: joiners[format] }), ws, socket);
      });
    } catch (failure) {
      refuseUpgrade(socket, toDistributionError(failure));
    }
  };

  const start = (connection: WebSocketConnection, ws: SessionSocket, socket: Duplex): void => {
    connections.add(connection);
    pinger.add(connection);
    const peer = openSession(host, connection, logger);
    listen(ws, connection.format, peer);
    const leave = (): void => connection.leave();
    ws.onLeaving = leave;
    socket.on("end", leave);
    socket.on("drain", () => {
      if (connection.drained()) peer.drained();
    });
    ws.on("error", (error) => logger.debug({ err: error, wire: "websocket" }, "A connection failed."));
    ws.on("close", () => {
      connections.delete(connection);
      pinger.delete(connection);
      peer.closed();
    });
  };

  server.on("upgrade", onUpgrade);
  return {
    connections: () => connections.size,
    async close() {
      // It stays on the server: an upgraded connection is nobody's else, and one that is not ended would hold the server open.
      draining = true;
      await connections.closeAll();
      pinger.stop();
    },
  };
}

/** The handshake and the reading half of `ws`. */
function createUpgrader(host: SessionHost, limits: WireLimits) {
  const options: ServerOptions<typeof SessionSocket> & { readonly closeTimeout: number } = {
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: host.maxFrameBytes,
    closeTimeout: limits.closeTimeoutMs,
    WebSocket: SessionSocket,
    handleProtocols: (offered) => [...offered].find((protocol) => SUBPROTOCOLS.has(protocol)) ?? false,
  };
  const upgrader = new WebSocketServer<typeof SessionSocket>(options);
  upgrader.on("wsClientError", (error, socket) => {
    refuseUpgrade(
      socket,
      new DistributionError("invalid_request", `This is no WebSocket handshake: ${error.message}.`),
    );
  });
  return upgrader;
}

function listen(ws: SessionSocket, format: FrameFormat, peer: SessionPeer): void {
  const binary = format === "proto";
  ws.on("message", (data: Buffer, isBinary: boolean) => {
    if (isBinary === binary) peer.receive(binary ? data : data.toString());
    else ws.close(ERROR_CODES.bad_frame.close, `This subprotocol takes ${binary ? "binary" : "text"} messages only.`);
  });
  ws.on("ping", () => peer.heard());
  ws.on("pong", () => peer.heard());
}
