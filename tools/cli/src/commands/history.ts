/** `history`: the log of a topic, once. */
import type { Command } from "commander";
import { instantOption } from "../moment.ts";
import {
  apiOf,
  type ConnectionOptions,
  count,
  type OutputOptions,
  type SelectionOptions,
  withConnection,
  withOutput,
  withSelection,
} from "../options.ts";
import { createEventPrinter } from "../output/events.ts";
import type { Query } from "../service/api.ts";
import { readHistory } from "../service/history.ts";
import type { Terminal } from "../terminal.ts";

export interface HistoryOptions extends ConnectionOptions, OutputOptions, SelectionOptions {
  readonly from?: string;
  readonly to?: string;
  readonly limit?: number;
}

const HELP = `
Examples:
  $ distribution history market-data.trades --from -1h --keys coinbase:DASH-BTC
  $ distribution history market-data.bars --from 2026-01-05 --to 2026-01-06 -o jsonl > bars.jsonl
  $ distribution history market-data.trades --limit 1000 --fields time,data.trade.price,data.trade.size`;

export function addHistory(program: Command, terminal: Terminal): void {
  const command = program
    .command("history")
    .summary("print the log of a topic")
    .description("Prints events of the log, oldest first, up to the head as it is now.")
    .argument("<topic>", "its name")
    .addHelpText("after", HELP)
    .action((topic: string, options: HistoryOptions) => history(topic, options, terminal));
  withRange(withSelection(withOutput(withConnection(command))));
}

export function withRange(command: Command): Command {
  return command
    .option("--from <time>", "first append time: -15m, RFC 3339, Unix nanoseconds; default: the oldest that is kept")
    .option("--to <time>", "appended before this; default: now")
    .option("-n, --limit <n>", "end after so many events", count);
}

/** Throws a usage error on a time that is none. */
export function historyQuery({ from, to, keys, filter, limit }: HistoryOptions): Query {
  const now = Date.now();
  return {
    from: instantOption("--from", from, now),
    to: instantOption("--to", to, now),
    keys,
    filter,
    limit,
  };
}

async function history(topic: string, options: HistoryOptions, terminal: Terminal): Promise<void> {
  const api = apiOf(options, terminal, [topic]);
  const printer = createEventPrinter({ options, terminal, api, topics: [topic], live: true });
  let events = 0;
  try {
    for await (const { record, text } of readHistory(api, topic, historyQuery(options))) {
      await printer.print(record, text);
      events += 1;
      if (!terminal.isTerminal) terminal.progress(() => `${events} events`);
      if (terminal.signal.aborted) break;
    }
  } finally {
    await printer.end();
  }
}
