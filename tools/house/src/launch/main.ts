/**
 * `npm start [-- <service> ... --brokers <which>]`: runs the services named, or all, on the brokers named, or embedded ones. The first SIGINT, SIGTERM or SIGHUP drains them, a further
 * one ends them at once. Exit code 0 when all started and stopped as they should, 1 when one did not, 2 for an unknown name.
 */
import { parseArgs } from "node:util";
import { type LaunchOptions, launch } from "./launch.ts";
import { createScreen } from "./screen.ts";
import { findServices } from "./services.ts";
import { usage } from "./usage.ts";

/** Ctrl-C arrives twice, from the terminal and from npm, which hands it on: signals this close together are one. */
const ONE_SIGNAL_MS = 1_000;
const PARENT_EVERY_MS = 1_000;

const root = process.cwd();
const screen = createScreen(process);

async function chosen(): Promise<Pick<LaunchOptions, "services" | "environment" | "brokers">> {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: { brokers: { type: "string" }, help: { type: "boolean", short: "h" } },
    });
    if (values.help === true) {
      screen.out(usage(findServices(root)));
      process.exit(0);
    }
    const services = findServices(root, positionals);
    const names = services.map(({ name }) => name);
    const { brokers } = values;
    if (brokers === undefined) return { services };
    const { withBrokers } = await import("./brokers.ts");
    return { services, brokers, environment: withBrokers(root, names, brokers, process.env) };
  } catch (failure) {
    if (!(failure instanceof RangeError || failure instanceof TypeError)) throw failure;
    // Node's words on a wrong option go on with how to give a name that begins like one.
    const [said] = failure.message.split(". To specify", 1);
    screen.note(failure instanceof TypeError ? `${said}. What there is: npm start -- --help` : failure.message);
    process.exit(2);
  }
}

const { done, stop, kill } = launch({ root, ...(await chosen()), screen });
let stoppedAt: number | undefined;
let ended: 0 | 1 | undefined;
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => {
    const now = performance.now();
    if (stoppedAt === undefined) stop();
    else if (now - stoppedAt > ONE_SIGNAL_MS) {
      kill();
      // What is still to be told somebody does not wait for.
      if (ended !== undefined) process.exit(ended);
    }
    stoppedAt ??= now;
  });
}
// The reader of the output is gone: nobody sees the services any more.
for (const stream of [process.stdout, process.stderr]) stream.on("error", stop);
// npm cannot hand on a SIGKILL; that its child has another parent then is all there is to see.
const parent = process.ppid;
if (process.env["npm_lifecycle_event"] !== undefined) {
  setInterval(() => process.ppid !== parent && stop(), PARENT_EVERY_MS).unref();
}
ended = await done;
// A slow reader has a pipe full of lines to take before the last one, which says why.
await Promise.all([process.stdout, process.stderr].map((stream) => new Promise((taken) => stream.write("", taken))));
// Not by the exit code alone: Node then takes its handlers away before it ends, and a signal that still comes ends it instead.
process.exit(ended);
