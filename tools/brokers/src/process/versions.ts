/** The versions of what the Maven project files name, and where in the cache what is made of them lies. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { cacheFolder } from "./cache.ts";

export type BrokerName = "kafka" | "pulsar";

export const VERSIONS = { kafka: "4.3.1", pulsar: "4.0.8" } as const satisfies Record<BrokerName, string>;

export function projectFile(name: BrokerName): string {
  return resolve(import.meta.dirname, `../../maven/${name}.xml`);
}

/** A changed project file has a folder of its own. */
export function preparedFolder(name: BrokerName): string {
  const hash = createHash("sha256")
    .update(readFileSync(projectFile(name)))
    .digest("hex")
    .slice(0, 8);
  return join(cacheFolder(), `${name}-${VERSIONS[name]}-${hash}`);
}
