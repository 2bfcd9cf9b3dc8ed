/**
 * `npm run generate:domain -- <name> [--port 7060] [--event <event-name>] [--broker embedded] [--out <folder>]`: makes
 * apps/<name>-distribution, proto/<name>/v1 and deploy/systemd/<name>.env, in this checkout or in another folder, and names it in the lists of services. Exit code 2 when it can't be.
 */
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { checkNames, choosePort } from "./checks.ts";
import { generateDomain, ROOT } from "./generate.ts";
import { enlist } from "./lists.ts";
import { nextSteps } from "./next-steps.ts";

const USAGE = `npm run generate:domain -- <name> [options]

  --port <number>      where it listens; gRPC and admin on the next two. Default: the first that no service has
  --event <name>       its first event type, <domain>.<name>.v1. Default: changed
  --broker embedded    the only broker that there is yet
  --out <folder>       where to make apps/ and proto/. Default: this checkout`;

const BROKERS = ["embedded"];

function run(args: readonly string[]): string {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      port: { type: "string" },
      event: { type: "string", default: "changed" },
      broker: { type: "string", default: "embedded" },
      out: { type: "string", default: ROOT },
    },
  });
  const [name, ...rest] = positionals;
  if (name === undefined || rest.length > 0) throw new RangeError("Give one name.");
  if (!BROKERS.includes(values.broker)) {
    throw new RangeError(`--broker "${values.broker}" is none of ${BROKERS.join(", ")}.`);
  }
  const out = resolve(values.out);
  const roots = [...new Set([ROOT, out])];
  checkNames(roots, { name, event: values.event });
  const domain = { name, event: values.event, port: choosePort(roots, values.port) };
  const files = generateDomain(out, domain);
  return nextSteps(domain, files.length, enlist(out, domain));
}

try {
  console.log(run(process.argv.slice(2)));
} catch (failure) {
  // Of parseArgs a TypeError with a code.
  const expected = failure instanceof RangeError || (failure as { code?: string }).code?.startsWith("ERR_PARSE_ARGS");
  if (!expected) throw failure;
  console.error(`${(failure as Error).message}\n\n${USAGE}`);
  process.exitCode = 2;
}
