/** `tail`: live events, from any starting point, as they come. */
import { type Client, connect, type SubscribeOptions, type Subscription } from "@distribution/client";
import { type Command, Option } from "commander";
import { usageError } from "../exit.ts";
import { startOption } from "../moment.ts";
import {
  apiOf,
  type ConnectionOptions,
  count,
  list,
  type OutputOptions,
  positive,
  type SelectionOptions,
  withConnection,
  withOutput,
  withSelection,
} from "../options.ts";
import type { Printer } from "../output/contract.ts";
import { createEventPrinter } from "../output/events.ts";
import { type EventRecord, recordOf } from "../record.ts";
import { unreachable } from "../service/api.ts";
import type { Terminal } from "../terminal.ts";

interface TailOptions extends ConnectionOptions, OutputOptions, SelectionOptions {
  readonly from?: string;
  readonly mode?: "every" | "latest";
  readonly maxRate?: number;
  readonly snapshot?: boolean;
  readonly projection: readonly string[];
  readonly limit?: number;
  readonly count?: boolean;
  readonly name?: string;
  readonly ledger?: boolean;
}

const HELP = `
Examples:
  $ distribution tail market-data.trades
  $ distribution tail 'market-data.*' --keys coinbase:DASH-BTC --from -5m
  $ distribution tail market-data.quotes --mode latest --max-rate 2 --snapshot
  $ distribution tail market-data.trades --filter 'data.trade.price > 1000' --fields time,key,data.trade.price
  $ distribution tail market-data.trades --name desk-7 -o jsonl | while read -r event; do ...; done

A gap (events that retention or a slow reader lost) is told on stderr. After a lost connection the stream goes on where it was.`;

export function addTail(program: Command, terminal: Terminal): void {
  const command = program
    .command("tail")
    .summary("print events as they come")
    .description("Prints events of topics or patterns (* is one token, a trailing > the rest) as they come.")
    .argument("<topics...>", "names or patterns")
    .option(
      "--from <start>",
      "earliest, latest (default), a time (-15m, RFC 3339), or a resume token; each time, also with a --name",
    )
    .addOption(new Option("--mode <mode>", "every event, or the latest of each key").choices(["every", "latest"]))
    .option("--max-rate <n>", "mode latest: at most so many updates a second", positive)
    .option("--snapshot", "first the latest event of each key")
    .addOption(
      new Option("--projection <list>", "payload fields that the service sends, comma-separated")
        .argParser(list)
        .default([], "all"),
    )
    .option("-n, --limit <n>", "end after so many events", count)
    .option("--count", "print only how many events came, at the end")
    .option("--name <name>", "durable: goes on where the last one of this name was; at least once")
    .option("--ledger", "at the end say on stderr what was not delivered, and why")
    .addHelpText("after", HELP)
    .action((topics: string[], options: TailOptions) => tail(topics, options, terminal));
  withSelection(withOutput(withConnection(command)));
}

async function tail(topics: readonly string[], options: TailOptions, terminal: Terminal): Promise<void> {
  if (options.maxRate !== undefined && options.mode !== "latest") {
    throw usageError("--max-rate", "goes with --mode latest only");
  }
  const api = apiOf(options, terminal, topics);
  const client = connect({ url: api.base, ...(options.token !== undefined && { token: options.token }) });
  try {
    await reach(client, api.base, terminal);
    const subscription = client.subscribe(subscribeOptions(topics, options));
    report(client, subscription, terminal);
    terminal.signal.addEventListener("abort", () => void finish(subscription, options, terminal), { once: true });
    await subscription.ready;
    const printer = createEventPrinter({ options, terminal, api, topics, live: true });
    await print(subscription, printer, options, terminal);
    await finish(subscription, options, terminal);
  } catch (failure) {
    if (!terminal.signal.aborted) throw failure;
  } finally {
    await client.close();
  }
}

function subscribeOptions(topics: readonly string[], options: TailOptions): SubscribeOptions {
  const { keys, filter, projection, mode, maxRate, snapshot, name } = options;
  const from = startOption("--from", options.from, Date.now());
  return {
    topics,
    keys,
    projection,
    payload: "json",
    ...(filter !== undefined && { filter }),
    ...(from !== undefined && { from }),
    ...(name !== undefined && { name }),
    profile: {
      ...(mode && { mode }),
      ...(maxRate !== undefined && { maxRate }),
      ...(snapshot && { snapshot }),
    },
  };
}

/** The first session has to come soon: a wrong address should not look like a quiet topic. Milliseconds. */
const REACH_MS = 5_000;

async function reach(client: Client, base: URL, terminal: Terminal): Promise<void> {
  let reason: unknown = new Error("it gave no session");
  const off = client.on("state", (state) => {
    if (state.status === "waiting") reason = state.reason;
    if (state.status === "waiting" && state.reason.closeCode === REFUSED) late.reject(unreachable(base, reason));
  });
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(unreachable(base, reason)), REACH_MS);
  const stop = (): void => late.reject(new Error("interrupted"));
  terminal.signal.addEventListener("abort", stop);
  try {
    await Promise.race([client.ready, late.promise]);
  } finally {
    clearTimeout(timer);
    terminal.signal.removeEventListener("abort", stop);
    off();
  }
}

/** No handshake came about: nobody listens there, or something that is no service. */
const REFUSED = 1006;

function report(client: Client, subscription: Subscription, terminal: Terminal): void {
  const warn = (text: string): void => terminal.say(terminal.tintNote("warn", text));
  // Once for each lost session, not for each attempt to get another one.
  let told = false;
  client.on("state", (state) => {
    if (state.status === "open") told = false;
    if (state.status !== "waiting" || told) return;
    told = true;
    warn(`connection lost (${state.reason.message}); connecting again`);
  });
  client.on("error", ({ code, message }) => warn(`${code}: ${message}`));
  subscription.on("gap", ({ topic, partition, from, to, reason }) => {
    const range = `after ${from?.offset ?? "an unknown position"} up to ${to?.offset ?? "an unknown one"}`;
    warn(`gap in ${topic}, partition ${partition}, ${range}: ${reason}`);
  });
  subscription.on("stale", ({ topic, reason }) => warn(`${topic} is stale: ${reason}`));
  subscription.on("started", ({ recovered, resumed }) => {
    if (resumed) terminal.say(`connected again, ${recovered ? "nothing lost" : "some events are gone"}`);
  });
}

async function print(
  subscription: Subscription,
  printer: Printer<EventRecord>,
  options: TailOptions,
  terminal: Terminal,
): Promise<void> {
  const began = Date.now();
  let events = 0;
  for await (const event of subscription) {
    if (!options.count) await printer.print(recordOf(event));
    // Written: a pipe that ends from here on loses nothing that was not acknowledged.
    event.ack();
    events += 1;
    if (events === options.limit) break;
    if (options.count || !terminal.isTerminal) {
      terminal.progress(() => `${events} events, ${rate(events, began)} a second`);
    }
  }
  if (options.count) await terminal.write(`${events}\n`);
  else await printer.end();
}

const rate = (events: number, began: number): string =>
  String(Math.round((events * 1_000) / Math.max(1, Date.now() - began)));

async function finish(subscription: Subscription, { ledger }: TailOptions, terminal: Terminal): Promise<void> {
  if (subscription.state === "closed") return;
  const reading = ledger ? await subscription.ledger().catch(() => undefined) : undefined;
  await subscription.close();
  if (!reading) return;
  const counts = Object.entries(reading.counts ?? {}).map(([name, value]) => `${name} ${value}`);
  terminal.say(`published ${reading.published}, delivered ${reading.delivered}, ${counts.join(", ")}`);
}
