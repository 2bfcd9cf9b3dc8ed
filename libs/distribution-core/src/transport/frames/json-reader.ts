/**
 * JSON values into frames: the proto3 JSON mapping, driven by the descriptors and stricter than it. Unknown fields are refused,
 * 32-bit numbers are JSON numbers, enums are names (`DELIVERY_MODE_LATEST` or `latest`), an event is a CloudEvents object.
 * `null` is an absent field, as the mapping says.
 */
import { DistributionError, fieldError } from "../../errors.ts";
import { parseCloudEvent } from "../../events/cloudevents/reader.ts";
import { elementsOf, membersOf, skipSpace } from "../../events/json-text.ts";
import { expected, readEnum, SCALAR_READERS } from "./json-scalars.ts";
import type { FieldShape, FieldType, MessageShape, ValueType } from "./shape.ts";
import { suggest } from "./suggest.ts";

/** Shortest spelling of a hostile name in an error message. */
const NAME_SHOWN = 64;

type Message = Record<string, unknown>;

/**
 * The frame in the form of the generated types; `value` is what `text` parsed to, which events are cut out of, so that their numbers
 * keep their digits. Throws `bad_frame` when it is no object or of two kinds, `invalid_request` with the field's path,
 * `invalid_event` for an event.
 */
export function readFrame(shape: MessageShape, value: unknown, text: string): Message {
  if (!isObject(value)) throw new DistributionError("bad_frame", 'A frame is a JSON object, for example {"ping":{}}.');
  return readMessage(shape, value, "", text);
}

/** What stands at `ref`. */
export function refOf(value: unknown): unknown {
  return isObject(value) ? value["ref"] : undefined;
}

function readMessage(shape: MessageShape, value: unknown, path: string, text: string): Message {
  if (!isObject(value)) throw expected(path, objectOf(shape), value);
  const message = emptyMessage(shape);
  const seen = new Map<string, string>();
  for (const [name, member] of Object.entries(value)) {
    const field = shape.byName.get(name);
    if (!field) throw unknownField(shape, path, name);
    refuseSecond(field, name, seen, path);
    if (member === null) continue;
    const here = join(path, name);
    const read =
      field.list || field.type.kind === "event"
        ? readList(field.type, member, here, text)
        : readValue(field.type, member, here, text);
    if (field.oneof === undefined) message[field.name] = read;
    else message[field.oneof] = { $case: field.name, value: read };
    seen.set(field.oneof ?? field.name, name);
  }
  return message;
}

/** What may stand there, for an error. */
function objectOf({ fields }: MessageShape): string {
  if (fields.length === 0) return "an object";
  const which = fields.every(({ oneof }) => oneof !== undefined) ? "one" : "any";
  return `an object with ${which} of ${fields.map(({ name }) => name).join(", ")}`;
}

function isObject(value: unknown): value is Message {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A message with nothing set, with the defaults that the generated types ask for. */
function emptyMessage(shape: MessageShape): Message {
  const message: Message = {};
  for (const field of shape.fields) {
    if (field.oneof !== undefined) message[field.oneof] = undefined;
    else message[field.name] = field.list ? [] : field.presence ? undefined : defaultOf(field.type);
  }
  return message;
}

function defaultOf(type: FieldType): unknown {
  switch (type.kind) {
    case "string":
      return "";
    case "bool":
      return false;
    case "uint32":
    case "double":
      return 0;
    case "int64":
    case "uint64":
      return 0n;
    case "enum":
      return type.unspecified;
    case "message":
    case "event":
      return undefined;
  }
}

function readList(type: FieldType, value: unknown, path: string, text: string): unknown[] {
  if (!Array.isArray(value)) throw expected(path, "a list", value);
  if (type.kind === "event") return readEvents(path, text);
  return value.map((member, index) => readValue(type, member, `${path}[${index}]`, text));
}

function readEvents(path: string, text: string): unknown[] {
  let start = skipSpace(text, 0);
  // No list is above an event, so the path is the names of the members that lead to it.
  for (const name of path.split(".")) start = membersOf(text, start).find((member) => member.name === name)!.start;
  return elementsOf(text, start).map((span, index) =>
    parseCloudEvent(text.slice(span.start, span.end), `${path}[${index}]`),
  );
}

function readValue(type: ValueType, value: unknown, path: string, text: string): unknown {
  switch (type.kind) {
    case "enum":
      return readEnum(type, value, path);
    case "message":
      return readMessage(type.shape, value, path, text);
    default:
      return SCALAR_READERS[type.kind](value, path);
  }
}

/** The same field under both of its names, or two members of one oneof. */
function refuseSecond(field: FieldShape, name: string, seen: ReadonlyMap<string, string>, path: string): void {
  const first = seen.get(field.oneof ?? field.name);
  if (first === undefined) return;
  const message = `${first} is set already; send one of them`;
  if (path === "")
    throw new DistributionError("bad_frame", `${name}: ${message}`, { errors: [{ path: name, message }] });
  throw fieldError("invalid_request", join(path, name), message);
}

function unknownField(shape: MessageShape, path: string, name: string): DistributionError {
  const meant = suggest(
    name,
    shape.fields.map((field) => field.name),
  );
  const shown = name.length > NAME_SHOWN ? `${name.slice(0, NAME_SHOWN)}...` : name;
  const hint =
    meant === undefined
      ? `; known are ${shape.fields.map((field) => field.name).join(", ")}`
      : `; did you mean ${meant}?`;
  return fieldError("invalid_request", join(path, shown), `unknown field${hint}`);
}

const join = (path: string, name: string): string => (path === "" ? name : `${path}.${name}`);
