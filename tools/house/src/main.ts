/** `node tools/house/src/main.ts <check> [--write]`: runs one check of the house over this checkout; exit code 1 when it finds anything. */
import { resolve } from "node:path";
import type { Check } from "./check.ts";
import { checkBoundaries } from "./check-boundaries.ts";
import { checkDependencies } from "./check-dependencies.ts";
import { checkProto } from "./check-proto.ts";
import { checkRequirements, writeRequirements } from "./check-requirements.ts";

const checks = new Map<string, Check>([
  ["boundaries", checkBoundaries],
  ["dependencies", checkDependencies],
  ["proto", checkProto],
  ["requirements", checkRequirements],
]);

const root = resolve(import.meta.dirname, "../../..");
const [name = "", option] = process.argv.slice(2);
const check = checks.get(name);

if (check === undefined) {
  console.error(`No check "${name}". There are: ${[...checks.keys()].join(", ")}.`);
  process.exitCode = 2;
} else {
  if (name === "requirements" && option === "--write") writeRequirements(root);
  const findings = check(root);
  for (const finding of findings) console.error(finding);
  console.log(findings.length === 0 ? `${name}: in order` : `${name}: ${findings.length} findings`);
  process.exitCode = findings.length === 0 ? 0 : 1;
}
