/** Checks a JSON payload against the proto3 JSON mapping of its message, field by field, with the path in every error. */
import { type DescMessage, fromJson, ScalarType } from "@bufbuild/protobuf";
import { memberPath } from "../json-text.ts";
import { asInvalidEvent, type EventPath, excerpt, invalidEvent, pathText } from "../path.ts";
import { DECIMAL_RULE, isDecimalText } from "./decimal.ts";
import { scalarFault } from "./json-scalars.ts";
import { type FieldPlan, fieldOf, MAX_MESSAGE_DEPTH, MEMBER_RULE, MESSAGE_TYPE, type MessagePlan } from "./plan.ts";

/** Where a value is: a chain that becomes a path only in an error. */
interface Place {
  readonly parent: Place | undefined;
  readonly member: string | number;
}

/**
 * Throws `invalid_event` below `path` unless the value is a payload of the message. The value went through `parseJson` or
 * `checkJsonValue`: its depth is bounded, and it has no `__proto__`. `wanted`: the field of a oneof that has to be set.
 */
export function checkJsonPayload(message: MessagePlan, value: unknown, path: EventPath, wanted?: FieldPlan): void {
  const place = { parent: undefined, member: pathText(path) };
  checkMessage(message, value, place, 1);
  if (wanted === undefined || !isObject(value)) return;
  if ((value[wanted.name] ?? value[wanted.jsonName] ?? null) === null) {
    throw fault(below(place, wanted.name), MEMBER_RULE);
  }
}

function checkMessage(message: MessagePlan, value: unknown, place: Place, depth: number): void {
  if (depth > MAX_MESSAGE_DEPTH) {
    throw fault(place, `Messages are nested deeper than ${MAX_MESSAGE_DEPTH} levels, the limit. Flatten them.`);
  }
  if (message.wellKnown) {
    const desc = message.desc!;
    asInvalidEvent(
      () => pathOf(place),
      () => fromJson(desc as DescMessage, value as Parameters<typeof fromJson>[1]),
    );
    return;
  }
  if (!isObject(value)) throw fault(place, `It is a JSON object: a ${message.typeName}.`);
  let oneofs = 0;
  for (const name of Object.keys(value)) {
    const field = message.byName.get(name);
    if (field === undefined) throw unknownField(message, name, place);
    if (name !== field.jsonName && Object.hasOwn(value, field.jsonName)) {
      throw fault(below(place, name), "The field is there under its other name too. Send it once.");
    }
    const member = value[name];
    if (member === null && !(field.shape === "single" && nullIsValue(field))) continue;
    if ((oneofs & field.oneof) !== 0)
      throw fault(below(place, name), "Another field of its oneof is set. Send one of them.");
    oneofs |= field.oneof;
    checkField(field, member, place, name, depth);
  }
}

function checkField(field: FieldPlan, value: unknown, place: Place, name: string, depth: number): void {
  if (field.shape === "single") checkValue(field, value, place, name, depth);
  else if (field.shape === "list") {
    const list = below(place, name);
    if (!Array.isArray(value)) throw fault(list, "It is a JSON list.");
    for (let index = 0; index < value.length; index++) checkValue(field, value[index], list, index, depth);
  } else checkMap(field, value, below(place, name), depth);
}

function checkMap(field: FieldPlan, value: unknown, place: Place, depth: number): void {
  if (!isObject(value)) throw fault(place, "It is a JSON object with the map's keys as names.");
  const key = fieldOf(field.message!, 1)!;
  const entry = fieldOf(field.message!, 2)!;
  for (const name of Object.keys(value)) {
    const found = keyFault(key, name);
    if (found !== undefined) throw fault(below(place, name), found);
    // An entry is a message of its own in protobuf: it counts as a level there, so it does here.
    checkValue(entry, value[name], place, name, depth + 1);
  }
}

function checkValue(field: FieldPlan, value: unknown, place: Place, member: string | number, depth: number): void {
  if (field.type === MESSAGE_TYPE) {
    if (value === null && !nullIsValue(field)) throw fault(below(place, member), "It is not null here.");
    checkMessage(field.message!, value, below(place, member), depth + 1);
    return;
  }
  const found = scalarFault(field, value);
  if (found !== undefined) throw fault(below(place, member), found);
  if (field.decimal && !isDecimalText(value as string)) throw fault(below(place, member), DECIMAL_RULE);
}

/** Integer keys have one spelling, so that no two names mean one key. */
function keyFault(key: FieldPlan, name: string): string | undefined {
  if (key.type === ScalarType.STRING) return name.isWellFormed() ? undefined : "The key is not valid Unicode.";
  if (key.type === ScalarType.BOOL)
    return name === "true" || name === "false" ? undefined : "The key is true or false.";
  if (!/^(?:0|-?[1-9]\d*)$/.test(name)) return "The key is an integer without leading zeros.";
  return scalarFault(key, name);
}

/** For google.protobuf.Value and NullValue null is a value; elsewhere it means that the field is not set. */
function nullIsValue(field: FieldPlan): boolean {
  return field.enum?.isNull === true || field.message?.typeName === "google.protobuf.Value";
}

function unknownField(message: MessagePlan, name: string, place: Place) {
  const known = [...message.dense, ...message.sparse.values()].flatMap((field) => field?.name ?? []);
  const shown = known.length > 20 ? `${known.slice(0, 20).join(", ")} ...` : known.join(", ");
  return fault(below(place, name), `${message.typeName} has no field ${excerpt(name)}. Its fields are: ${shown}.`);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function below(parent: Place, member: string | number): Place {
  return { parent, member };
}

function pathOf(place: Place): string {
  return place.parent === undefined ? String(place.member) : memberPath(pathOf(place.parent), place.member);
}

function fault(place: Place, message: string) {
  return invalidEvent(pathOf(place), message);
}
