/** `status`: what a service is doing. */
import type { Command } from "commander";
import { CliError } from "../exit.ts";
import { apiOf, type ConnectionOptions, formatOf, type OutputOptions, withConnection, withOutput } from "../options.ts";
import { createFieldCheck, ownFields } from "../output/field-check.ts";
import { createPrinter } from "../output/printer.ts";
import { valueAt } from "../record.ts";
import type { Terminal, Tone } from "../terminal.ts";

type StatusOptions = ConnectionOptions & OutputOptions;

/** As much of GET /status as is looked at here; JSON output gives all of it. */
interface Status {
  readonly state: string;
  readonly reasons: readonly string[];
  readonly topics: readonly object[];
}

const HELP = `
Ends with 1 when the service is not ready: reasons are in the output.

Examples:
  $ distribution status
  $ distribution status --service execution -o json
  $ distribution status -o fields --fields state,subscriptions`;

export function addStatus(program: Command, terminal: Terminal): void {
  const command = program
    .command("status")
    .summary("tell what a service is doing")
    .description("Tells the state of a service, its sessions and subscriptions, and the rates of its topics.")
    .addHelpText("after", HELP)
    .action((options: StatusOptions) => status(options, terminal));
  withOutput(withConnection(command));
}

async function status(options: StatusOptions, terminal: Terminal): Promise<void> {
  const response = await apiOf(options, terminal).get("/status");
  const now = (await response.json()) as Status;
  const format = formatOf(options, terminal);
  await createFieldCheck<Status>({ fields: options.fields, terminal, read: valueAt, known: ownFields })(now);
  if (format === "table") await printTable(now, options, terminal);
  else if (format === "json") await terminal.write(`${JSON.stringify(now, undefined, 2)}\n`);
  else {
    const columns = (options.fields.length > 0 ? options.fields : ["state"]).map((name) => ({
      name,
      value: (record: Status) => valueAt(record, name),
    }));
    await createPrinter<Status>({ format, columns, terminal, live: true }).print(now);
  }
  if (now.state !== "ready") throw new CliError(`The service is ${now.state}: ${now.reasons.join("; ")}`);
}

interface Row {
  readonly name: string;
  readonly value: unknown;
}

async function printTable(now: Status, { fields }: StatusOptions, terminal: Terminal): Promise<void> {
  const tone: Tone = now.state === "ready" ? "good" : "bad";
  const columns = [
    { name: "what", value: ({ name }: Row) => name, tone: "key" as const },
    { name: "value", value: ({ value }: Row) => value, tone },
  ];
  const printer = createPrinter<Row>({ format: "table", columns, terminal, live: false });
  const names = fields.length > 0 ? fields : Object.keys(now).filter((name) => name !== "topics");
  for (const name of names) await printer.print({ name, value: valueAt(now, name) });
  if (fields.length === 0) for (const topic of now.topics) await printer.print({ name: "topic", value: topic });
  await printer.end();
}
