/** A service as a process: signals, exit codes, and what it tells the one who started it. */
import { toDistributionError } from "./errors.ts";
import { tuneHeap } from "./runtime/index.ts";
import type { DistributionService } from "./service.ts";

/** A stop that takes longer is given up, with exit code 1. Milliseconds. */
export const STOP_WITHIN_MS = 15_000;

/** What a ready service tells the process that started it, where that one opened a channel (IPC). */
export interface ServiceReport {
  readonly pid: number;
  readonly ports: DistributionService["ports"];
}

/**
 * Resolves when the service is ready; the process then lives until SIGTERM or SIGINT, or until the one who started it with a
 * channel is gone.
 */
export async function runService(name: string, start: () => Promise<DistributionService>): Promise<void> {
  tuneHeap();
  let service: DistributionService | undefined;
  let stopping = false;
  const stop = (signal: string): void => {
    // A second signal is somebody who will not wait.
    if (stopping) process.exit(1);
    stopping = true;
    console.error(`${name}: ${signal}, telling clients and closing …`);
    const late = setTimeout(() => fail(name, `did not stop within ${STOP_WITHIN_MS} ms`), STOP_WITHIN_MS);
    late.unref();
    Promise.resolve(service?.stop()).then(
      () => {
        clearTimeout(late);
        process.exit(0);
      },
      (failure: unknown) => {
        clearTimeout(late);
        fail(name, String(failure));
      },
    );
  };
  process.on("SIGTERM", () => stop("SIGTERM"));
  process.on("SIGINT", () => stop("SIGINT"));
  if (process.send) process.once("disconnect", () => stop("the launcher is gone"));
  try {
    service = await start();
    if (process.send) return void process.send({ pid: process.pid, ports: service.ports } satisfies ServiceReport);
    const { public: port, grpc, admin } = service.ports;
    console.error(
      [
        `${name} is ready, process ${process.pid}.`,
        `  page       http://localhost:${port}/`,
        `  API        http://localhost:${port}/docs`,
        `  WebSocket  ws://localhost:${port}/api/v1/stream`,
        `  gRPC       localhost:${grpc}`,
        `  health     http://localhost:${admin}/readyz   metrics http://localhost:${admin}/metrics`,
      ].join("\n"),
    );
  } catch (failure) {
    const { code, message, cause } = toDistributionError(failure);
    // A stack helps with a defect; a port in use or a wrong setting says all in its message.
    if (code === "internal" && cause instanceof Error) console.error(cause.stack);
    fail(name, message);
  }
}

function fail(name: string, message: string): never {
  console.error(`${name}: ${message}`);
  process.exit(1);
}
