/** Makes a domain from the templates: the same files under its own names. */
import { execFileSync } from "node:child_process";
import { globSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type DomainNames, filler } from "./names.ts";

/** The checkout that this is of. */
export const ROOT = join(import.meta.dirname, "../../..");

const TEMPLATES = join(import.meta.dirname, "../templates");

/** Writes the domain's files below `out`; answers their paths, sorted. Throws Error where one of them is there. */
export function generateDomain(out: string, domain: DomainNames): readonly string[] {
  const fill = filler(domain);
  const files = globSync("**/*.*", { cwd: TEMPLATES }).map((template) => {
    const path = fill(template);
    return { path, text: laidOut(path, fill(readFileSync(join(TEMPLATES, template), "utf8"))) };
  });
  for (const { path, text } of files) {
    mkdirSync(dirname(join(out, path)), { recursive: true });
    writeFileSync(join(out, path), text, { flag: "wx" });
  }
  return files.map(({ path }) => path).sort();
}

/** Where lines break, and the order of imports, follow from the length and the letters of names. */
function laidOut(path: string, text: string): string {
  if (!/\.(?:ts|json)$/.test(path)) return text;
  const args = ["check", "--write", "--linter-enabled=false", `--stdin-file-path=${path}`];
  return execFileSync(join(ROOT, "node_modules/.bin/biome"), args, { cwd: ROOT, input: text, encoding: "utf8" });
}
