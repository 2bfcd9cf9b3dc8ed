import { readFileSync } from "node:fs";
import { kafka } from "@distribution/broker-kafka/choice";
import { pulsar } from "@distribution/broker-pulsar/choice";
import { expect, test } from "vitest";
import { brokerTable } from "../src/broker-table.ts";

const read = (path: string): string => readFileSync(new URL(`../../../${path}`, import.meta.url), "utf8");
const written = read("docs/brokers.md");

test("docs/brokers.md has the capabilities as the brokers declare them", () => {
  expect(written).toContain(`\n${brokerTable()}\n`);
});

test("docs/brokers.md names every setting of the brokers", () => {
  const settings = [...Object.keys(kafka.settings), ...Object.keys(pulsar.settings)];
  expect(settings.filter((name) => !written.includes(`_${name}\``))).toEqual([]);
});

test("deploy/README.md sets settings that there are, to what they take", () => {
  const settings: Readonly<Record<string, { safeParse(value: string): { readonly success: boolean } }>> = {
    ...kafka.settings,
    ...pulsar.settings,
  };
  const lines = [...read("deploy/README.md").matchAll(/^(?:MARKET_DATA|EXECUTION)_((?:KAFKA|PULSAR)_\w+)=(.*)$/gm)];
  expect(lines).toHaveLength(11);
  const refused = lines.filter(([, name, value]) => settings[name!]?.safeParse(value!).success !== true);
  expect(refused.map(([line]) => line)).toEqual([]);
});
