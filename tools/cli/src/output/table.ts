/** Rows under headings. The last column takes what is left of the terminal's width. */
import { stripVTControlCharacters } from "node:util";
import { type Column, type Printer, type PrinterOptions, textOf } from "./contract.ts";

const GAP = "  ";
const LEAST_LAST = 20;

export function createTable<R>({ columns, terminal, live }: PrinterOptions<R>): Printer<R> {
  const rows: string[][] = [];
  let headed = false;

  const line = (cells: readonly string[], widths: readonly number[], heading: boolean): string => {
    const before = widths.slice(0, -1).reduce((sum, width) => sum + width + GAP.length, 0);
    const room = Math.max(LEAST_LAST, terminal.columns - before - 1);
    const shown = cells.map((cell, index) => {
      const last = index === cells.length - 1;
      // Cut for people only: in a pipe every value is whole.
      const fitted = last ? (terminal.isTerminal ? cut(cell, room) : cell) : cell.padEnd(widths[index] ?? 0);
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
  const cellsOf = (record: R): string[] => columns.map(({ value }) => clean(textOf(value(record))));

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

const cut = (text: string, room: number): string => (text.length <= room ? text : `${text.slice(0, room - 1)}…`);
