/**
 * `npm run bench [-- name …] [--floors] [--report <file>] [--kept]`: runs the benches, or those named, one after the other;
 * prints and keeps their figures. `--floors` then holds all kept figures against their floors, `--report` writes them into a
 * Markdown document; with `--kept` nothing is run for that.
 */
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { benchAppend } from "./append.ts";
import { benchBrokers } from "./brokers/brokers.ts";
import { benchDomains } from "./domains/domains.ts";
import { benchFanout } from "./fanout/fanout.ts";
import { writeDocument } from "./harness/document.ts";
import { readFloors } from "./harness/floors.ts";
import { describeMachine, keepResult, keptResult, renderFloors, renderTable } from "./harness/report.ts";
import type { Bench } from "./harness/row.ts";
import { benchLatency } from "./latency/latency.ts";
import { benchMatching } from "./match-rows.ts";
import { benchMemory } from "./memory/memory.ts";
import { benchReplay } from "./replay/replay.ts";
import { benchWay } from "./way/way.ts";

const BENCHES: readonly Bench[] = [
  benchFanout,
  benchAppend,
  benchWay,
  benchMatching,
  benchReplay,
  benchLatency,
  benchMemory,
  benchDomains,
  benchBrokers,
];

const RESULTS = join(import.meta.dirname, "../results");

const USAGE = `npm run bench [-- name …] [--floors] [--report <file>] [--kept]

Runs the benches, or those named, one after the other, and keeps their figures. There are: ${BENCHES.map(({ name }) => name).join(", ")}.

  --floors         holds all kept figures against their floors
  --report <file>  writes them into a Markdown document
  --kept           runs nothing before that`;

const { values, positionals: wanted } = readArguments();
if (values.help === true) {
  console.log(USAGE);
  process.exit(0);
}
const unknown = wanted.filter((name) => BENCHES.every((bench) => bench.name !== name));
if (unknown.length > 0) {
  console.error(`No bench ${unknown.join(", ")}. There are: ${BENCHES.map(({ name }) => name).join(", ")}.`);
  process.exit(2);
}

for (const bench of values.kept ? [] : BENCHES) {
  if (wanted.length > 0 && !wanted.includes(bench.name)) continue;
  await run(bench);
}

const kept = BENCHES.flatMap(({ name }) => keptResult(RESULTS, name) ?? []);
const floors = readFloors(BENCHES, (bench) => kept.find(({ name }) => name === bench)?.rows);
if (values.floors) console.log(`\n${renderFloors(floors)}`);
if (values.report !== undefined) {
  writeDocument(resolve(values.report), kept, floors);
  console.log(`\nWrote ${values.report}.`);
}

function readArguments() {
  const flag = { type: "boolean" } as const;
  const options = { floors: flag, kept: flag, report: { type: "string" }, help: { ...flag, short: "h" } } as const;
  try {
    return parseArgs({ allowPositionals: true, options });
  } catch (failure) {
    console.error(`${(failure as Error).message}\n\n${USAGE}`);
    process.exit(2);
  }
}

/** A bench that fails does not keep the others from running. */
async function run({ name, about, run: measure }: Bench): Promise<void> {
  console.log(`\n${name}${about ? `: ${about}` : ""}\n`);
  const machine = describeMachine();
  const start = performance.now();
  try {
    const rows = await measure();
    const seconds = (performance.now() - start) / 1_000;
    keepResult(RESULTS, { name, about, measuredAt: new Date().toISOString(), seconds, machine, rows });
    console.log(renderTable(rows));
  } catch (failure) {
    console.error(failure);
    process.exitCode = 1;
  }
}
