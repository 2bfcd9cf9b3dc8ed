/** Finds what source files import: static, dynamic, type-only and re-exports alike. */
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";

export interface Import {
  /** The importing file, relative to the checkout. */
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly specifier: string;
}

/** Every import of the files under `folder`, which is relative to `root`. */
export function importsUnder(root: string, folder: string): readonly Import[] {
  const files = globSync(`${folder}/**/*.{ts,tsx,mts,js,mjs}`, { cwd: root });
  return files.sort().flatMap((file) => importsOf(file, readFileSync(join(root, file), "utf8")));
}

function importsOf(file: string, text: string): readonly Import[] {
  return ts.preProcessFile(text, true, true).importedFiles.map(({ fileName, pos }) => ({
    file,
    line: text.slice(0, pos).split("\n").length,
    specifier: fileName,
  }));
}
