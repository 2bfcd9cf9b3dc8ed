/** `replay`: the log of a topic at the pace in which it came about, or a multiple of it. */
import { setTimeout as sleep } from "node:timers/promises";
import { parseTime } from "@distribution/client";
import { type Command, InvalidArgumentError, Option } from "commander";
import { apiOf, positive, withConnection, withOutput, withSelection } from "../options.ts";
import { createEventPrinter } from "../output/events.ts";
import type { EventRecord } from "../record.ts";
import { readHistory } from "../service/history.ts";
import type { Terminal } from "../terminal.ts";
import { type HistoryOptions, historyQuery, withRange } from "./history.ts";

interface ReplayOptions extends HistoryOptions {
  readonly speed: number | "max";
  readonly by: "appended" | "time";
  readonly maxPause?: number;
}

const HELP = `
Examples:
  $ distribution replay market-data.trades --from -10m
  $ distribution replay market-data.trades --from 2026-01-05T14:30:00Z --to 2026-01-05T15:00:00Z --speed 60
  $ distribution replay market-data.trades --speed max -o jsonl | \\
      distribution publish market-data.trades --url http://staging:7030`;

export function addReplay(program: Command, terminal: Terminal): void {
  const command = program
    .command("replay")
    .summary("print the log of a topic at its own pace")
    .description("Prints history with the pauses that were between the events, divided by the speed.")
    .argument("<topic>", "its name")
    .option("-x, --speed <n>", "1 as it was, 10 ten times as fast, max without pauses", speed, 1)
    .addOption(
      new Option("--by <clock>", "pace by append time, or by the events' own time")
        .choices(["appended", "time"])
        .default("appended"),
    )
    .option("--max-pause <seconds>", "no pause is longer than this", positive)
    .addHelpText("after", HELP)
    .action((topic: string, options: ReplayOptions) => replay(topic, options, terminal));
  withRange(withSelection(withOutput(withConnection(command))));
}

async function replay(topic: string, options: ReplayOptions, terminal: Terminal): Promise<void> {
  const api = apiOf(options, terminal, [topic]);
  const printer = createEventPrinter({ options, terminal, api, topics: [topic], live: true });
  const pace = createPace(options);
  let events = 0;
  try {
    for await (const { record, text } of readHistory(api, topic, historyQuery(options))) {
      const waitMs = pace(timeOf(record, options.by));
      if (waitMs > 0) await sleep(waitMs, undefined, { signal: terminal.signal });
      await printer.print(record, text);
      events += 1;
      if (!terminal.isTerminal) terminal.progress(() => `${events} events, at ${timeText(record)}`);
    }
  } catch (failure) {
    if (!terminal.signal.aborted) throw failure;
  } finally {
    await printer.end();
  }
}

/** How long to wait before the event of this time, ms: kept against the start, so that delays do not add up. */
export function createPace(
  { speed: times, maxPause }: Pick<ReplayOptions, "speed" | "maxPause">,
  nowMs: () => number = () => performance.now(),
): (time: bigint | undefined) => number {
  let first: { readonly time: bigint; readonly at: number } | undefined;
  return (time) => {
    if (times === "max" || time === undefined) return 0;
    const now = nowMs();
    first ??= { time, at: now };
    const due = first.at + Number(time - first.time) / 1e6 / times;
    const most = maxPause === undefined ? Number.POSITIVE_INFINITY : maxPause * 1_000;
    const wait = Math.max(0, due - now);
    if (wait <= most) return wait;
    // A pause that is cut short moves everything that follows.
    first = { time, at: now + most };
    return most;
  };
}

function timeOf(record: EventRecord, by: ReplayOptions["by"]): bigint | undefined {
  const text = by === "time" ? record.event["time"] : record.appendedAt;
  return typeof text === "string" ? parseTime(text) : undefined;
}

const timeText = (record: EventRecord): string => record.appendedAt ?? "";

function speed(text: string): number | "max" {
  const value = Number(text);
  if (text === "max" || (Number.isFinite(value) && value > 0)) return text === "max" ? text : value;
  throw new InvalidArgumentError('Give a number above 0, or "max".');
}
