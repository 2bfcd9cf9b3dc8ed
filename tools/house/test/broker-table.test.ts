import { readFileSync } from "node:fs";
import { kafka } from "@distribution/broker-kafka/choice";
import { pulsar } from "@distribution/broker-pulsar/choice";
import { expect, test } from "vitest";
import { brokerTable } from "../src/broker-table.ts";

const written = readFileSync(new URL("../../../docs/brokers.md", import.meta.url), "utf8");

test("docs/brokers.md has the capabilities as the brokers declare them", () => {
  expect(written).toContain(`\n${brokerTable()}\n`);
});

test("docs/brokers.md names every setting of the brokers", () => {
  const settings = [...Object.keys(kafka.settings), ...Object.keys(pulsar.settings)];
  expect(settings.filter((name) => !written.includes(`_${name}\``))).toEqual([]);
});
