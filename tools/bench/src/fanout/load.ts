/**
 * `load.ts <port> <drive port> <protocol> <subscribers>`: connects the subscribers and tells its parent; then, for each
 * run that the parent asks for, drives the server and answers how many deliveries arrived.
 */
import { once } from "node:events";
import { connect } from "node:net";
import type { Protocol } from "./protocols.ts";
import { connectSubscribers } from "./subscribers.ts";

export interface LoadRun {
  /** Most events that may be on their way at a time. */
  readonly window: number;
  /** Events on their way at which the window is filled again: 0 waits until all subscribers have all of them. */
  readonly refillAt: number;
  /** Milliseconds during which new events are asked for. */
  readonly ms: number;
}

export interface LoadResult {
  readonly deliveries: number;
}

/** Longer than any event takes on a busy machine, milliseconds. */
const STALLED_AFTER_MS = 20_000;

const [port, drivePort, protocol, count] = process.argv.slice(2);
const subscribers = Number(count);
let deliveries = 0;
let asked = 0;
let onArrival = (): void => undefined;

const drive = connect({ port: Number(drivePort), host: "127.0.0.1", noDelay: true });
await once(drive, "connect");
await connectSubscribers(Number(port), protocol as Protocol, subscribers, (events) => {
  deliveries += events;
  onArrival();
});
process.on("message", (run: LoadRun) => {
  void measure(run).then((result) => process.send?.(result));
});
process.send?.("connected");

function measure({ window, refillAt, ms }: LoadRun): Promise<LoadResult> {
  const { promise, resolve } = Promise.withResolvers<LoadResult>();
  const before = deliveries;
  const end = performance.now() + ms;
  const stalled = setTimeout(() => {
    throw new Error(`${protocol}: ${deliveries} deliveries of ${asked * subscribers} after ${STALLED_AFTER_MS} ms`);
  }, ms + STALLED_AFTER_MS);
  onArrival = () => {
    const away = asked - Math.floor(deliveries / subscribers);
    if (away > refillAt) return;
    if (performance.now() < end) {
      asked += window - away;
      drive.write(`${window - away}\n`);
    } else if (away === 0) {
      clearTimeout(stalled);
      onArrival = () => undefined;
      resolve({ deliveries: deliveries - before });
    }
  };
  onArrival();
  return promise;
}
