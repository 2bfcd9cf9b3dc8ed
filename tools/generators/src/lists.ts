/** Lists of a checkout that name every service: who scrapes it, who is called when it is down, and where the command line finds it. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { DomainNames } from "./names.ts";

interface List {
  readonly file: string;
  /** Each adds the domain behind the last one that is named there. */
  readonly additions: readonly { readonly behind: RegExp; readonly text: (domain: DomainNames) => string }[];
}

/** The p99 that a domain is watched for until it says another, seconds. */
const TARGET_SECONDS = "0.100";

const LISTS: readonly List[] = [
  {
    file: "deploy/prometheus/prometheus.yaml",
    additions: [
      {
        behind: /(?:^ {2}- job_name: .*\n {4}static_configs: .*\n)+/m,
        text: ({ name, port }) =>
          `  - job_name: ${name}\n    static_configs: [{ targets: ["localhost:${port + 2}"] }]\n`,
      },
    ],
  },
  {
    file: "deploy/prometheus/alerts.yaml",
    additions: [
      {
        behind: /(?:^ *- \{ record: distribution:target_seconds, .*\n)+/m,
        text: ({ name }) =>
          `      - { record: distribution:target_seconds, expr: vector(${TARGET_SECONDS}), labels: { job: ${name} } }\n`,
      },
      { behind: /\bup\{job=~"[^"]+/, text: ({ name }) => `|${name}` },
    ],
  },
  {
    file: "tools/cli/src/service/address.ts",
    additions: [
      {
        behind: /^export const SERVICES = \{\n(?: {2}.*\n)+/m,
        text: ({ name, port }) => `  ${name.includes("-") ? JSON.stringify(name) : name}: ${port},\n`,
      },
    ],
  },
];

/**
 * Adds the domain to every list that there is below `out`; answers their paths. Throws Error, having written nothing, where one
 * of them has no place for it.
 */
export function enlist(out: string, domain: DomainNames): readonly string[] {
  const there = LISTS.filter(({ file }) => existsSync(join(out, file)));
  const changed = there.map(({ file, additions }) => {
    let text = readFileSync(join(out, file), "utf8");
    for (const { behind, text: added } of additions) {
      if (!behind.test(text))
        throw new Error(`${file}: where ${domain.name} has to be named can't be told: ${behind}.`);
      text = text.replace(behind, (found) => found + added(domain));
    }
    return { file, text };
  });
  for (const { file, text } of changed) writeFileSync(join(out, file), text);
  return changed.map(({ file }) => file);
}
