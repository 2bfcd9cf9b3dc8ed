/** Events on the screen or in a pipe. */
import { formatOf, type OutputOptions } from "../options.ts";
import { type EventRecord, fieldOf } from "../record.ts";
import type { Api } from "../service/api.ts";
import { readEventFields } from "../service/event-fields.ts";
import type { Terminal } from "../terminal.ts";
import type { Column, Printer } from "./contract.ts";
import { createFieldCheck } from "./field-check.ts";
import { createPrinter } from "./printer.ts";

export interface EventOutput {
  readonly options: OutputOptions;
  readonly terminal: Terminal;
  /** Where the events come from, and the topics (names or patterns) that were asked for. */
  readonly api: Api;
  readonly topics: readonly string[];
  /** Rows are printed as they come. */
  readonly live: boolean;
}

const WIDTHS: Readonly<Record<string, number>> = { time: 30, topic: 20, key: 24, type: 24, partition: 9, offset: 12 };
const STANDARD = ["time", "key", "type", "data"];

const column = (name: string): Column<EventRecord> => ({
  name,
  value: (record) => fieldOf(record, name),
  ...(WIDTHS[name] !== undefined && { width: WIDTHS[name] }),
  ...(name === "key" && { tone: "key" }),
  ...(name === "time" && { tone: "dim" }),
});

export function createEventPrinter({ options, terminal, api, topics, live }: EventOutput): Printer<EventRecord> {
  const { fields } = options;
  const columns = (fields.length > 0 ? fields : STANDARD).map(column);
  const { print, end } = createPrinter({ format: formatOf(options, terminal), columns, terminal, live });
  const check = createFieldCheck<EventRecord>({
    ...{ fields, terminal, read: fieldOf },
    known: (record) => readEventFields(api, record, topics),
  });
  return {
    async print(record, text) {
      await check(record);
      return print(record, text);
    },
    end,
  };
}
