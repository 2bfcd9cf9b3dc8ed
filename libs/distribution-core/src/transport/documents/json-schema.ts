/** Protobuf messages as JSON Schema of their proto3 JSON mapping, with the comments of the .proto files. */
import { type DescEnum, type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import { commentOf } from "./comments.ts";
import type { JsonSchema } from "./operation-document.ts";

/** What a message type is in JSON where that is not its own fields: an event in a frame is a CloudEvent. */
export type SchemaOverrides = Readonly<Record<string, JsonSchema>>;

/**
 * A schema for each root and for every message and enum that they reach, by full name, which is also the last part of
 * the `$ref`s between them (`prefix` + name). Types of `overrides` and the well-known ones are written where they stand.
 */
export function messageSchemas(
  roots: readonly DescMessage[],
  prefix: string,
  overrides: SchemaOverrides = {},
): Readonly<Record<string, JsonSchema>> {
  const schemas: Record<string, JsonSchema> = {};
  const open: (DescMessage | DescEnum)[] = [...roots];
  const refer = (type: DescMessage | DescEnum): JsonSchema => {
    const inline = overrides[type.typeName] ?? WELL_KNOWN[type.typeName];
    if (inline) return inline;
    open.push(type);
    return { $ref: prefix + type.typeName };
  };
  for (let type = open.pop(); type; type = open.pop()) {
    if (type.typeName in schemas) continue;
    schemas[type.typeName] = type.kind === "message" ? messageSchema(type, refer) : enumSchema(type);
  }
  return Object.fromEntries(Object.entries(schemas).sort(([a], [b]) => (a < b ? -1 : 1)));
}

type Refer = (type: DescMessage | DescEnum) => JsonSchema;

function messageSchema(message: DescMessage, refer: Refer): JsonSchema {
  const properties: Record<string, JsonSchema> = {};
  for (const field of message.fields)
    properties[field.jsonName] = describe(fieldSchema(field, refer), fieldText(field));
  return describe({ type: "object", properties, additionalProperties: false }, commentOf(message));
}

function enumSchema(type: DescEnum): JsonSchema {
  const meanings = type.values
    .map((value) => [value.name, commentOf(value)] as const)
    .filter(([, text]) => text !== "");
  const list = meanings.map(([name, text]) => `- \`${name}\`: ${text}`).join("\n");
  return describe(
    { type: "string", enum: type.values.map(({ name }) => name) },
    [commentOf(type), list].filter((text) => text !== "").join("\n\n"),
  );
}

function fieldSchema(field: DescField, refer: Refer): JsonSchema {
  switch (field.fieldKind) {
    case "scalar":
      return scalarSchema(field.scalar);
    case "enum":
      return refer(field.enum);
    case "message":
      return refer(field.message);
    case "list":
      return { type: "array", items: itemSchema(field, refer) };
    case "map":
      return { type: "object", additionalProperties: itemSchema(field, refer) };
  }
}

function itemSchema(field: DescField & { fieldKind: "list" | "map" }, refer: Refer): JsonSchema {
  if (field.message) return refer(field.message);
  if (field.enum) return refer(field.enum);
  return scalarSchema(field.scalar);
}

/** 64-bit numbers are strings in proto3 JSON, so that none loses digits. */
function scalarSchema(scalar: ScalarType): JsonSchema {
  switch (scalar) {
    case ScalarType.STRING:
      return { type: "string" };
    case ScalarType.BYTES:
      return { type: "string", contentEncoding: "base64" };
    case ScalarType.BOOL:
      return { type: "boolean" };
    case ScalarType.DOUBLE:
    case ScalarType.FLOAT:
      return { type: "number" };
    case ScalarType.UINT32:
    case ScalarType.FIXED32:
      return { type: "integer", minimum: 0, maximum: 2 ** 32 - 1 };
    case ScalarType.INT32:
    case ScalarType.SINT32:
    case ScalarType.SFIXED32:
      return { type: "integer", minimum: -(2 ** 31), maximum: 2 ** 31 - 1 };
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
      return { type: "string", pattern: "^[0-9]{1,20}$" };
    case ScalarType.INT64:
    case ScalarType.SINT64:
    case ScalarType.SFIXED64:
      return { type: "string", pattern: "^-?[0-9]{1,19}$" };
  }
}

function fieldText(field: DescField): string {
  const choice = field.oneof ? `One of ${field.oneof.fields.map(({ jsonName }) => jsonName).join(", ")}.` : "";
  return [commentOf(field), choice].filter((text) => text !== "").join(" ");
}

/** `$ref` may have siblings in JSON Schema 2020-12, but not in the draft 7 that AsyncAPI 3 builds on: wrap it. */
function describe(schema: JsonSchema, description: string): JsonSchema {
  if (description === "") return schema;
  return "$ref" in schema ? { allOf: [schema], description } : { ...schema, description };
}

const WELL_KNOWN: SchemaOverrides = {
  "google.protobuf.Timestamp": { type: "string", format: "date-time" },
  "google.protobuf.Duration": { type: "string", pattern: "^-?[0-9]+(\\.[0-9]{1,9})?s$" },
  "google.protobuf.Struct": { type: "object" },
  "google.protobuf.Value": {},
  "google.protobuf.ListValue": { type: "array" },
  "google.protobuf.FieldMask": { type: "string" },
  "google.protobuf.Empty": { type: "object", additionalProperties: false },
  "google.protobuf.Any": { type: "object" },
};
