/** Where the launcher writes: the services' output on stdout and stderr as they wrote it, its own words on stderr. */
import type { Writable } from "node:stream";
import { styleText } from "node:util";

type Style = "bold" | "gray" | "red" | "green" | "yellow" | "blue" | "magenta" | "cyan";

/** Coloured where stdout is a terminal and NO_COLOR is not set. */
export type Tint = (style: Style, text: string) => string;

export interface Screen {
  out(line: string): void;
  note(line: string): void;
  readonly tint: Tint;
}

export function createScreen({ stdout, stderr }: { readonly stdout: Writable; readonly stderr: Writable }): Screen {
  return {
    out: (line) => void stdout.write(`${line}\n`),
    note: (line) => void stderr.write(`${line}\n`),
    tint: (style, text) => styleText(style, text, { stream: stdout }),
  };
}
