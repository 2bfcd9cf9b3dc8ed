/** The HTTP half of a WebSocket: who may upgrade, to which subprotocol, and how the rest is refused. */
import { type IncomingMessage, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import { DistributionError } from "../../errors.ts";
import type { FrameFormat } from "../contract.ts";

/** Subprotocol to format, in the order of preference. */
export const SUBPROTOCOLS: ReadonlyMap<string, FrameFormat> = new Map([
  ["distribution.v1+proto", "proto"],
  ["distribution.v1+json", "json"],
]);

/** Without an offer: JSON, for tools and browsers' one-liners. Throws `not_supported` when none of the offered ones is known. */
export function formatOf(request: IncomingMessage): FrameFormat {
  const offered = offeredProtocols(request);
  if (offered.length === 0) return "json";
  const chosen = offered.find((protocol) => SUBPROTOCOLS.has(protocol));
  if (chosen !== undefined) return SUBPROTOCOLS.get(chosen)!;
  const message = `offer one of ${[...SUBPROTOCOLS.keys()].join(", ")}, or none for JSON`;
  throw new DistributionError("invalid_request", `Unknown WebSocket subprotocol: ${message}.`, {
    errors: [{ path: "Sec-WebSocket-Protocol", message }],
  });
}

export function pathOf(request: IncomingMessage): string {
  const url = request.url ?? "";
  const query = url.indexOf("?");
  return query < 0 ? url : url.slice(0, query);
}

/** Answers an upgrade with problem details (RFC 9457) and ends the connection. */
export function refuseUpgrade(socket: Duplex, error: DistributionError): void {
  const { http, meaning } = error.definition;
  const problem = { title: meaning, status: http, detail: error.message, code: error.code, errors: error.errors };
  const body = JSON.stringify(problem);
  // The peer may be gone already; that is its business.
  socket.on("error", () => socket.destroy());
  // The server's sockets stay open for reading: a peer that never ends its half would keep it.
  socket.once("finish", () => socket.destroy());
  socket.end(
    [
      `HTTP/1.1 ${http} ${STATUS_CODES[http]}`,
      "Content-Type: application/problem+json",
      `Content-Length: ${Buffer.byteLength(body)}`,
      "Connection: close",
      "",
      body,
    ].join("\r\n"),
  );
}

const offeredProtocols = (request: IncomingMessage): string[] =>
  (request.headers["sec-websocket-protocol"] ?? "").split(",").flatMap((name) => name.trim() || []);
