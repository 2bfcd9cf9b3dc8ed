/** Socket.IO on an HTTP server that it shares with others: the JSON frames as objects, event name `frame` both ways. */
import type { Server as HttpServer, IncomingMessage } from "node:http";
import { Server, type Socket } from "socket.io";
import { ERROR_CODES } from "../../errors.ts";
import type { Logger } from "../../observability/index.ts";
import type { Runtime } from "../../runtime/index.ts";
import type { SessionHost, SessionPeer } from "../contract.ts";
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
import { SocketIoConnection } from "./connection.ts";
import { FRAME_EVENT } from "./packet.ts";

export interface SocketIoOptions {
  readonly server: HttpServer;
  readonly host: SessionHost;
  readonly runtime: Runtime;
  readonly logger: Logger;
  /** Default /socket.io/. Upgrades at other paths are left to whoever else is on the server. */
  readonly path?: string;
  /** Origins of web pages that may connect beside the service's own; "*": any. Default none. */
  readonly origins?: readonly string[];
  /** Default: localhost and loopback addresses. */
  readonly hostGuard?: HostGuard;
  readonly limits?: Partial<WireLimits>;
}

/** What Engine.IO may buffer over a longest frame, so that a frame little over it is refused with a code and not with a cut line. */
const PACKET_MARGIN = 1024;

export const SOCKETIO_PATH = "/socket.io/";

/** Engine.IO acknowledges a ping of the server within this, or is gone. Milliseconds. */
const PING_TIMEOUT_MS = 20_000;

/**
 * The credential is `auth.token` of the client's options or an Authorization header. Before the server ends a connection it emits
 * `closed` with `{ code, reason }`, since Socket.IO has no close codes.
 */
export function attachSocketIo(options: SocketIoOptions): Wire {
  const { server, host, logger, runtime } = options;
  const limits = { ...DEFAULT_WIRE_LIMITS, ...options.limits };
  const connections = createConnectionSet();
  let draining = false;
  const io = new Server(
    server,
    serverOptions(options, limits, () => draining),
  );

  io.on("connection", (socket) => {
    let peer: SessionPeer | undefined;
    const { headers, address, auth } = socket.handshake;
    const token: unknown = auth["token"];
    const credential = credentialOf(headers, address, typeof token === "string" ? token : undefined);
    const onDrained = (): void => peer?.drained();
    const connection = new SocketIoConnection({ socket, credential, limits, runtime, onDrained });
    connections.add(connection);
    socket.on("disconnect", () => {
      peer?.closed();
      // A client may leave the namespace and keep the connection: without a session there is no use for it.
      socket.conn.close();
    });
    socket.conn.on("close", () => {
      connection.ended();
      connections.delete(connection);
    });
    peer = openSession(host, connection, logger);
    listen(socket, connection, peer, host.maxFrameBytes);
  });

  return {
    connections: () => connections.size,
    async close() {
      draining = true;
      await connections.closeAll();
      // Not io.close(): it would close the HTTP server, which belongs to whoever made it.
      io.engine.close();
    },
  };
}

function serverOptions(options: SocketIoOptions, limits: WireLimits, draining: () => boolean) {
  const { path = SOCKETIO_PATH, origins = [], hostGuard = createHostGuard(), host } = options;
  return {
    path,
    // It would end those that nobody answers only where the connection was never written to.
    destroyUpgrade: false,
    serveClient: false,
    perMessageDeflate: false,
    httpCompression: false,
    maxHttpBufferSize: host.maxFrameBytes + PACKET_MARGIN,
    pingInterval: limits.heartbeatMs,
    pingTimeout: PING_TIMEOUT_MS,
    connectTimeout: PING_TIMEOUT_MS,
    ...(origins.length > 0 ? { cors: { origin: origins.includes("*") ? "*" : [...origins] } } : {}),
    allowRequest(request: IncomingMessage, answer: (error: string | null, allowed: boolean) => void) {
      // A closed wire stays on the server, which cannot be taken away from it.
      const { headers } = request;
      const refusal = draining() ? goingDown() : (hostGuard(headers) ?? originRefusal(headers, origins));
      answer(refusal?.message ?? null, refusal === undefined);
    },
  };
}

function listen(socket: Socket, connection: SocketIoConnection, peer: SessionPeer, maxFrameBytes: number): void {
  const refuse = (reason: string): void => connection.close(ERROR_CODES.bad_frame.close, reason);
  socket.onAny((event: string, value: unknown) => {
    if (event !== FRAME_EVENT) return refuse(`Unknown event; frames are sent as "${FRAME_EVENT}".`);
    let text: string;
    try {
      text = JSON.stringify(value) ?? "null";
    } catch {
      // Nested deeper than the stack allows.
      return refuse("The frame nests too deep.");
    }
    if (Buffer.byteLength(text) > maxFrameBytes) return refuse(`A frame has at most ${maxFrameBytes} bytes.`);
    peer.receive(text);
  });
  socket.conn.on("heartbeat", () => peer.heard());
}
