/** What kind of value a payload's field holds for filters and readers, by its descriptor. */
import { type DescField, type DescMessage, getOption, ScalarType } from "@bufbuild/protobuf";
import { FeatureSet_FieldPresence } from "@bufbuild/protobuf/wkt";
import { registry } from "@distribution/proto-types/descriptors";

/**
 * `dynamic` is JSON without a schema. `int` is every integer type, `enum` is compared by its value's name, `decimal` is a
 * string with the option distribution.v1.decimal and compared as the nearest double: exact to 15 significant digits.
 */
export type ValueKind = "dynamic" | "string" | "int" | "double" | "bool" | "enum" | "decimal" | "bytes";

export type SchemaKind = Exclude<ValueKind, "dynamic">;

const found = registry.getExtension("distribution.v1.decimal");
if (!found) throw new Error("proto/ defines no option distribution.v1.decimal");
const decimalOption = found;

/** A decimal: sign, digits, fraction. No exponent, no leading plus, no blanks. */
export const DECIMAL = /^-?\d+(?:\.\d+)?$/;

const DOUBLES: ReadonlySet<ScalarType> = new Set([ScalarType.DOUBLE, ScalarType.FLOAT]);

/** The kind of a field's value, of each element for a repeated field; undefined for messages and maps. */
export function kindOf(field: DescField): SchemaKind | undefined {
  return field.fieldKind === "map" ? undefined : itemKind(field);
}

/** The same, of a map's values for a map. */
export function itemKind(field: DescField): SchemaKind | undefined {
  if (field.enum) return "enum";
  if (field.scalar === undefined) return undefined;
  if (field.scalar === ScalarType.STRING) return isDecimal(field) ? "decimal" : "string";
  if (field.scalar === ScalarType.BOOL) return "bool";
  if (field.scalar === ScalarType.BYTES) return "bytes";
  return DOUBLES.has(field.scalar) ? "double" : "int";
}

function isDecimal(field: DescField): boolean {
  return field.fieldKind !== "map" && getOption(field, decimalOption) === true;
}

/**
 * Whether the field reads as its type's zero when it is not in the message. Decimals do not: an empty string is no number.
 */
export function hasImplicitPresence(field: DescField): boolean {
  return (
    (field.fieldKind === "scalar" || field.fieldKind === "enum") &&
    field.presence === FeatureSet_FieldPresence.IMPLICIT &&
    kindOf(field) !== "decimal"
  );
}

/**
 * Messages that filters look into. Those with a JSON form of their own (timestamps, wrappers, Any, Struct) are none:
 * the same path would mean different things in the two encodings.
 */
export function isPlainMessage(message: DescMessage): boolean {
  return !message.typeName.startsWith("google.protobuf.");
}

/** The field's name for an enum's number; numbers that the schema does not know are named by their digits. */
export function enumName(field: DescField, value: number): string {
  return field.enum?.value[value]?.name ?? String(value);
}
