/**
 * Latency that the platform adds: publish to answer, and publish to subscriber, over WebSocket at half of its capacity, beside a
 * relay of `ws` alone at the same rate. Ours has flushed each event to disk before it answers and before anybody sees it.
 */
import { startNearCores } from "../harness/near-cores.ts";
import { LOAD_CORE, type Pinned, SERVER_CORE, startPinned } from "../harness/pinned.ts";
import type { Bench, Row } from "../harness/row.ts";
import { median, quantile, rowOf } from "../harness/statistics.ts";
import type { LatencyResult, LatencyRun } from "./load.ts";
import { RELAYS, type RelayName, SUBSCRIBERS } from "./relay.ts";

const ROUNDS = 5;
const CAPACITY_MS = 1_000;
const ROUND_MS = 1_500;
/** Of the capacity. Half is asked for; at a tenth a machine that is busy with other things shows less of that. */
const SHARES = [0.5, 0.1];
/** Events on their way at a time, for the capacity. */
const WINDOW = 512;
const NAMES: readonly RelayName[] = ["ours", "relay"];
const QUANTILES = [
  ["p50", 0.5],
  ["p99", 0.99],
] as const;
const WAYS = [
  ["publish to answer", "acked"],
  ["publish to subscriber", "delivered"],
] as const;

export const benchLatency: Bench = {
  name: "latency",
  about: `one publisher of single 200-byte events, ${SUBSCRIBERS} subscribers, WebSocket, JSON; the rate is a share of what ours takes with ${WINDOW} events on their way, and waits for nobody; the two cores share a cache`,
  run: async () => {
    await using stack = new AsyncDisposableStack();
    const loads = new Map<RelayName, Pinned>();
    for (const name of NAMES) loads.set(name, await start(name, stack));
    const near = stack.use(await startNearCores());
    const ask: Ask = (name, run) => near.during(() => loads.get(name)!.ask(run));

    const capacities = new Map<RelayName, number[]>(NAMES.map((name) => [name, []]));
    // The first is for the compiler.
    for (let round = 0; round <= 3; round += 1) {
      for (const name of NAMES) {
        const { perSecond } = await ask(name, { ms: CAPACITY_MS, window: WINDOW });
        if (round > 0) capacities.get(name)!.push(perSecond);
      }
    }
    const capacity = median(capacities.get("ours")!);
    const rows: Row[] = [];
    for (const share of SHARES) rows.push(...(await latencyAt(Math.round(capacity * share), share, ask)));
    return [
      ...NAMES.map((name) =>
        rowOf(
          { case: "capacity", subject: RELAYS[name].subject, metric: "events/s", better: "higher" },
          capacities.get(name)!,
        ),
      ),
      ...rows,
      ...near.rows(),
    ];
  },
};

type Ask = (name: RelayName, run: LatencyRun) => Promise<LatencyResult>;

async function latencyAt(rate: number, share: number, ask: Ask): Promise<readonly Row[]> {
  const results = new Map<RelayName, LatencyResult[]>(NAMES.map((name) => [name, []]));
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const name of NAMES) results.get(name)!.push(await ask(name, { ms: ROUND_MS, rate }));
  }
  const at = `at ${share * 100} % of capacity, ${rate.toLocaleString("en")} events/s`;
  const refusals = NAMES.map((name) =>
    rowOf(
      { case: `refused ${at}`, subject: RELAYS[name].subject, metric: "% of events", better: "lower" },
      results.get(name)!.map((result) => result.refused * 100),
    ),
  );
  return [...latencyRows(results, at), ...refusals];
}

async function start(name: RelayName, stack: AsyncDisposableStack): Promise<Pinned> {
  const server = stack.use(startPinned(SERVER_CORE, new URL("server.ts", import.meta.url), [name]));
  const port = await server.answer<number>();
  const load = stack.use(startPinned(LOAD_CORE, new URL("load.ts", import.meta.url), [String(port), name]));
  await load.answer();
  return load;
}

function latencyRows(results: ReadonlyMap<RelayName, readonly LatencyResult[]>, at: string): readonly Row[] {
  return WAYS.flatMap(([way, field]) =>
    QUANTILES.flatMap(([title, q]) => {
      const [ours, relay] = NAMES.map((name) => results.get(name)!.map((result) => quantile(result[field], q)));
      const row = (subject: string, values: readonly number[]): Row =>
        rowOf({ case: `${way} ${at}`, subject, metric: `${title}, ms`, better: "lower" }, values);
      return [
        row(RELAYS.ours.subject, ours!),
        row(RELAYS.relay.subject, relay!),
        row(
          "added by ours",
          ours!.map((value, round) => value - relay![round]!),
        ),
      ];
    }),
  );
}
