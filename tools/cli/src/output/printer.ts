/** Prints records in the form that was asked for. */
import type { Terminal } from "../terminal.ts";
import { type Printer, type PrinterOptions, textOf } from "./contract.ts";
import { createTable } from "./table.ts";

export function createPrinter<R>(options: PrinterOptions<R>): Printer<R> {
  switch (options.format) {
    case "json":
      return createArray(options.terminal);
    case "jsonl":
      return { print: (record, text) => options.terminal.write(`${text ?? JSON.stringify(record)}\n`), end: nothing };
    case "fields":
      return createFields(options);
    case "table":
      return createTable(options);
  }
}

/** One JSON document: a list, also when the program is interrupted. */
function createArray<R>(terminal: Terminal): Printer<R> {
  let count = 0;
  return {
    print(record, text) {
      count += 1;
      return terminal.write(`${count === 1 ? "[\n" : ",\n"}${text ?? JSON.stringify(record)}`);
    },
    end: () => terminal.write(count === 0 ? "[]\n" : "\n]\n"),
  };
}

/** Values separated by tabs, for cut and awk: no header, and nothing in a value that ends it. */
function createFields<R>({ columns, terminal }: PrinterOptions<R>): Printer<R> {
  return {
    print: (record) =>
      terminal.write(`${columns.map(({ value }) => textOf(value(record)).replace(/[\t\r\n]+/g, " ")).join("\t")}\n`),
    end: nothing,
  };
}

const nothing = async (): Promise<void> => undefined;
