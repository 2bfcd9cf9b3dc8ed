/** The messages of frames.proto, turned once into what the JSON reader and writer need. */
import { type DescEnum, type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import { messageOf } from "@distribution/proto-types/descriptors";

export type ScalarKind = "string" | "bool" | "uint32" | "int64" | "uint64" | "double";

export type ValueType =
  | { readonly kind: ScalarKind }
  /** `values` by every spelling that is read: `DELIVERY_MODE_LATEST` and `latest`. */
  | { readonly kind: "enum"; readonly values: ReadonlyMap<string, string>; readonly unspecified: string }
  | { readonly kind: "message"; readonly shape: MessageShape };

/** Beside values distribution.v1.Event, only ever in a list: CloudEvents objects in JSON. */
export type FieldType = ValueType | { readonly kind: "event" };

export interface FieldShape {
  /** lowerCamelCase, in JSON and in the generated types alike. */
  readonly name: string;
  readonly list: boolean;
  /** Without it an absent field has its default value. */
  readonly presence: boolean;
  readonly type: FieldType;
  /** The oneof's property in the generated types: `{ $case, value }`. */
  readonly oneof: string | undefined;
}

export interface MessageShape {
  readonly fields: readonly FieldShape[];
  /** By both names that JSON may use: `maxRate` and `max_rate`. A Map, so that `__proto__` is just another unknown name. */
  readonly byName: ReadonlyMap<string, FieldShape>;
}

const SCALARS: ReadonlyMap<ScalarType, ScalarKind> = new Map([
  [ScalarType.STRING, "string"],
  [ScalarType.BOOL, "bool"],
  [ScalarType.UINT32, "uint32"],
  [ScalarType.INT64, "int64"],
  [ScalarType.UINT64, "uint64"],
  [ScalarType.DOUBLE, "double"],
]);

const EVENT = "distribution.v1.Event";

/** Presence as descriptors tell it: FeatureSet.FieldPresence.EXPLICIT. */
const EXPLICIT = 1;

export const CLIENT_FRAME = shapeOf(messageOf("distribution.v1.ClientFrame"));
export const SERVER_FRAME = shapeOf(messageOf("distribution.v1.ServerFrame"));

/** Throws at start when frames.proto uses a kind of field that the JSON form has no rule for: maps, bytes, floats, a lone event. */
export function shapeOf(message: DescMessage): MessageShape {
  const fields = message.fields.map(fieldShape);
  const byName = new Map<string, FieldShape>();
  for (const [index, field] of fields.entries()) {
    byName.set(field.name, field);
    byName.set(message.fields[index]!.name, field);
  }
  return { fields, byName };
}

/** The field's value in a message of the generated types; undefined when it is absent or another member of its oneof is set. */
export function memberOf(field: FieldShape, message: Readonly<Record<string, unknown>>): unknown {
  if (field.oneof === undefined) return message[field.name];
  const chosen = message[field.oneof] as { readonly $case: string; readonly value: unknown } | undefined;
  return chosen?.$case === field.name ? chosen.value : undefined;
}

function fieldShape(field: DescField): FieldShape {
  return {
    name: field.jsonName,
    list: field.fieldKind === "list",
    presence: field.fieldKind === "message" || (field.fieldKind !== "list" && field.presence === EXPLICIT),
    type: fieldType(field),
    oneof: field.oneof?.localName,
  };
}

function fieldType(field: DescField): FieldType {
  if (field.enum) return enumType(field.enum);
  if (field.message && field.fieldKind !== "map") {
    if (field.message.typeName !== EVENT) return { kind: "message", shape: shapeOf(field.message) };
    if (field.fieldKind === "list") return { kind: "event" };
  }
  const kind = field.scalar === undefined || field.fieldKind === "map" ? undefined : SCALARS.get(field.scalar);
  if (!kind) throw new Error(`${field.toString()}: the JSON form of frames has no rule for this kind of field`);
  return { kind };
}

function enumType(definition: DescEnum): FieldType {
  const unspecified = definition.values[0]!.name;
  const prefix = unspecified.slice(0, -"UNSPECIFIED".length);
  const values = new Map<string, string>();
  for (const { name } of definition.values) {
    values.set(name, name);
    values.set(name.slice(prefix.length).toLowerCase().replaceAll("_", "-"), name);
  }
  return { kind: "enum", values, unspecified };
}
