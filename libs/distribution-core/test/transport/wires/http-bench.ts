/** An HTTP server on a free port of loopback, and what the tests of its wires share. */
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Logger } from "../../../src/observability/index.ts";

export interface HttpBench {
  readonly server: Server;
  readonly port: number;
  stop(): Promise<void>;
}

export async function openHttp(listener?: RequestListener): Promise<HttpBench> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", 1024, resolve));
  const { port } = server.address() as AddressInfo;
  return {
    server,
    port,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

export interface RecordingLogger extends Logger {
  /** The messages at level error. */
  readonly failures: string[];
}

export function createRecordingLogger(): RecordingLogger {
  const failures: string[] = [];
  return { failures, debug() {}, info() {}, warn() {}, error: (_fields, message) => void failures.push(message) };
}
