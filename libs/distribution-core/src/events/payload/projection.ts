/** Cutting payloads down to some of their fields, without decoding what is kept. */
import { fieldError } from "../../errors.ts";
import { elementsOf, jsonText, membersOf, skipSpace } from "../json-text.ts";
import { payloadKind } from "../media.ts";
import { excerpt, invalidEvent } from "../path.ts";
import { lengthSize, WIRE, WireReader, writeLength } from "../wire.ts";
import { type FieldPlan, fieldOf, MAX_MESSAGE_DEPTH, MESSAGE_TYPE, type MessagePlan } from "./plan.ts";

/** Most paths of one projection. */
export const MAX_PROJECTION_PATHS = 256;

/** The fields of a message to keep: whole, or with a tree of their own. */
export type ProjectionTree = Map<FieldPlan, ProjectionTree | "whole">;

const PATH = "event.data";

/**
 * Throws `invalid_request` at `path`[i] on a path that the message does not have; see PayloadCodec.checkPaths. A path
 * that leads to a message keeps all of it, whatever longer paths say.
 */
export function planProjection(message: MessagePlan, paths: readonly string[], path: string): ProjectionTree {
  if (paths.length > MAX_PROJECTION_PATHS) {
    const limit = `There are ${paths.length} paths; the limit is ${MAX_PROJECTION_PATHS}. Name the messages that hold them.`;
    throw fieldError("invalid_request", path, limit);
  }
  const root: ProjectionTree = new Map();
  for (const [index, text] of paths.entries()) addPath(message, root, text, `${path}[${index}]`);
  return root;
}

function addPath(message: MessagePlan, root: ProjectionTree, text: string, place: string): void {
  const names = text.split(".", MAX_MESSAGE_DEPTH + 1);
  if (names.length > MAX_MESSAGE_DEPTH) {
    throw fieldError("invalid_request", place, `The path has more than ${MAX_MESSAGE_DEPTH} names, the limit.`);
  }
  let within = message;
  // Undefined below a message that is kept whole: the rest of the path is only checked.
  let tree: ProjectionTree | undefined = root;
  for (const [index, name] of names.entries()) {
    const field = within.byName.get(name);
    if (field === undefined || field.name !== name) throw unknownName(within, name, place);
    if (index === names.length - 1) {
      tree?.set(field, "whole");
      return;
    }
    if (field.type !== MESSAGE_TYPE || field.shape === "map" || field.message!.wellKnown) {
      throw fieldError("invalid_request", place, `${excerpt(name)} has no fields to choose from. End the path there.`);
    }
    tree = tree === undefined ? undefined : below(tree, field);
    within = field.message!;
  }
}

function below(tree: ProjectionTree, field: FieldPlan): ProjectionTree | undefined {
  const kept = tree.get(field);
  if (kept === "whole") return undefined;
  const next: ProjectionTree = kept ?? new Map();
  tree.set(field, next);
  return next;
}

function unknownName(message: MessagePlan, name: string, place: string) {
  const known = [...message.dense, ...message.sparse.values()].flatMap((field) => field?.name ?? []);
  const shown = `${known.slice(0, 20).join(", ")}${known.length > 20 ? " ..." : ""}`;
  return fieldError(
    "invalid_request",
    place,
    `${message.typeName} has no field ${excerpt(name)}. Its fields are: ${shown}.`,
  );
}

/** The payload with only what the tree keeps, in the format it came in. Throws `invalid_event` on bytes of another format. */
export function projectPayload(
  message: MessagePlan,
  tree: ProjectionTree,
  payload: Uint8Array,
  contentType: string,
): Uint8Array {
  switch (payloadKind(contentType)) {
    case "protobuf":
      return projectProtobuf(message, tree, payload);
    case "json": {
      const text = jsonText(payload, 0, payload.length, PATH);
      return Buffer.from(projectJson(message, tree, text, skipSpace(text, 0), text.length));
    }
    default:
      throw invalidEvent(PATH, `A payload of type ${excerpt(contentType)} has no fields to choose from.`);
  }
}

function projectProtobuf(message: MessagePlan, tree: ProjectionTree, payload: Uint8Array): Uint8Array {
  return new Cutter(payload).cut(message, tree);
}

class Cutter {
  readonly #reader = new WireReader();
  /** What is kept is never longer than what was there. */
  readonly #out: Buffer;
  #pos = 0;

  constructor(payload: Uint8Array) {
    this.#reader.open(payload, 0, payload.length, PATH);
    this.#out = Buffer.allocUnsafe(payload.length);
  }

  cut(message: MessagePlan, tree: ProjectionTree): Uint8Array {
    this.#keepFields(message, tree, this.#reader.end);
    return Uint8Array.prototype.slice.call(this.#out, 0, this.#pos);
  }

  #keepFields(message: MessagePlan, tree: ProjectionTree, end: number): void {
    const reader = this.#reader;
    const outerEnd = reader.end;
    reader.end = end;
    while (reader.pos < end) {
      const fieldStart = reader.pos;
      const tag = reader.tag();
      const field = fieldOf(message, tag >>> 3);
      const kept = field === undefined ? undefined : tree.get(field);
      if (kept === undefined || kept === "whole") {
        reader.skip(tag & 7);
        if (kept !== undefined) this.#copy(fieldStart, reader.pos);
      } else {
        if ((tag & 7) !== WIRE.bytes) reader.fail(`has the message ${field!.name} with wire type ${tag & 7}`);
        this.#copy(fieldStart, reader.pos);
        this.#keepMessage(field!.message!, kept);
      }
    }
    reader.end = outerEnd;
  }

  /** A nested message: its new length is known only afterwards, so room is left for the old one. */
  #keepMessage(message: MessagePlan, tree: ProjectionTree): void {
    const length = this.#reader.length();
    const start = this.#pos;
    const room = start + lengthSize(length);
    this.#pos = room;
    this.#keepFields(message, tree, this.#reader.pos + length);
    const kept = this.#pos - room;
    const contentStart = writeLength(this.#out, start, kept);
    if (contentStart !== room) this.#out.copyWithin(contentStart, room, this.#pos);
    this.#pos = contentStart + kept;
  }

  #copy(start: number, end: number): void {
    const { bytes } = this.#reader;
    for (let at = start; at < end; at++) this.#out[this.#pos++] = bytes[at]!;
  }
}

function projectJson(message: MessagePlan, tree: ProjectionTree, text: string, start: number, end: number): string {
  if (text[start] === "[") {
    const elements = elementsOf(text, start);
    return `[${elements.map((element) => projectJson(message, tree, text, element.start, element.end)).join(",")}]`;
  }
  if (text[start] !== "{") return text.slice(start, end);
  const members: string[] = [];
  for (const member of membersOf(text, start)) {
    const field = message.byName.get(member.name);
    const kept = field === undefined ? undefined : tree.get(field);
    if (kept === undefined) continue;
    const value =
      kept === "whole"
        ? text.slice(member.start, member.end)
        : projectJson(field!.message!, kept, text, member.start, member.end);
    members.push(`${JSON.stringify(member.name)}:${value}`);
  }
  return `{${members.join(",")}}`;
}
