/** Rows under headings. No value is cut: a row may be longer than the terminal is wide, which then breaks it. */
import { stripVTControlCharacters } from "node:util";
import { type Column, type Printer, type PrinterOptions, textOf } from "./contract.ts";

const GAP = "  ";
/** Objects of a list that a terminal is shown: the levels of one order book would fill many screens. */
const MOST_OBJECTS = 3;

export function createTable<R>({ columns, terminal, live }: PrinterOptions<R>): Printer<R> {
  const rows: string[][] = [];
  let headed = false;

  const line = (cells: readonly string[], widths: readonly number[], heading: boolean): string => {
    const shown = cells.map((cell, index) => {
      const fitted = index === cells.length - 1 ? cell : cell.padEnd(widths[index] ?? 0);
      const tone = heading ? "head" : columns[index]?.tone;
      return tone === undefined ? fitted : terminal.tint(tone, fitted);
    });
    return `${shown.join(GAP).trimEnd()}\n`;
  };
  const head = (widths: readonly number[]): Promise<void> => {
    headed = true;
    return terminal.write(
      line(
        columns.map(({ name }) => name.toUpperCase()),
        widths,
        true,
      ),
    );
  };
  // For people only: in a pipe every list is whole.
  const mostObjects = terminal.isTerminal ? MOST_OBJECTS : undefined;
  const cellsOf = (record: R): string[] => columns.map(({ value }) => clean(textOf(value(record), mostObjects)));

  if (live) {
    const widths = columns.map(({ name, width = 12 }) => Math.max(width, name.length));
    return {
      async print(record) {
        if (!headed) await head(widths);
        await terminal.write(line(cellsOf(record), widths, false));
      },
      end: async () => undefined,
    };
  }
  return {
    async print(record) {
      rows.push(cellsOf(record));
    },
    async end() {
      const widths = columns.map((column, index) => widthOf(column, index, rows));
      await head(widths);
      for (const row of rows) await terminal.write(line(row, widths, false));
    },
  };
}

const widthOf = <R>({ name }: Column<R>, index: number, rows: readonly (readonly string[])[]): number =>
  rows.reduce((most, row) => Math.max(most, row[index]?.length ?? 0), name.length);

/** On one line, and without the control characters that a payload may hold. */
const clean = (text: string): string => stripVTControlCharacters(text).replace(/\p{Cc}+/gu, " ");
