/** `topics`: what there is to publish to and to read. */
import type { Command } from "commander";
import { apiOf, type ConnectionOptions, formatOf, type OutputOptions, withConnection, withOutput } from "../options.ts";
import type { Column } from "../output/contract.ts";
import { createFieldCheck, ownFields } from "../output/field-check.ts";
import { createPrinter } from "../output/printer.ts";
import { valueAt } from "../record.ts";
import type { Terminal } from "../terminal.ts";

type TopicsOptions = ConnectionOptions & OutputOptions;

/** As GET /topics describes one. */
interface Topic {
  readonly name: string;
  readonly description: string;
  readonly partitions: number;
  readonly payload: string | null;
  readonly latest: boolean;
  readonly eventTypes: readonly { readonly type: string }[];
}

const STANDARD: readonly Column<Topic>[] = [
  { name: "name", value: ({ name }) => name, tone: "key" },
  { name: "partitions", value: ({ partitions }) => partitions },
  { name: "latest", value: ({ latest }) => (latest ? "yes" : "no") },
  { name: "description", value: ({ description }) => description },
  // The longest last: only the rows that have many run over the width of a terminal by them.
  { name: "event types", value: ({ eventTypes }) => eventTypes.map(({ type }) => type).join(" ") || "any" },
];

const HELP = `
Examples:
  $ distribution topics
  $ distribution topics --service execution -o json
  $ distribution topics --fields name,payload`;

export function addTopics(program: Command, terminal: Terminal): void {
  const command = program
    .command("topics")
    .summary("list the topics of a service")
    .description(
      "Lists the topics that you may read, with their event types and whether they keep the latest event of each key.",
    )
    .addHelpText("after", HELP)
    .action((options: TopicsOptions) => topics(options, terminal));
  withOutput(withConnection(command));
}

async function topics(options: TopicsOptions, terminal: Terminal): Promise<void> {
  const response = await apiOf(options, terminal).get("/topics");
  const { topics: found } = (await response.json()) as { readonly topics: readonly Topic[] };
  const own = options.fields.map((name): Column<Topic> => ({ name, value: (topic) => valueAt(topic, name) }));
  const columns = own.length > 0 ? own : STANDARD;
  const printer = createPrinter({ format: formatOf(options, terminal), columns, terminal, live: false });
  const check = createFieldCheck<Topic>({ fields: options.fields, terminal, read: valueAt, known: ownFields });
  for (const topic of found) {
    await check(topic);
    await printer.print(topic);
  }
  await printer.end();
}
