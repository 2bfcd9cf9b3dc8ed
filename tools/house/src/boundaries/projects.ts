/** The workspace's projects, read from the package.json files that Nx and npm read too. */
import { globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type Kind, MAY_IMPORT } from "./rules.ts";

export interface Project {
  /** Relative to the checkout: `libs/brokers/embedded`. */
  readonly root: string;
  /** As imports name it: `@distribution/broker-embedded`. */
  readonly packageName: string;
  readonly kind: Kind;
}

interface PackageJson {
  readonly name: string;
  readonly workspaces?: readonly string[];
  readonly nx?: { readonly tags?: readonly string[] };
}

const readPackage = (file: string): PackageJson => JSON.parse(readFileSync(file, "utf8")) as PackageJson;

const isKind = (tag: string | undefined): tag is Kind => tag !== undefined && Object.hasOwn(MAY_IMPORT, tag);

/** Throws when a project carries no `type:` tag, or one without a rule: it would escape the check. */
export function readProjects(root: string): readonly Project[] {
  const patterns = (readPackage(join(root, "package.json")).workspaces ?? []).map((glob) => `${glob}/package.json`);
  return globSync(patterns, { cwd: root })
    .sort()
    .map((file) => {
      const { name, nx } = readPackage(join(root, file));
      const kind = nx?.tags?.find((tag) => tag.startsWith("type:"))?.slice("type:".length);
      if (!isKind(kind))
        throw new Error(`${file}: nx.tags needs one of ${Object.keys(MAY_IMPORT).join(", ")} as type:`);
      return { root: dirname(file), packageName: name, kind };
    });
}
