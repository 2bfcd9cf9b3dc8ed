/** Lints proto/ and refuses changes that would break a client of main. */
import { execFileSync, spawnSync } from "node:child_process";

const buf = (...args: string[]): void => void execFileSync("buf", args, { stdio: "inherit" });
const known = (ref: string): boolean =>
  spawnSync("git", ["cat-file", "-e", `${ref}:proto`], { stdio: "ignore" }).status === 0;

buf("lint");
const base = ["origin/main", "main"].find(known);
if (base === undefined) console.log("No main with a proto folder to compare with: breaking changes were not checked.");
else buf("breaking", "--against", `.git#branch=${base}`);
