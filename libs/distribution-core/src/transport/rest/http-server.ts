/** The HTTP server around an application: its bounds, and answers to what never becomes a request. */
import { createServer, type RequestListener, type Server } from "node:http";
import type { Duplex } from "node:stream";
import { fieldError } from "../../errors.ts";
import { DEFAULT_REST_LIMITS, type RestLimits } from "./limits.ts";
import { PROBLEM_TYPE, problemOf } from "./problem.ts";

/** A client has so long for its headers, and for a whole request with its body, milliseconds. */
const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 60_000;
/** An idle connection is kept a little longer than proxies keep theirs (60 s), so that they close first. Milliseconds. */
const KEEP_ALIVE_MS = 65_000;

/** Not listening yet. Bytes that are no HTTP, and headers over the limit, are answered with a problem document. */
export function createHttpServer(app: RequestListener, limits: Partial<Pick<RestLimits, "headerBytes">> = {}): Server {
  const headerBytes = limits.headerBytes ?? DEFAULT_REST_LIMITS.headerBytes;
  const server: Server = createServer(
    {
      maxHeaderSize: headerBytes,
      headersTimeout: HEADERS_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      keepAliveTimeout: KEEP_ALIVE_MS,
      noDelay: true,
      // Clients offer HTTP/2 with ordinary requests (`Upgrade: h2c`), which are answered as what they are.
      shouldUpgradeCallback: ({ headers: { upgrade = "" } }) =>
        server.listenerCount("upgrade") > 0 && upgrade.toLowerCase().includes("websocket"),
    },
    app,
  );
  server.on("clientError", (failure: NodeJS.ErrnoException, socket: Duplex) => refuse(failure, socket, headerBytes));
  return server;
}

function refuse(failure: NodeJS.ErrnoException, socket: Duplex, headerBytes: number): void {
  if (!socket.writable || failure.code === "ECONNRESET") {
    socket.destroy();
    return;
  }
  const error =
    failure.code === "HPE_HEADER_OVERFLOW"
      ? fieldError(
          "invalid_request",
          "headers",
          `are over the limit of ${headerBytes} bytes; send fewer or shorter ones`,
        )
      : fieldError("invalid_request", "request", "is no HTTP/1.1, or came too slowly");
  const body = JSON.stringify(problemOf(error, ""));
  const head = [
    `HTTP/1.1 ${error.definition.http} Bad Request`,
    `Content-Type: ${PROBLEM_TYPE}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    "Connection: close",
  ];
  socket.end(`${head.join("\r\n")}\r\n\r\n${body}`);
}
