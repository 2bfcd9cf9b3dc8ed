/** JSON payloads to values, the whole of them: with a schema by the rules of proto3 JSON, without one as they are. */
import type { DescField, DescMessage } from "@bufbuild/protobuf";
import { MAX_DEPTH } from "./json-cursor.ts";
import { isInt32 } from "./numbers.ts";
import { DECIMAL, enumName, hasImplicitPresence, isPlainMessage, itemKind } from "./schema.ts";
import type { MessageFactory, Value } from "./value.ts";

/** JSON with Maps for objects, so that no name is special, and integers beyond 2^53 as bigint, so that no digit is lost. */
export function parseJson(text: string): Value {
  const revive = (_name: string, value: unknown, context?: { source?: string }): unknown => {
    if (typeof value === "number") {
      const source = context?.source ?? "";
      return !Number.isSafeInteger(value) && /^-?\d+$/.test(source) ? BigInt(source) : value;
    }
    if (typeof value !== "object" || value === null || Array.isArray(value) || value instanceof Map) return value;
    return new Map(Object.entries(value));
  };
  return JSON.parse(text, revive) as Value;
}

/** Throws on what is no JSON, or nested deeper than readers go. */
export function decodeJson(bytes: Uint8Array, message: DescMessage | undefined, create: MessageFactory): Value {
  const value = parseJson(Buffer.from(bytes).toString("utf8"));
  if (depthOf(value) > MAX_DEPTH) throw new RangeError(`a payload is nested ${MAX_DEPTH} deep at most`);
  return message ? toMessage(value, message, create) : value;
}

function depthOf(value: Value): number {
  if (!Array.isArray(value) && !(value instanceof Map)) return 0;
  let deepest = 0;
  for (const inner of value.values()) deepest = Math.max(deepest, depthOf(inner));
  return deepest + 1;
}

/** Field by field: a value of another type than the schema's leaves its own field absent, not the whole payload unread. */
function toMessage(value: Value, message: DescMessage, create: MessageFactory): Value {
  const fields = create(message);
  const given = value instanceof Map ? value : new Map<unknown, Value>();
  for (const field of message.fields) {
    const item = given.get(field.jsonName || field.name) ?? given.get(field.name) ?? null;
    const decoded = item === null ? zeroOf(field) : toField(field, item, create);
    if (decoded !== undefined) fields.set(field.name, decoded);
  }
  return fields;
}

/** What the field reads as when it is not given; undefined where it is absent then. */
function zeroOf(field: DescField): Value | undefined {
  if (field.fieldKind === "list") return [];
  if (field.fieldKind === "map") return new Map();
  if (!hasImplicitPresence(field)) return undefined;
  switch (itemKind(field)) {
    case "int":
      return 0n;
    case "double":
      return 0;
    case "bool":
      return false;
    case "enum":
      return enumName(field, 0);
    case "bytes":
      return new Uint8Array(0);
    default:
      return "";
  }
}

function toField(field: DescField, value: Value, create: MessageFactory): Value | undefined {
  if (field.fieldKind === "list") {
    return Array.isArray(value) ? value.flatMap((item) => toItem(field, item, create) ?? []) : [];
  }
  if (field.fieldKind !== "map") return toItem(field, value, create);
  const entries = new Map<unknown, Value>();
  for (const [name, item] of value instanceof Map ? value : []) {
    const decoded = toItem(field, item, create);
    if (decoded !== undefined) entries.set(mapKey(field.mapKey, String(name)), decoded);
  }
  return entries;
}

function mapKey(type: number, name: string): unknown {
  if (type === 9) return name;
  if (type === 8) return name === "true";
  return /^-?\d+$/.test(name) ? BigInt(name) : name;
}

function toItem(field: DescField, value: Value, create: MessageFactory): Value | undefined {
  if (field.message) {
    return isPlainMessage(field.message) && value instanceof Map ? toMessage(value, field.message, create) : undefined;
  }
  switch (itemKind(field)) {
    case "int":
      return toInt(value);
    case "double":
      return toDouble(value);
    case "decimal":
      return typeof value === "string" && DECIMAL.test(value) ? Number(value) : undefined;
    case "bool":
      return typeof value === "boolean" ? value : undefined;
    case "enum":
      if (typeof value === "string") return value;
      return typeof value === "number" && isInt32(value) ? enumName(field, value) : undefined;
    case "bytes":
      return typeof value === "string" ? new Uint8Array(Buffer.from(value, "base64")) : undefined;
    default:
      return typeof value === "string" ? value : undefined;
  }
}

function toInt(value: Value): bigint | undefined {
  if (typeof value === "bigint") return value;
  if (typeof value === "number") return Number.isInteger(value) ? BigInt(value) : undefined;
  return typeof value === "string" && /^-?\d+$/.test(value) ? BigInt(value) : undefined;
}

function toDouble(value: Value): number | undefined {
  if (typeof value === "number" || typeof value === "bigint") return Number(value);
  if (typeof value !== "string" || value === "" || value.trim() !== value) return undefined;
  const number = Number(value);
  return value === "NaN" || !Number.isNaN(number) ? number : undefined;
}
