// Makes `npm start` and `npm test` work on a fresh clone: installs dependencies when they are missing or outdated.
// Plain JavaScript: it may run on a Node older than the one that the install brings (node_modules/.bin/node).
import { execSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";

/** What was installed, written when the install is whole: a lockfile that is only younger than it says nothing. */
const MARK = "node_modules/installed.sha256";

const quiet = process.argv.includes("--quiet");
const wanted = createHash("sha256").update(readFileSync("package-lock.json")).digest("hex");

const marked = existsSync(MARK) ? readFileSync(MARK, "utf8") : undefined;

function isInstalled() {
  if (marked !== undefined) return marked === wanted;
  // By hand, with npm ci.
  const [installed, lock] = ["node_modules/.package-lock.json", "package-lock.json"].map(
    (path) => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0,
  );
  return installed >= lock && existsSync("node_modules/.bin");
}

if (!isInstalled()) {
  if (!quiet) console.log("Installing dependencies …");
  execSync("npm ci --no-audit --no-fund --loglevel=error", { stdio: ["ignore", 2, 2] });
}
// Of a script that has no time to ask Nx at each run: `npm run cli`.
if (quiet && !existsSync("libs/proto-types/src/generated")) {
  execSync("npx nx run proto-types:generate", { stdio: ["ignore", "ignore", 2] });
}
// Only then: where everything is installed, the folder may be one that cannot be written to.
if (marked !== wanted) writeFileSync(MARK, wanted);
