/** What subscribers cost in memory: idle ones, each, and ones that have stopped reading while 200 MB flow past them. */
import { LOAD_CORE, type Pinned, SERVER_CORE, startPinned } from "../harness/pinned.ts";
import type { Bench, Row } from "../harness/row.ts";
import { interleaved, median, rowOf } from "../harness/statistics.ts";
import type { LoadRequest, MemoryReading, MemoryRequest, ServerName } from "./case.ts";

const FLOW_BYTES = 200e6;
const ROUNDS = 3;
const STALLED = 100;
const SUBJECTS: Readonly<Record<ServerName, string>> = { ours: "ours", ws: "ws, bare" };

export const benchMemory: Bench = {
  name: "memory",
  about: `protobuf frames; after full collections; resident is the process's own memory, without mapped files; stalled ones behind a flow of ${FLOW_BYTES / 1e6} MB`,
  floors: [1, STALLED].map((stalled) => ({
    text: `${stalled} stalled behind 200 MB, heap and buffers of each, MB`,
    atMost: 1,
    of: ({ median }) => median({ case: stalledCase(stalled), subject: SUBJECTS.ours, metric: STALLED_METRIC }),
  })),
  run: async () => [...(await idle()), ...(await stalledRows())],
};

const IDLE_METRICS = { javascript: "bytes of heap and buffers each", resident: "resident bytes each" };
const STALLED_METRIC = "MB of heap and buffers each";

interface Pair extends AsyncDisposable {
  readonly server: Pinned;
  readonly load: Pinned;
  ask(request: LoadRequest): Promise<unknown>;
  flow(readers: number): Promise<unknown>;
  read(): Promise<MemoryReading>;
}

async function start(name: ServerName): Promise<Pair> {
  await using stack = new AsyncDisposableStack();
  const here = (file: string): URL => new URL(file, import.meta.url);
  const server = stack.use(startPinned(SERVER_CORE, here("server.ts"), [name], ["--expose-gc"]));
  const port = await server.answer<number>();
  const load = stack.use(startPinned(LOAD_CORE, here("load.ts"), [String(port), name]));
  await load.answer();
  const owned = stack.move();
  return {
    server,
    load,
    ask: (request) => load.ask(request),
    flow: (readers) => server.ask({ flow: FLOW_BYTES, readers } satisfies MemoryRequest),
    read: () => server.ask("read" satisfies MemoryRequest),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** The second thousand and the tenth: what the first cost is the program's own warming up. */
async function idle(): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (const name of ["ours", "ws"] as const) {
    await using pair = await start(name);
    await pair.ask({ connect: 200, filters: 0 });
    let before = await pair.read();
    for (const count of [1_000, 9_000]) {
      await pair.ask({ connect: count, filters: 0 });
      const after = await pair.read();
      const total = count === 1_000 ? "1,000" : "10,000";
      rows.push(...idleRows(`${total} idle connections, one subscription each`, SUBJECTS[name], before, after, count));
      before = after;
    }
  }
  await using pair = await start("ours");
  await pair.ask({ connect: 2, filters: 100 });
  let before = await pair.read();
  for (const sessions of [10, 90]) {
    await pair.ask({ connect: sessions, filters: 100 });
    const after = await pair.read();
    const total = sessions === 10 ? "1,000" : "10,000";
    rows.push(
      ...idleRows(
        `${total} idle subscriptions, each a filter of its own, 100 a connection`,
        SUBJECTS.ours,
        before,
        after,
        sessions * 100,
      ),
    );
    before = after;
  }
  return rows;
}

function idleRows(
  what: string,
  subject: string,
  before: MemoryReading,
  after: MemoryReading,
  count: number,
): readonly Row[] {
  const { javascript, resident } = growth(before, after, count);
  return [
    rowOf({ case: what, subject, metric: IDLE_METRICS.javascript, better: "lower" }, [javascript]),
    rowOf({ case: what, subject, metric: IDLE_METRICS.resident, better: "lower" }, [resident]),
  ];
}

const stalledCase = (count: number): string => `${count} stalled`;

async function stalledRows(): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (const [name, counts] of [
    ["ours", [1, STALLED]],
    ["ws", [1]],
  ] as const) {
    const growths = await interleaved(ROUNDS, [0, ...counts], (stalled) => growthBehindFlow(name, stalled));
    // What a flow leaves behind without any that stalls: identities of newer events, a longer log.
    const own = median(growths.get(0)!);
    for (const count of counts) {
      const each = growths.get(count)!.map((bytes) => (bytes - own) / count / 1e6);
      rows.push(
        rowOf({ case: stalledCase(count), subject: SUBJECTS[name], metric: STALLED_METRIC, better: "lower" }, each),
      );
    }
  }
  return rows;
}

/** Bytes of heap and buffers. One subscriber reads all along. */
async function growthBehindFlow(name: ServerName, stalled: number): Promise<number> {
  await using pair = await start(name);
  await pair.ask({ connect: 1, filters: 0 });
  await pair.flow(1);
  const before = await pair.read();
  await pair.ask({ stall: stalled });
  await pair.flow(1);
  return growth(before, await pair.read(), 1).javascript;
}

function growth(before: MemoryReading, after: MemoryReading, by: number): { javascript: number; resident: number } {
  return {
    javascript: (after.heap + after.external - before.heap - before.external) / by,
    resident: (after.resident - before.resident) / by,
  };
}
