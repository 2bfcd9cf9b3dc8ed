/** Writes docs/errors.md, docs/metrics.md and the table of docs/brokers.md from the lists that the code holds to. */
import { readFileSync, writeFileSync } from "node:fs";
import { errorsReference, metricsReference } from "@distribution/core/transport/documents";
import { brokerTable } from "./broker-table.ts";

const fileOf = (name: string): URL => new URL(`../../../docs/${name}`, import.meta.url);

/** Between these lines everything is ours. */
const TABLE = /(<!-- capabilities: begin[^>]*-->\n)[\s\S]*?(<!-- capabilities: end -->)/;

writeFileSync(fileOf("errors.md"), errorsReference());
writeFileSync(fileOf("metrics.md"), metricsReference());
const brokers = readFileSync(fileOf("brokers.md"), "utf8");
writeFileSync(
  fileOf("brokers.md"),
  brokers.replace(TABLE, (_, begin: string, end: string) => `${begin}${brokerTable()}\n${end}`),
);
