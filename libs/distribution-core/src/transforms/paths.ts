/** Places in a JSON payload: member names joined by dots; a path through a list means each of its elements. */
import { fieldError } from "../errors.ts";
import type { JsonObject, JsonValue } from "./contract.ts";

/** Most paths of one step, and most names in one path. */
export const MAX_PATHS = 256;
export const MAX_PATH_NAMES = 32;

export type Path = readonly string[];

/** Throws `invalid_request` at `place`[i] on a path that has empty or too many names, and on too many or no paths. */
export function parsePaths(paths: readonly string[], place: string): readonly Path[] {
  if (paths.length === 0 || paths.length > MAX_PATHS) {
    throw fieldError("invalid_request", place, `There are ${paths.length} paths. Name 1 to ${MAX_PATHS}.`);
  }
  return paths.map((path, index) => parsePath(path, `${place}[${index}]`));
}

export function parsePath(path: string, place: string): Path {
  const names = path.split(".");
  if (names.length <= MAX_PATH_NAMES && names.every((name) => name !== "" && name !== "__proto__")) return names;
  const message = `${JSON.stringify(path)} is no path. Join 1 to ${MAX_PATH_NAMES} member names by dots.`;
  throw fieldError("invalid_request", place, message);
}

/** Only what a payload itself has counts: `constructor` is a member like any other. */
export function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function isList(value: JsonValue | undefined): value is readonly JsonValue[] {
  return Array.isArray(value);
}

/** The value at the path; undefined when there is none, or a list on the way. */
export function valueAt(value: JsonValue | undefined, path: Path): JsonValue | undefined {
  let at = value;
  for (const name of path) {
    if (!isObject(at) || !Object.hasOwn(at, name)) return undefined;
    at = at[name];
  }
  return at;
}

/** The value with what lies at the path replaced; unchanged where there is nothing. `undefined` removes it. */
export function replaceAt(
  value: JsonValue,
  path: Path,
  replace: (value: JsonValue) => JsonValue | undefined,
): JsonValue {
  if (isList(value)) return value.map((element) => replaceAt(element, path, replace));
  const [name, ...rest] = path;
  if (name === undefined || !isObject(value) || !Object.hasOwn(value, name)) return value;
  const before = value[name]!;
  const after = rest.length === 0 ? replace(before) : replaceAt(before, rest, replace);
  return fromEntries(
    Object.entries(value).flatMap(([key, member]) => {
      if (key !== name) return [[key, member]];
      return after === undefined ? [] : [[key, after]];
    }),
  );
}

/** The value with this one at the path, objects on the way made as needed. What stands in the way is replaced. */
export function putAt(value: JsonValue | undefined, path: Path, put: JsonValue): JsonValue {
  const [name, ...rest] = path;
  if (name === undefined) return put;
  const base = isObject(value) ? value : {};
  const inner = Object.hasOwn(base, name) ? base[name] : undefined;
  return fromEntries([...Object.entries(base).filter(([key]) => key !== name), [name, putAt(inner, rest, put)]]);
}

/** Only what lies at the paths; lists keep their elements, each cut likewise. */
export function pickPaths(value: JsonValue, paths: readonly Path[]): JsonValue {
  if (isList(value)) return value.map((element) => pickPaths(element, paths));
  if (!isObject(value) || paths.some((path) => path.length === 0)) return value;
  const below = Map.groupBy(paths, (path) => path[0]!);
  return fromEntries(
    Object.entries(value).flatMap(([name, member]) => {
      const inner = below.get(name);
      return inner
        ? [
            [
              name,
              pickPaths(
                member,
                inner.map((path) => path.slice(1)),
              ),
            ],
          ]
        : [];
    }),
  );
}

/** Unlike assignment, this makes `__proto__` a member. */
function fromEntries(entries: readonly (readonly [string, JsonValue])[]): JsonObject {
  return Object.fromEntries(entries);
}
