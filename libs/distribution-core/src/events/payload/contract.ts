/** What a topic's payloads are checked, converted and cut with: one codec for one protobuf message. */
import type { EventPath } from "../path.ts";
import type { NotedTexts } from "./noted.ts";
import type { FieldPlan } from "./plan.ts";

/** A field in a oneof of the codec's message. */
export type PayloadMember = FieldPlan;

/**
 * Payloads of one protobuf message, in protobuf or in its proto3 JSON mapping. Everything that can be prepared is
 * prepared when the codec is made. Errors are `invalid_event` at the path of the field in question.
 */
export interface PayloadCodec {
  /** Full name of the message, for example `market_data.v1.Trade`. */
  readonly typeName: string;

  /**
   * Throws `invalid_event` below `path`.data unless the payload at `bytes[start, end)` fits the message:
   * - protobuf: known fields have their wire types, strings are UTF-8, messages nest at most 32 deep, nested ones alike;
   *   unknown fields are well-formed and otherwise free, so that a newer publisher is not refused;
   * - JSON: known field names only, values of the proto3 JSON mapping, each field and name once, no `__proto__`;
   *   64-bit integers beyond 2^53 come as strings, as a JSON number would have lost digits;
   * - either: strings that the schema marks decimal are decimal numbers of at most 64 characters, or empty;
   * - any other content type is refused;
   * - `member` is set.
   */
  validate(
    bytes: Uint8Array,
    start: number,
    end: number,
    contentType: string,
    path: EventPath,
    member?: PayloadMember,
  ): void;

  /** For `validate`: the field of this proto name. Throws Error unless it is in a oneof of the message. */
  member(name: string): PayloadMember;

  /** The texts that the last `validate` which did not throw has noted; valid until the next one. */
  readonly notes: NotedTexts;

  /**
   * From now on `validate` notes where the text at the path (proto names joined by dots) is; returns its place in `notes`. Throws
   * Error unless the message has one string there.
   */
  note(path: string): number;

  /**
   * The proto3 JSON text of a protobuf payload: 64-bit integers as strings, enums by name, bytes as base64, fields
   * without presence left out when zero. Unknown fields are lost.
   */
  toJson(protobuf: Uint8Array): string;

  /** The protobuf payload of a proto3 JSON text or parsed value; checked as `validate` checks. */
  fromJson(json: unknown, path?: EventPath): Uint8Array;

  /**
   * The payload with only the fields at `paths` (see checkPaths), in the format it came in; unknown fields are dropped.
   * Prepared once for each list: pass the same array again. JSON is trusted to have been validated.
   */
  project(payload: Uint8Array, contentType: string, paths: readonly string[]): Uint8Array;

  /**
   * Throws `invalid_request` at `path`[i] unless every path is proto field names joined by dots, for example
   * `order.limit_price`. A path through a repeated field means each of its elements; none goes below a map or a
   * well-known type.
   */
  checkPaths(paths: readonly string[], path?: string): void;
}
