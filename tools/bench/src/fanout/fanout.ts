/**
 * WebSocket fan-out: every event goes to all of 1,000 subscribers. Each server runs alone on its core, the load on another;
 * a figure is deliveries divided by the CPU time of the server's process, so a slow load costs nobody anything. A delivery is
 * mostly the kernel's, which has both ends of a connection here: figures are of moments in which the two cores share a cache.
 */

import { type NearCores, startNearCores } from "../harness/near-cores.ts";
import { LOAD_CORE, type Pinned, SERVER_CORE, startPinned } from "../harness/pinned.ts";
import { cpuSeconds, residentBytes } from "../harness/process.ts";
import type { Bench, Row } from "../harness/row.ts";
import { interleaved, rowOf } from "../harness/statistics.ts";
import { EVENT_BYTES } from "./event.ts";
import type { LoadResult, LoadRun } from "./load.ts";
import { RIVALS, type RivalName } from "./rivals/index.ts";
import type { ServerReady } from "./server.ts";

const SUBSCRIBERS = 1_000;
const ROUNDS = 15;
const ROUND_MS = 400;
/** Before the first round of each case, for the compiler: one event at a time it sees few. */
const WARM_UP_MS = 3_000;

const ONE = "one event at a time";
const TENS = "bursts of 10";
const HUNDREDS = "bursts of 100";

const CASES: readonly { readonly name: string; readonly window: number; readonly refillAt: number }[] = [
  { name: ONE, window: 1, refillAt: 0 },
  { name: TENS, window: 10, refillAt: 0 },
  { name: HUNDREDS, window: 100, refillAt: 0 },
  { name: "a stream, up to 64 on their way", window: 64, refillAt: 48 },
];

interface Contender extends AsyncDisposable {
  readonly subject: string;
  readonly server: Pinned;
  readonly load: Pinned;
}

export const benchFanout: Bench = {
  name: "fanout",
  about: `${SUBSCRIBERS} subscribers, ${EVENT_BYTES}-byte events, no compression, server and load pinned to a core each, while these share a cache`,
  floors: [
    { case: ONE, atLeast: 1.6 },
    { case: TENS, atLeast: 10 },
    { case: HUNDREDS, atLeast: 30 },
  ].map(({ case: name, atLeast }) => ({
    text: `${name}, JSON frames, times Socket.IO`,
    atLeast,
    of: ({ times }) =>
      times({ case: name, subject: RIVALS.ours.subject }, { case: name, subject: RIVALS.socketio.subject }),
  })),
  run: async () => {
    await using stack = new AsyncDisposableStack();
    const contenders: Contender[] = [];
    for (const name of Object.keys(RIVALS) as RivalName[]) contenders.push(stack.use(await start(name)));
    const near = stack.use(await startNearCores());
    const rows: Row[] = [];
    for (const { name, ...loop } of CASES) rows.push(...(await runCase(name, loop, contenders, near)));
    return [...rows, ...contenders.map(memoryRow), ...near.rows()];
  },
};

async function start(name: RivalName): Promise<Contender> {
  const { subject, protocol } = RIVALS[name];
  await using started = new AsyncDisposableStack();
  const server = started.use(startPinned(SERVER_CORE, new URL("server.ts", import.meta.url), [name]));
  const { port, drivePort } = await server.answer<ServerReady>();
  const ends = [port, drivePort, protocol, SUBSCRIBERS].map(String);
  const load = started.use(startPinned(LOAD_CORE, new URL("load.ts", import.meta.url), ends));
  await load.answer();
  const owned = started.move();
  return { subject, server, load, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

async function runCase(
  name: string,
  loop: Omit<LoadRun, "ms">,
  contenders: readonly Contender[],
  near: NearCores,
): Promise<readonly Row[]> {
  for (const { load } of contenders) await load.ask<LoadResult>({ ...loop, ms: WARM_UP_MS });
  const figures = await interleaved(ROUNDS, contenders, ({ server, load }) =>
    near.during(async () => {
      const before = cpuSeconds(server.pid);
      const { deliveries } = await load.ask<LoadResult>({ ...loop, ms: ROUND_MS });
      return deliveries / (cpuSeconds(server.pid) - before);
    }),
  );
  return [...figures].map(([{ subject }, rounds]) =>
    rowOf(
      {
        case: name,
        subject,
        metric: "deliveries per server CPU-second",
        better: "higher",
      },
      rounds,
    ),
  );
}

const memoryRow = ({ subject, server }: Contender): Row =>
  rowOf({ case: "afterwards, all still connected", subject, metric: "MB resident", better: "lower" }, [
    residentBytes(server.pid) / 1e6,
  ]);
