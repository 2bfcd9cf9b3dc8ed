/** Reads the tab-separated tables in docs/: a header line, then one row a line, no quoting. */
import { readFileSync } from "node:fs";

/** Rows as objects by the names of `columns`. Throws when the header is another one or a row has more or fewer cells. */
export function readTable<Column extends string>(
  file: string,
  columns: readonly Column[],
): readonly Readonly<Record<Column, string>>[] {
  const [header = "", ...lines] = readFileSync(file, "utf8").replace(/\n$/, "").split("\n");
  if (header !== columns.join("\t")) throw new Error(`${file}: the header must be ${columns.join(", ")}`);
  return lines.map((line, index) => {
    const cells = line.split("\t");
    if (cells.length !== columns.length)
      throw new Error(`${file}:${index + 2}: ${cells.length} cells where ${columns.length} belong`);
    return Object.fromEntries(columns.map((column, at) => [column, cells[at]])) as Record<Column, string>;
  });
}
