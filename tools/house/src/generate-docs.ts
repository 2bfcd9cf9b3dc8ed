/** Writes docs/errors.md and docs/metrics.md from the lists that the code holds to. */
import { writeFileSync } from "node:fs";
import { errorsReference, metricsReference } from "@distribution/core/transport/documents";

const write = (name: string, text: string): void =>
  writeFileSync(new URL(`../../../docs/${name}`, import.meta.url), text);

write("errors.md", errorsReference());
write("metrics.md", metricsReference());
