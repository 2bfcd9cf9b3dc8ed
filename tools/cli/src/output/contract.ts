/** What every form of output has in common. */
import type { Terminal, Tone } from "../terminal.ts";

export const FORMATS = ["table", "json", "jsonl", "fields"] as const;
export type Format = (typeof FORMATS)[number];

export interface Column<R> {
  readonly name: string;
  readonly value: (record: R) => unknown;
  /** Least width where rows are printed as they come. */
  readonly width?: number;
  readonly tone?: Tone;
}

export interface PrinterOptions<R> {
  readonly format: Format;
  readonly columns: readonly Column<R>[];
  readonly terminal: Terminal;
  /** Rows are printed as they come, under widths that are set; otherwise all together, under widths that fit. */
  readonly live: boolean;
}

export interface Printer<R> {
  /** `text`: the record's JSON on one line, where it is there already. */
  print(record: R, text?: string): Promise<void>;
  /** Ends what is open. */
  end(): Promise<void>;
}

/**
 * For people: text as it is, nothing for nothing, everything else as JSON. A list of objects has the first `mostObjects` of them
 * and says how many more there are.
 */
export function textOf(value: unknown, mostObjects = Number.POSITIVE_INFINITY): string {
  if (value === undefined || value === null) return "";
  if (typeof value === "string") return value;
  return JSON.stringify(value, (_name, each: unknown) => {
    if (typeof each === "bigint") return String(each);
    if (!Array.isArray(each) || each.length <= mostObjects || typeof each[0] !== "object") return each;
    return [...each.slice(0, mostObjects), `… ${each.length - mostObjects} more`];
  });
}
