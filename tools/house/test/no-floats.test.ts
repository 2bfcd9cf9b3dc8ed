/** Money and quantities are decimal text or scaled integers everywhere: in the schemas, in the code of the domains, in what they answer. */
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type DescField, type DescMessage, getOption, ScalarType } from "@bufbuild/protobuf";
import { registry } from "@distribution/proto-types/descriptors";
import { describe, expect, it } from "vitest";

const ROOT = join(import.meta.dirname, "../../..");
const [decimal, unit] = ["decimal", "unit"].map((name) => registry.getExtension(`distribution.v1.${name}`)!);

const fieldsOf = (message: DescMessage): readonly DescField[] => [
  ...message.fields,
  ...message.nestedMessages.flatMap(fieldsOf),
];
const domainFields = [...registry.files]
  .filter(({ name }) => !name.startsWith("google/") && !name.startsWith("distribution/"))
  .flatMap(({ messages }) => messages.flatMap(fieldsOf));

/** Words of names that say how much, or for how much. */
const AMOUNT =
  /(^|_)(price|quantity|size|amount|nav|cash|value|cost|fee|notional|volume|profit|weight|contribution|return|confidence|strength|score|limit|actual)$/;

describe("schemas", () => {
  it("have no binary floats", () => {
    expect(domainFields.length).toBeGreaterThan(100);
    const floats = domainFields.filter(({ scalar }) => scalar === ScalarType.DOUBLE || scalar === ScalarType.FLOAT);
    expect(floats.map(String)).toEqual([]);
  });

  it("mark every amount as a decimal, and give its unit", () => {
    const amounts = domainFields.filter(({ name }) => AMOUNT.test(name));
    expect(amounts.length).toBeGreaterThan(30);
    for (const field of amounts) expect([String(field), getOption(field, decimal!)]).toEqual([String(field), true]);
    const decimals = domainFields.filter((field) => getOption(field, decimal!) === true);
    expect(decimals.filter((field) => !getOption(field, unit!)).map(String)).toEqual([]);
  });
});

/** Ways from text or a bigint to a binary float. */
const TO_FLOAT = /parseFloat\(|\bNumber\(|\.toFixed\(|valueAsNumber/;

/** What becomes a number there is no amount. */
const NO_AMOUNTS: Readonly<Record<string, string>> = {
  "apps/execution-distribution/src/domain/days.ts": "a day's milliseconds",
  "apps/market-data-distribution/src/domain/decimals.ts": "an exponent of ten",
  "apps/market-data-distribution/src/domain/feeds/pacer.ts": "milliseconds to wait",
  "apps/portfolio-distribution/src/domain/read-models/history.ts": "a place in a list",
  "libs/simulated-world/src/coordination/decisions.ts": "a share by which chance decides",
  "libs/simulated-world/src/execution/fills.ts": "a date's milliseconds",
  "libs/simulated-world/src/player/pace.ts": "milliseconds to wait",
  "libs/simulated-world/src/player/publish.ts": "an event's place in a batch",
  "libs/simulated-world/src/world.ts": "microseconds of world time",
};

const sources = globSync(["apps/*/src/**/*.ts", "libs/simulated-world/src/**/*.ts"], { cwd: ROOT });
const linesWith = (file: string, pattern: RegExp): readonly string[] =>
  readFileSync(join(ROOT, file), "utf8")
    .split("\n")
    .filter((line) => pattern.test(line));

describe("the domains' code", () => {
  it("turns nothing into a binary float but what is no amount", () => {
    expect(sources.length).toBeGreaterThan(100);
    const found = sources.filter((file) => linesWith(file, TO_FLOAT).length > 0);
    expect(found.toSorted()).toEqual(Object.keys(NO_AMOUNTS).toSorted());
  });

  it("answers with no JSON number that may have a fraction", () => {
    expect(sources.flatMap((file) => linesWith(file, /type: "number"/))).toEqual([]);
  });
});
