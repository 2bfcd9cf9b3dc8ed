/**
 * The steps that every domain needs. Each is checked when it is made, `invalid_request` at
 * the argument in question, and has its verb as its name unless it is given another.
 */
import { fieldError } from "../errors.ts";
import type { Draft, JsonValue, Step } from "./contract.ts";
import { type Path, parsePath, parsePaths, pickPaths, putAt, replaceAt, valueAt } from "./paths.ts";

/** What a masked value becomes. */
export const MASK = "***";

/** Any function as a step. */
export function step(name: string, run: Step["run"]): Step {
  if (name === "") throw fieldError("invalid_request", "name", "A step needs a name, by which errors call it.");
  return { name, run };
}

/** Keeps only what lies at the paths of the payload. */
export function project(paths: readonly string[], name = "project"): Step {
  const parsed = parsePaths(paths, "project");
  return onPayload(name, (payload) => pickPaths(payload, parsed));
}

/** Removes what lies at the paths of the payload. */
export function omit(paths: readonly string[], name = "omit"): Step {
  const parsed = parsePaths(paths, "omit");
  return onPayload(name, (payload) => parsed.reduce((value, path) => replaceAt(value, path, () => undefined), payload));
}

/** Replaces what lies at the paths of the payload by `***`; where the schema wants no text there, use `omit`. */
export function mask(paths: readonly string[], name = "mask"): Step {
  const parsed = parsePaths(paths, "mask");
  return onPayload(name, (payload) => parsed.reduce((value, path) => replaceAt(value, path, () => MASK), payload));
}

/**
 * Moves members of the payload: from path to path, all at once, so that two may change places. What is absent stays
 * absent; what stands at the new place is replaced.
 */
export function rename(moves: Readonly<Record<string, string>>, name = "rename"): Step {
  const froms = parsePaths(Object.keys(moves), "rename");
  const tos = Object.values(moves).map((to, index) => parsePath(to, `rename[${index}]`));
  return onPayload(name, (payload) => {
    const values = froms.map((from) => valueAt(payload, from));
    const without = froms.reduce((value, from) => replaceAt(value, from, () => undefined), payload);
    return tos.reduce<JsonValue>((value, to, index) => {
      const moved = values[index];
      return moved === undefined ? value : putAt(value, to, moved);
    }, without);
  });
}

/** Has the payload encoded as this media type: `application/json` or `application/protobuf`, checked by the pipeline. */
export function convert(contentType: "application/json" | "application/protobuf", name = "convert"): Step {
  return step(name, ({ event, payload }) => {
    if (payload === undefined) throw noPayload();
    return { event: { ...event, contentType }, payload };
  });
}

/** Sets the event's key to the texts or numbers at these paths of the payload, joined by colons. */
export function setKey(paths: readonly string[], name = "setKey"): Step {
  const parsed = parsePaths(paths, "setKey");
  return step(name, ({ event, payload }) => {
    const key = parsed.map((path) => keyPart(payload, path)).join(":");
    return { event: { ...event, key }, payload };
  });
}

/**
 * Puts what `find` knows about the event at the path of the payload; nothing where it knows nothing. `find` answers at
 * once, from memory. What it knows changes while time passes, so a repeated event may come out otherwise: it is known by
 * its source and id all the same.
 */
export function enrich(into: string, find: (draft: Draft) => JsonValue | undefined, name = "enrich"): Step {
  const path = parsePath(into, "enrich");
  return step(name, (draft) => {
    if (draft.payload === undefined) throw noPayload();
    const found = find(draft);
    return found === undefined ? draft : { ...draft, payload: putAt(draft.payload, path, found) };
  });
}

function onPayload(name: string, change: (payload: JsonValue) => JsonValue): Step {
  return step(name, (draft) => {
    if (draft.payload === undefined) throw noPayload();
    return { ...draft, payload: change(draft.payload) };
  });
}

function keyPart(payload: JsonValue | undefined, path: Path): string {
  const value = valueAt(payload, path);
  if (typeof value === "string" || typeof value === "number") return String(value);
  throw fieldError("invalid_event", `data.${path.join(".")}`, "The key is made of it: send a text or a number.");
}

function noPayload() {
  return fieldError("invalid_event", "content_type", "The payload is neither JSON nor protobuf. Send one of them.");
}
