import { DistributionError, fieldError } from "../errors.ts";

/** Where an event stands in what its sender sent: its index in the batch, or a path. A number costs nothing until an error is made. */
export type EventPath = number | string;

/** A path that is put together only when an error needs it. */
export type LazyPath = EventPath | (() => string);

export function pathText(path: LazyPath): string {
  if (typeof path === "function") return path();
  return typeof path === "number" ? `events[${path}]` : path;
}

/** An `invalid_event` at `path`, or at `member` below it. */
export function invalidEvent(path: LazyPath, message: string, member = ""): DistributionError {
  const base = pathText(path);
  return fieldError(
    "invalid_event",
    member === "" ? base : `${base}${member.startsWith("[") ? "" : "."}${member}`,
    message,
  );
}

/** Shortens what a sender wrote for use in an error message: at most 40 characters, quoted, control characters escaped. */
export function excerpt(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}...` : text);
}

/** Runs a library's decoder; whatever it throws becomes an `invalid_event` at `path` with the library's own words. */
export function asInvalidEvent<T>(path: LazyPath, run: () => T): T {
  try {
    return run();
  } catch (failure) {
    if (failure instanceof DistributionError) throw failure;
    throw invalidEvent(path, failure instanceof Error ? failure.message : "It cannot be read.");
  }
}
