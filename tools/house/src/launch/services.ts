/** Which services there are: the apps whose package.json has an Nx target `serve`. */
import { globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

export interface LaunchedService {
  /** As people call it, for example `market-data`. */
  readonly name: string;
  /** Its Nx project, for example `market-data-distribution`. */
  readonly project: string;
  /** The file to run, relative to the checkout. */
  readonly main: string;
}

/** As much of a package.json as is read here. */
interface Manifest {
  readonly nx?: { readonly name?: string; readonly targets?: Readonly<Record<string, object>> };
}

/** By their names, or by those of their Nx projects; all when none is named. Throws RangeError with the names that there are. */
export function findServices(root: string, wanted: readonly string[] = []): readonly LaunchedService[] {
  const all = globSync("apps/*/package.json", { cwd: root })
    .sort()
    .flatMap((file): LaunchedService[] => {
      const { nx } = JSON.parse(readFileSync(join(root, file), "utf8")) as Manifest;
      if (nx?.name === undefined || nx.targets?.["serve"] === undefined) return [];
      const name = nx.name.replace(/-distribution$/, "");
      return [{ name, project: nx.name, main: join(dirname(file), "src/main.ts") }];
    });
  const unknown = wanted.find((each) => !all.some(({ name, project }) => each === name || each === project));
  if (unknown !== undefined) {
    throw new RangeError(`There is no service "${unknown}"; name some of ${all.map(({ name }) => name).join(", ")}.`);
  }
  return wanted.length === 0
    ? all
    : all.filter(({ name, project }) => wanted.includes(name) || wanted.includes(project));
}
