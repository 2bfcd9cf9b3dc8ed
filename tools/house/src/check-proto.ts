/** Lints proto/ and refuses changes that would break a client of what was committed before. */
import { spawnSync } from "node:child_process";

/** A commit that means to break carries this trailer with the reason: `Breaks-Proto: nothing was released yet`. */
const TRAILER = "Breaks-Proto";

export function checkProto(root: string): readonly string[] {
  const lint = spawnSync("buf", ["lint"], { cwd: root, encoding: "utf8" });
  if (lint.error) throw lint.error;
  return lint.status === 0 ? breakingChanges(root) : linesOf(lint.stdout + lint.stderr);
}

function breakingChanges(root: string): readonly string[] {
  const base = baseOf(root);
  if (base === undefined) {
    console.log("No earlier commit with a proto folder is here: breaking changes were not checked.");
    return [];
  }
  // The archive of one commit serves shallow clones and detached heads, where buf's own git input finds no branch.
  const before = spawnSync("git", ["archive", "--format=tar", base, "buf.yaml", "proto"], { cwd: root });
  if (before.status !== 0) throw new Error(`git archive ${base}: ${before.stderr}`);
  const breaking = spawnSync("buf", ["breaking", "--against", "-#format=tar"], {
    cwd: root,
    encoding: "utf8",
    input: before.stdout,
  });
  return breaking.status === 0 ? [] : linesOf(breaking.stdout + breaking.stderr);
}

/**
 * The commit to compare the work tree with: where this branch left main; on main itself the commit before HEAD, or HEAD
 * when that commit means to break. Undefined when none of them is in this clone or has a proto folder.
 */
export function baseOf(root: string): string | undefined {
  const git = (...args: string[]): string => {
    const { status, stdout } = spawnSync("git", args, { cwd: root, encoding: "utf8" });
    return status === 0 ? stdout.trim() : "";
  };
  const commitOf = (ref: string): string => git("rev-parse", "--verify", "--quiet", `${ref}^{commit}`);
  const head = commitOf("HEAD");
  const main = commitOf("origin/main") || commitOf("main");
  // A shallow clone may not hold the commit where the branch left: then main as it is.
  const left = main && (git("merge-base", head, main) || main);
  const before = left && left !== head ? left : commitOf("HEAD~1");
  const meant = git("log", `--format=%(trailers:key=${TRAILER},valueonly)`, `${before || head}..${head}`) !== "";
  const base = meant ? head : before;
  return base && git("ls-tree", base, "proto") ? base : undefined;
}

const linesOf = (text: string): readonly string[] => text.split("\n").filter((line) => line.trim() !== "");
