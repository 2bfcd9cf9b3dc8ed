/**
 * The whole way of an event: published in packed batches, validated, deduplicated, routed, durable, read by the tail, matched,
 * and what matched encoded and handed to its sessions' sockets, which swallow it. One process on one core, publisher included.
 */
import { type Pinned, SERVER_CORE, startPinned } from "../harness/pinned.ts";
import { residentBytes } from "../harness/process.ts";
import type { Bench, Row } from "../harness/row.ts";
import { interleaved, rowOf } from "../harness/statistics.ts";
import type { PayloadForm } from "../service/trades.ts";
import type { Contender, WayResult, WayRun } from "./contender.ts";

const ROUNDS = 9;
const ROUND_MS = 500;
/** Of CPU time, for the compiler and the heap. */
const WARM_UP_MS = 3_000;
/** One event in fifty is wanted by somebody: the way itself is measured, not deliveries. */
const SELDOM = 0.02;
const FORMS: readonly PayloadForm[] = ["protobuf", "json"];

const CASES: readonly { readonly subject: string; readonly contender: Omit<Contender, "form"> }[] = [
  {
    subject: "raw lmdb, the same batches",
    contender: { kind: "raw", filters: 0, wanted: 0, partitions: 1 },
  },
  {
    subject: "ours, durable, before the matcher",
    contender: { kind: "service", filters: 0, wanted: 0, partitions: 1 },
  },
  ...[10, 1_000, 100_000].map((filters) => ({
    subject: `ours, ${filters.toLocaleString("en")} filters`,
    contender: { kind: "service" as const, filters, wanted: SELDOM, partitions: 1 },
  })),
  {
    subject: "ours, 1,000 filters, 4 partitions",
    contender: { kind: "service", filters: 1_000, wanted: SELDOM, partitions: 4 },
  },
  {
    subject: "ours, 1,000 filters, each event wanted once",
    contender: { kind: "service", filters: 1_000, wanted: 1, partitions: 1 },
  },
];

interface Started {
  readonly subject: string;
  readonly server: Pinned;
}

const METRIC = "events per CPU-second";

export const benchWay: Bench = {
  name: "way",
  about:
    "trades in packed batches of 1,000, four under way; one event in fifty matches a filter unless the row says more; all in one process on one core",
  floors: [
    {
      text: "ingest → durable → match at 1,000 filters, protobuf, events per second and core",
      atLeast: 500_000,
      of: ({ median }) => median({ case: "protobuf", subject: "ours, 1,000 filters" }),
    },
  ],
  run: async () => {
    const rows: Row[] = [];
    for (const form of FORMS) rows.push(...(await runForm(form)));
    return rows;
  },
};

async function runForm(form: PayloadForm): Promise<readonly Row[]> {
  await using stack = new AsyncDisposableStack();
  const all: Started[] = [];
  for (const { subject, contender } of CASES) {
    const args = [JSON.stringify({ ...contender, form } satisfies Contender)];
    const server = stack.use(startPinned(SERVER_CORE, new URL("server.ts", import.meta.url), args));
    await server.answer();
    await server.ask<WayResult>({ ms: WARM_UP_MS } satisfies WayRun);
    // Only who is measured runs: a hundred thousand subscriptions have work of their own, on the same core.
    server.hold();
    all.push({ subject, server });
  }
  const figures = await interleaved(ROUNDS, all, async ({ server }) => {
    server.release();
    const { events, cpuSeconds } = await server.ask<WayResult>({ ms: ROUND_MS } satisfies WayRun);
    server.hold();
    return events / cpuSeconds;
  });
  return [
    ...[...figures].map(([{ subject }, rounds]) =>
      rowOf({ case: form, subject, metric: METRIC, better: "higher" }, rounds),
    ),
    ...all.map(({ subject, server }) =>
      rowOf({ case: `${form}, afterwards`, subject, metric: "MB resident", better: "lower" }, [
        residentBytes(server.pid) / 1e6,
      ]),
    ),
  ];
}
