/** `latest`: the newest event of every key. */
import type { Command } from "commander";
import {
  apiOf,
  type ConnectionOptions,
  type OutputOptions,
  type SelectionOptions,
  withConnection,
  withOutput,
  withSelection,
} from "../options.ts";
import { createEventPrinter } from "../output/events.ts";
import type { EventRecord } from "../record.ts";
import type { Terminal } from "../terminal.ts";

type LatestOptions = ConnectionOptions & OutputOptions & SelectionOptions;

const HELP = `
Examples:
  $ distribution latest market-data.quotes
  $ distribution latest market-data.quotes --keys coinbase:DASH-BTC --fields key,data.quote.bidPrice,data.quote.askPrice`;

export function addLatest(program: Command, terminal: Terminal): void {
  const command = program
    .command("latest")
    .summary("print the newest event of each key")
    .description("Prints the table of a topic: the newest event of each key, the one that changed last at the end.")
    .argument("<topic>", "its name")
    .addHelpText("after", HELP)
    .action((topic: string, options: LatestOptions) => latest(topic, options, terminal));
  withSelection(withOutput(withConnection(command)));
}

async function latest(topic: string, options: LatestOptions, terminal: Terminal): Promise<void> {
  const { keys, filter } = options;
  const api = apiOf(options, terminal, [topic]);
  const response = await api.get(`/topics/${encodeURIComponent(topic)}/latest`, { keys, filter });
  const { events } = (await response.json()) as { readonly events: readonly EventRecord[] };
  const printer = createEventPrinter({ options, terminal, api, topics: [topic], live: false });
  for (const record of events) await printer.print(record);
  await printer.end();
}
