/** What a checkout has already that a new domain could get in the way of. */
import { existsSync, globSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** As much of a package.json as is read here. */
interface Manifest {
  readonly name?: string;
  readonly workspaces?: readonly string[];
}

const readManifest = (file: string): Manifest => JSON.parse(readFileSync(file, "utf8")) as Manifest;

/** The services by the names of their folders: `market-data`. */
export function servicesOf(root: string): readonly string[] {
  return globSync("apps/*-distribution", { cwd: root })
    .map((folder) => folder.slice("apps/".length, -"-distribution".length))
    .sort();
}

/** The packages of the workspace, as imports name them. */
export function packagesOf(root: string): ReadonlySet<string | undefined> {
  const file = join(root, "package.json");
  if (!existsSync(file)) return new Set();
  const globs = (readManifest(file).workspaces ?? []).map((glob) => `${glob}/package.json`);
  return new Set(globSync(globs, { cwd: root }).map((each) => readManifest(join(root, each)).name));
}

/** The ports that services listen on when nothing is set, and whose they are. Throws Error on a config that has none. */
export function portsOf(root: string): ReadonlyMap<number, string> {
  const ports = new Map<number, string>();
  for (const service of servicesOf(root)) {
    const file = `apps/${service}-distribution/src/config.ts`;
    if (!existsSync(join(root, file))) continue;
    const found = readFileSync(join(root, file), "utf8").match(/(?<=\b(?:port|grpcPort|adminPort): )\d+/g);
    if (!found) throw new Error(`${file}: no port, grpcPort and adminPort as numbers; which are free can't be told.`);
    for (const port of found) ports.set(Number(port), service);
  }
  return ports;
}
