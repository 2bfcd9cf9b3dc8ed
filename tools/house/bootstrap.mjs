// Makes `npm start` and `npm test` work on a fresh clone: installs dependencies when they are missing or outdated.
// Plain JavaScript: it may run on a Node older than the one that the install brings (node_modules/.bin/node).
import { execSync } from "node:child_process";
import { statSync } from "node:fs";

const modified = (path) => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;

if (modified("node_modules/.package-lock.json") < modified("package-lock.json")) {
  if (!process.argv.includes("--quiet")) console.log("Installing dependencies …");
  execSync("npm ci --no-audit --no-fund --loglevel=error", { stdio: ["ignore", 2, 2] });
}
