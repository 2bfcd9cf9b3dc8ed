/** Replay: one subscriber that starts at the oldest of 300,000 trades, through its subscription's cursor into encoded frames. */
import { LOAD_CORE, SERVER_CORE, startPinned } from "../harness/pinned.ts";
import type { Bench } from "../harness/row.ts";
import { interleaved, rowOf } from "../harness/statistics.ts";
import type { DrainRequest, ReplayCase, ReplayRequest, ReplayResult } from "./case.ts";

const ROUNDS = 3;
const METRIC = "events passed per CPU-second";

const FORMS = [
  { name: "protobuf frames and payload", frames: "proto", payload: "protobuf" },
  { name: "JSON frames, JSON payload", frames: "json", payload: "json" },
  { name: "JSON frames, protobuf payload", frames: "json", payload: "protobuf" },
] as const;
const PLACES = ["log", "ring"] as const;

interface Named {
  readonly case: string;
  readonly subject: string;
  readonly replay: ReplayCase;
}

const CASES: readonly Named[] = PLACES.flatMap((from) => [
  ...FORMS.flatMap(({ name, frames, payload }) =>
    [false, true].map((drained) => ({
      case: `from the ${from}${drained ? ", over a WebSocket" : ""}`,
      subject: name,
      replay: { from, frames, payload, filtered: false, drained },
    })),
  ),
  ...(["protobuf", "json"] as const).map((payload) => ({
    case: `from the ${from}, one event in 500 wanted`,
    subject: `protobuf frames, ${payload} payload`,
    replay: { from, frames: "proto" as const, payload, filtered: true, drained: false },
  })),
]);

export const benchReplay: Bench = {
  name: "replay",
  about:
    "one subscriber from the oldest of 300,000 trades on; unless it says over a WebSocket, frames end where the kernel's writes would begin",
  floors: PLACES.map((from) => ({
    text: `replay from the ${from}, protobuf, events per second and core`,
    atLeast: 1_000_000,
    of: ({ median }) => median({ case: `from the ${from}`, subject: FORMS[0].name }),
  })),
  run: async () => {
    await using server = startPinned(SERVER_CORE, new URL("server.ts", import.meta.url), []);
    await using drain = startPinned(LOAD_CORE, new URL("drain.ts", import.meta.url), []);
    const [port] = await Promise.all([server.answer<number>(), drain.answer()]);
    const measure = async ({ replay }: Named): Promise<number> => {
      await server.ask({ begin: replay } satisfies ReplayRequest);
      if (replay.drained) await drain.ask({ port, replay } satisfies DrainRequest);
      const { events, cpuSeconds } = await server.ask<ReplayResult>({ end: replay } satisfies ReplayRequest);
      return events / cpuSeconds;
    };
    // For the compiler.
    for (const each of CASES) await measure(each);
    const figures = await interleaved(ROUNDS, CASES, measure);
    return [...figures].map(([{ case: name, subject }, rounds]) =>
      rowOf({ case: name, subject, metric: METRIC, better: "higher" }, rounds),
    );
  },
};
