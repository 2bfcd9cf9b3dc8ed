/** Events on the screen or in a pipe. */
import { type EventRecord, fieldOf } from "../record.ts";
import type { Terminal } from "../terminal.ts";
import type { Column, Format, Printer } from "./contract.ts";
import { createPrinter } from "./printer.ts";

export interface EventOutput {
  readonly output: Format;
  readonly fields: readonly string[];
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

export function createEventPrinter(
  terminal: Terminal,
  { output, fields }: EventOutput,
  live: boolean,
): Printer<EventRecord> {
  const columns = (fields.length > 0 ? fields : STANDARD).map(column);
  return createPrinter({ format: output, columns, terminal, live });
}
