/** This workspace without its apps, in a temporary folder: what a generated domain is checked, built and run in. */
import { spawn } from "node:child_process";
import { cpSync, globSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { ROOT } from "../../src/generate.ts";
import { createFolder, type Folder } from "./folder.ts";

export interface Outcome {
  readonly code: number | null;
  /** What it wrote on stdout and stderr. */
  readonly output: string;
}

export interface Workspace extends Folder {
  /** A command line of this workspace's own programs, in its folder. */
  run(...command: readonly string[]): Promise<Outcome>;
  /** Makes packages found by their names, as `npm install` does. */
  link(folders: readonly string[]): void;
}

const FOLDERS = ["libs", "proto", "deploy", "tools/brokers", "tools/house", "tools/generators", "tools/cli"];
/** Of no part in the sources: installed, generated or written by runs. */
const LEFT_OUT = new Set(["node_modules", "generated", "coverage"]);

export function createWorkspace(): Workspace {
  const folder = createFolder();
  const { root } = folder;
  const files = globSync(["*.{json,jsonc,yaml,ts}", ".gitignore"], { cwd: ROOT });
  for (const each of [...files, ...FOLDERS]) {
    cpSync(join(ROOT, each), join(root, each), {
      recursive: true,
      filter: (path) => !LEFT_OUT.has(basename(path)),
    });
  }
  mkdirSync(join(root, "node_modules/@distribution"), { recursive: true });
  // Packages are not copied: a program finds what they need beside where they really are.
  for (const name of readdirSync(join(ROOT, "node_modules"))) {
    const installed = name === ".bin" || !(name.startsWith(".") || name === "@distribution");
    if (installed) symlinkSync(join(ROOT, "node_modules", name), join(root, "node_modules", name));
  }
  const link = (folders: readonly string[]): void => {
    for (const each of folders) {
      const { name } = JSON.parse(readFileSync(join(root, each, "package.json"), "utf8")) as { name: string };
      symlinkSync(join(root, each), join(root, "node_modules", name));
    }
  };
  link(
    globSync(["libs/*/package.json", "libs/*/*/package.json", "tools/brokers/package.json"], { cwd: root }).map(
      dirname,
    ),
  );
  return { ...folder, link, run: (...command) => run(root, command) };
}

function run(root: string, [program = "", ...args]: readonly string[]): Promise<Outcome> {
  // Nothing of the run that this is a test of: not its workers, not its reports.
  const PATH = `${join(root, "node_modules/.bin")}:${process.env["PATH"]}`;
  const child = spawn(program, args, { cwd: root, env: { PATH }, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  }
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, output }));
  });
}
