import type { Runtime } from "../../runtime/index.ts";

export interface Pingable {
  ping(): void;
}

export interface Pinger {
  add(connection: Pingable): void;
  delete(connection: Pingable): void;
  stop(): void;
}

/** One turn of the event loop pings one part of the connections, so that thousands of them are no pause for the rest. */
const PARTS = 16;

/** Pings every connection once in `intervalMs`, a sixteenth of them at a time. */
export function createPinger(runtime: Runtime, intervalMs: number): Pinger {
  const parts = Array.from({ length: PARTS }, () => new Set<Pingable>());
  const partOf = new Map<Pingable, Set<Pingable>>();
  let turn = 0;
  let joined = 0;
  const timer = runtime.timers.every(intervalMs / PARTS, () => {
    for (const connection of parts[turn]!) connection.ping();
    turn = (turn + 1) % PARTS;
  });
  return {
    add(connection) {
      const part = parts[joined % PARTS]!;
      joined += 1;
      part.add(connection);
      partOf.set(connection, part);
    },
    delete(connection) {
      partOf.get(connection)?.delete(connection);
      partOf.delete(connection);
    },
    stop: () => timer.cancel(),
  };
}
