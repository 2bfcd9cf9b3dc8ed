/** Fails when package-lock.json would not install everywhere, or holds what this project may not be built on. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { readProjects } from "./boundaries/projects.ts";
import { isAllowedLicence } from "./dependencies/licences.ts";

interface LockedPackage {
  readonly version?: string;
  readonly license?: string;
  readonly link?: boolean;
  readonly integrity?: string;
  readonly resolved?: string;
  readonly hasInstallScript?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

interface Lock {
  readonly packages: Readonly<Record<string, LockedPackage>>;
}

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly allowScripts?: Readonly<Record<string, boolean>>;
}

/** Packages whose lock entry states no licence, though the package itself does. */
const LICENCES_READ_BY_HAND: Readonly<Record<string, string>> = {
  // Its LICENSE file is the MIT text.
  "xmlhttprequest-ssl@2.1.2": "MIT",
};

export function checkDependencies(root: string): readonly string[] {
  const { packages } = readJson<Lock>(root, "package-lock.json");
  const installed = Object.entries(packages).filter(([path, { link }]) => path.includes("node_modules/") && !link);
  const manifest = readJson<Manifest>(root, "package.json");
  return [
    ...installed.flatMap(([path, locked]) => [...judgeLicence(nameOf(path), locked), ...judgeOrigin(path, locked)]),
    ...missingEntries(installed),
    ...undecidedScripts(installed, manifest.allowScripts ?? {}),
    ...["", ...readProjects(root).map((project) => project.root)].flatMap((folder) => unpinned(root, folder)),
  ];
}

function judgeLicence(name: string, { version, license }: LockedPackage): readonly string[] {
  const stated = license ?? LICENCES_READ_BY_HAND[`${name}@${version}`];
  if (stated === undefined) return [`${name}@${version}: the lock states no licence; read it and write it down here`];
  return isAllowedLicence(stated) ? [] : [`${name}@${version}: licence ${stated} is not on the list`];
}

/** Without an integrity a package could change underneath; with a foreign address it would not install elsewhere. */
function judgeOrigin(path: string, { integrity, resolved }: LockedPackage): readonly string[] {
  const foreign = resolved !== undefined && !resolved.startsWith("https://registry.npmjs.org/");
  return [
    ...(integrity === undefined ? [`${path}: the lock holds no integrity`] : []),
    ...(foreign ? [`${path}: comes from ${resolved}, not from the public registry`] : []),
  ];
}

/**
 * npm leaves optional packages out of the lock when the registry lacks their platform at that moment, and does not put
 * back what was cut out by hand; either way `npm ci` refuses the lock elsewhere.
 */
function missingEntries(installed: readonly (readonly [string, LockedPackage])[]): readonly string[] {
  const names = new Set(installed.map(([path]) => nameOf(path)));
  return installed.flatMap(([path, { dependencies, optionalDependencies }]) =>
    Object.keys({ ...dependencies, ...optionalDependencies })
      .filter((needed) => !names.has(needed))
      .map((needed) => `${nameOf(path)}: its dependency ${needed} has no entry in the lock`),
  );
}

function undecidedScripts(
  installed: readonly (readonly [string, LockedPackage])[],
  decided: Readonly<Record<string, boolean>>,
): readonly string[] {
  return installed
    .filter(([path, { hasInstallScript }]) => hasInstallScript && !Object.hasOwn(decided, nameOf(path)))
    .map(([path]) => `${nameOf(path)}: has an install script; allow or deny it in package.json's allowScripts`);
}

function unpinned(root: string, folder: string): readonly string[] {
  const manifest = readJson<Manifest>(root, join(folder, "package.json"));
  const all = { ...manifest.dependencies, ...manifest.devDependencies, ...manifest.optionalDependencies };
  return Object.entries(all)
    .filter(([name, range]) => !name.startsWith("@distribution/") && !/^(npm:.+@)?\d+\.\d+\.\d+[\w.+-]*$/.test(range))
    .map(([name, range]) => `${join(folder, "package.json")}: ${name} "${range}" is not an exact version`);
}

const nameOf = (path: string): string => path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length);

const readJson = <T>(root: string, file: string): T => JSON.parse(readFileSync(join(root, file), "utf8")) as T;
