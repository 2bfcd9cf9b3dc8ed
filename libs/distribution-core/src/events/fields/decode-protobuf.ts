/** Protobuf payloads to values, the whole of them. */
import { type DescField, type DescMessage, fromBinary } from "@bufbuild/protobuf";
import { type ReflectList, type ReflectMap, type ReflectMessage, reflect } from "@bufbuild/protobuf/reflect";
import { DECIMAL, enumName, hasImplicitPresence, isPlainMessage, itemKind } from "./schema.ts";
import type { MessageFactory, Value } from "./value.ts";

/** Throws on bytes that are no such message. */
export function decodeProtobuf(bytes: Uint8Array, message: DescMessage, create: MessageFactory): Value {
  return toMap(reflect(message, fromBinary(message, bytes)), create);
}

function toMap(message: ReflectMessage, create: MessageFactory): Map<string, Value> {
  const fields = create(message.desc);
  for (const field of message.fields) {
    if (!message.isSet(field) && hasExplicitPresence(field)) continue;
    const value = toField(field, message.get(field), create);
    if (value !== undefined) fields.set(field.name, value);
  }
  return fields;
}

function hasExplicitPresence(field: DescField): boolean {
  return field.fieldKind !== "list" && field.fieldKind !== "map" && !hasImplicitPresence(field);
}

function toField(field: DescField, value: unknown, create: MessageFactory): Value | undefined {
  if (field.fieldKind === "list") {
    return [...(value as ReflectList)].flatMap((item) => toItem(field, item, create) ?? []);
  }
  if (field.fieldKind !== "map") return toItem(field, value, create);
  const entries = new Map<unknown, Value>();
  for (const [key, item] of value as ReflectMap) {
    const decoded = toItem(field, item, create);
    if (decoded !== undefined) entries.set(typeof key === "number" ? BigInt(key) : key, decoded);
  }
  return entries;
}

function toItem(field: DescField, value: unknown, create: MessageFactory): Value | undefined {
  if (field.message) return isPlainMessage(field.message) ? toMap(value as ReflectMessage, create) : undefined;
  switch (itemKind(field)) {
    case "int":
      return BigInt(value as number | bigint);
    case "enum":
      return enumName(field, value as number);
    case "decimal":
      return DECIMAL.test(value as string) ? Number(value) : undefined;
    default:
      return value as Value;
  }
}
