/** Transforms: a pipeline of small pure steps from the event that came to the event, or events, that the log gets. */
import type { Event } from "@distribution/proto-types/distribution/v1/event";

/** A JSON value, as parsed: never changed in place. */
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | JsonObject;

export interface JsonObject {
  readonly [name: string]: JsonValue;
}

/** An event within a pipeline. Its payload is decoded once before the first step and encoded once after the last. */
export interface Draft {
  /** The envelope, and in `data` a payload that is neither JSON nor protobuf. */
  readonly event: Readonly<Event>;
  /** A JSON payload, or the proto3 JSON of a protobuf payload (64-bit integers are strings). Absent: neither of them. */
  readonly payload: JsonValue | undefined;
}

/** One step. It changes nothing in place; it keeps no state, so that a repeated event becomes the same again. */
export interface Step {
  /** For errors and operators. Unique in its pipeline. */
  readonly name: string;
  /**
   * What the draft becomes: another, several, or nothing. Throws `invalid_event`, with a path relative to the event such
   * as `data.price`, on an event that it cannot take.
   */
  run(draft: Draft): Draft | readonly Draft[] | undefined;
}

export interface Pipeline {
  /** The names of its steps, in order. */
  readonly steps: readonly string[];
  /**
   * What the event becomes, each result valid in its envelope and its payload. Throws `invalid_event` at or below `path`
   * (default `event`), naming the step, on an event that a step cannot take or makes invalid.
   */
  apply(event: Event, path?: string): readonly Event[];
}
