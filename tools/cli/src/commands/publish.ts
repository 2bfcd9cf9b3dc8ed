/** `publish`: JSON lines into a topic. */
import { createReadStream } from "node:fs";
import type { Readable } from "node:stream";
import type { Command } from "commander";
import { CliError, EXIT } from "../exit.ts";
import { apiOf, type ConnectionOptions, count, withConnection } from "../options.ts";
import { batchesOf, linesOf } from "../publish/batches.ts";
import { createLineReader, type LineOptions } from "../publish/line.ts";
import { createSender } from "../publish/send.ts";
import type { Terminal } from "../terminal.ts";

interface PublishOptions extends ConnectionOptions, LineOptions {
  readonly file?: string;
  readonly batch: number;
  readonly positions?: boolean;
}

const HELP = `
Each line is one of
  a CloudEvent                {"specversion":"1.0","id":"1","source":"/desk","type":"note.v1","data":{...}}
  what tail or history print  {"position":{...},"event":{"specversion":"1.0",...}}
  the payload alone           {"price":"42.10","size":"3"}     with --type and --source

A batch is taken whole or not at all, and lines are sent again after a passing failure under the same ids: none is in twice.
When a line is refused, it is named, and what was sent before it is in.

A service knows an event by its source and id: the same event again is answered with its first position, and another one under
the same source and id is refused (event_conflict). What is to be in once more, such as a part of history, needs --new-ids.

Examples:
  $ distribution publish market-data.trades trades.jsonl
  $ distribution publish market-data.trades --type market-data.trade.v1 --source /me --key-from instrument \\
      <<< '{"instrument":"me:ACME","trade":{"price":"42.10","size":"3"}}'
  $ distribution publish execution.orders --type execution.order-new.v1 --source /desk --key-from orderId --id-from orderId \\
      < orders.jsonl
  $ distribution history market-data.trades --from -5m -o jsonl | distribution publish market-data.trades --new-ids`;

export function addPublish(program: Command, terminal: Terminal): void {
  const command = program
    .command("publish")
    .summary("publish JSON lines")
    .description("Publishes JSON lines of a file or of stdin, and says when they are durable.")
    .argument("<topic>", "its name")
    .argument("[file]", "JSON lines; default stdin")
    .option("--type <type>", "event type, for lines that are payloads alone")
    .option("--source <uri>", "who publishes, for lines that are payloads alone")
    .option("--key <key>", "the key of every event that has none")
    .option("--key-from <path>", "the key is this field of the payload, for example orderId")
    .option("--id-from <path>", "the id is this field of the payload; default: random")
    .option("--new-ids", "publish CloudEvents under random ids, as events of their own: for copies and repetitions")
    .option("--batch <n>", "most events of one request", count, 500)
    .option("--positions", "print the position of each event, a JSON line each")
    .addHelpText("after", HELP)
    .action((topic: string, file: string | undefined, options: PublishOptions) =>
      publish(topic, file, options, terminal),
    );
  withConnection(command);
}

async function publish(
  topic: string,
  file: string | undefined,
  options: PublishOptions,
  terminal: Terminal,
): Promise<void> {
  const read = createLineReader(options);
  const send = createSender(apiOf(options, terminal, [topic]), topic, terminal.signal);
  // After what may refuse the command line: nobody would hear that an opened file is missing.
  const input = file === undefined || file === "-" ? process.stdin : openFile(file);
  if (input === process.stdin && process.stdin.isTTY) terminal.say("Reading JSON lines; end with Ctrl-D.");
  let events = 0;
  let duplicates = 0;
  const stop = (): void => void input.destroy();
  terminal.signal.addEventListener("abort", stop);
  try {
    for await (const batch of batchesOf(linesOf(input), options.batch)) {
      const answer = await send(batch.map(({ text, number }) => ({ number, json: read(text, number) })));
      events += answer.positions.length;
      duplicates += answer.duplicates;
      if (options.positions)
        for (const position of answer.positions) await terminal.write(`${JSON.stringify(position)}\n`);
      terminal.progress(() => `Published ${eventsText(events)}`);
    }
  } catch (failure) {
    if (terminal.signal.aborted) return;
    if (events > 0) terminal.say(`Published ${eventsText(events)}; the rest is not in.`);
    throw inputError(failure, file);
  } finally {
    terminal.signal.removeEventListener("abort", stop);
  }
  const before = duplicates === 0 ? "" : `, ${duplicates} of which ${duplicates === 1 ? "was" : "were"} there before`;
  terminal.say(`Published ${eventsText(events)} to ${topic}${before}.`);
}

const eventsText = (events: number): string => (events === 1 ? "1 event" : `${events} events`);

const openFile = (file: string): Readable => createReadStream(file);

function inputError(failure: unknown, file: string | undefined): unknown {
  const code = (failure as NodeJS.ErrnoException).code;
  if (code !== "ENOENT" && code !== "EACCES" && code !== "EISDIR") return failure;
  return new CliError(
    `file: ${file} can't be read (${code}); give a file of JSON lines, or - for stdin`,
    EXIT.usage,
    failure,
  );
}
