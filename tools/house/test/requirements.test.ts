import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { checkRequirements, writeRequirements } from "../src/check-requirements.ts";
import { type Checkout, createCheckout } from "./checkout.ts";

const HEADER = "service\tstory\ttitle\tpriority\tbullet";
const ROWS = [
  "portfolio\t1\tBase\tP0\tgRPC",
  "market-data\t1\tBase\tP0\tgRPC",
  "market-data\t-\tGates\tgate\tFast | slow",
];
const CAPABILITIES = ["wire.grpc", "wire.grpc", "gate.latency"];
const MISSION = createHash("sha256")
  .update(`${[HEADER, ...ROWS].join("\n")}\n`)
  .digest("hex");
const MARKS = "capability\tservices\tstate\twhere\ttest\tnote";

function createDocs(marks: readonly string[], rows: readonly string[] = ROWS): Checkout {
  return createCheckout({
    "docs/requirements.tsv": `${[`${HEADER}\tcapability`, ...rows.map((row, at) => `${row}\t${CAPABILITIES[at]}`)].join("\n")}\n`,
    "docs/capabilities.tsv": `${[MARKS, ...marks].join("\n")}\n`,
    "apps/market-data-distribution/src/main.ts": "",
    "libs/grpc/index.ts": "",
    "libs/grpc/test.ts": "",
  });
}

function judge(marks: readonly string[], rows?: readonly string[]): readonly string[] {
  using docs = createDocs(marks, rows);
  writeRequirements(docs.root);
  return checkRequirements(docs.root, MISSION);
}

test("a wish without a mark is not yet; a mark speaks for the services it names", () => {
  using docs = createDocs(["wire.grpc\tmarket-data\tdone\tlibs/grpc\tlibs/grpc/test.ts\t"]);
  writeRequirements(docs.root);
  expect(checkRequirements(docs.root, MISSION)).toEqual([]);
  const text = readFileSync(join(docs.root, "docs/requirements.md"), "utf8");
  expect(text).toContain("| all | 1 | 0 | 2 |");
  expect(text).toContain(
    "| 1 Base | gRPC | done | [libs/grpc](../libs/grpc) | [libs/grpc/test.ts](../libs/grpc/test.ts) |",
  );
  expect(text).toContain("| Gates | Fast \\| slow | not yet |  |  |");
});

test("the document may not lag behind its tables", () => {
  using docs = createDocs([]);
  expect(checkRequirements(docs.root, MISSION)[0]).toContain("older than its tables");
});

test.each([
  ["lost", ROWS.slice(1)],
  ["doubled", [...ROWS.slice(0, 2), ROWS[1] ?? ""]],
  ["reworded", [...ROWS.slice(0, 2), "market-data\t-\tGates\tgate\tFast"]],
])("a wish cannot be %s", (_, rows) => {
  expect(judge([], rows)[0]).toContain("not the mission's rows any more");
});

test.each([
  ["a place that is not there", "wire.grpc\tmarket-data\tdone\tlibs/soap\tlibs/grpc/test.ts\t", 'no "libs/soap"'],
  ["a test that is not there", "wire.grpc\tmarket-data\tdone\tlibs/grpc\tlibs/grpc/no.ts\t", 'no "libs/grpc/no.ts"'],
  ["no test at all", "wire.grpc\tmarket-data\tdone\tlibs/grpc\t\t", 'test: there is no ""'],
  ["a service without an app", "wire.grpc\tportfolio\tdone\tlibs/grpc\tlibs/grpc/test.ts\t", "portfolio has no apps/"],
  ["what nobody asked for", "wire.soap\tmarket-data\tdone\tlibs/grpc\tlibs/grpc/test.ts\t", "no wish of"],
  ["an unknown state", "wire.grpc\tmarket-data\tnearly\tlibs/grpc\tlibs/grpc/test.ts\t", 'state "nearly"'],
  ["partly without the rest", "wire.grpc\tmarket-data\tpartly\tlibs/grpc\tlibs/grpc/test.ts\t", "say what is missing"],
])("a mark may not claim %s", (_, mark, why) => {
  expect(judge([mark])[0]).toContain(why);
});

test("a capability is marked once a service", () => {
  const mark = "wire.grpc\tmarket-data\tdone\tlibs/grpc\tlibs/grpc/test.ts\t";
  expect(judge([mark, mark])).toEqual(["docs/capabilities.tsv:3 wire.grpc: a second line for wire.grpc market-data"]);
});

test("a row with a missing cell is refused with its line", () => {
  expect(() => judge(["wire.grpc\tmarket-data"])).toThrow("capabilities.tsv:2: 2 cells where 6 belong");
});
