/** A protobuf message as scanners want it: fields by number and by name, with everything looked up beforehand. */
import { type DescEnum, type DescField, type DescMessage, getOption, ScalarType } from "@bufbuild/protobuf";
import { FeatureSet_FieldPresence as Presence } from "@bufbuild/protobuf/wkt";
import { registry } from "@distribution/proto-types/descriptors";
import { WIRE } from "../wire.ts";

/** Beyond ScalarType (1 to 18): what protobuf's own FieldDescriptorProto.Type uses for the same. */
export const MESSAGE_TYPE = 11;
export const ENUM_TYPE = 14;

/** Deepest nesting of messages, the payload itself being level 1. */
export const MAX_MESSAGE_DEPTH = 32;

export interface EnumPlan {
  readonly typeName: string;
  /** JSON text of each value: its name in quotes. */
  readonly texts: ReadonlyMap<number, string>;
  readonly names: ReadonlySet<string>;
  /** google.protobuf.NullValue, which JSON writes as null. */
  readonly isNull: boolean;
}

export interface FieldPlan {
  readonly number: number;
  /** As in the .proto file. */
  readonly name: string;
  readonly jsonName: string;
  /** `"jsonName":` */
  readonly jsonKey: string;
  readonly shape: "single" | "list" | "map";
  /** A ScalarType, MESSAGE_TYPE or ENUM_TYPE; of the elements of a list; MESSAGE_TYPE for a map, whose entries are messages. */
  readonly type: number;
  readonly wireType: number;
  /** A string with the option distribution.v1.decimal. */
  readonly decimal: boolean;
  /** The JSON text that a field without presence is left out for; undefined for fields with presence. */
  readonly zero: string | undefined;
  /** Bit of the oneof within the message; 0 for fields of none. */
  readonly oneof: number;
  readonly enum: EnumPlan | undefined;
  /** The nested message, or a map's entry with key = 1 and value = 2. */
  readonly message: MessagePlan | undefined;
  /** The place of its text in the notes; -1: it is not noted. */
  noted: number;
}

export interface MessagePlan {
  readonly typeName: string;
  /** Undefined for a map's entry. */
  readonly desc: DescMessage | undefined;
  /** JSON writes it in a way of its own (google.protobuf.Timestamp and so on). */
  readonly wellKnown: boolean;
  /** By field number, with holes, up to DENSE_FIELDS; those beyond are in `sparse`. */
  readonly dense: readonly (FieldPlan | undefined)[];
  readonly sparse: ReadonlyMap<number, FieldPlan>;
  /** By tags of one byte: how a field that comes with this number and wire type is checked. */
  readonly checks: Uint8Array;
  /** By the same tags: 1 more than the place of a text that is noted; 0: none is. */
  readonly noted: Uint8Array;
  /** By the name in the .proto file, and by the JSON name: the mapping takes either. */
  readonly byName: ReadonlyMap<string, FieldPlan>;
}

const DENSE_FIELDS = 256;

/** The checks that a loop over bytes can do by itself; `closer`: all others, unknown fields and wrong wire types among them. */
export const CHECK = { closer: 0, varint: 1, text: 2, decimal: 3 } as const;

/** What is wrong when the field of a oneof that the event's type carries is not there. */
export const MEMBER_RULE = "Events of this type carry it. Set it, or publish under the type of what is set.";

function checkOf({ wireType, type, decimal, oneof }: FieldPlan): number {
  if (oneof !== 0) return CHECK.closer;
  if (wireType === WIRE.varint) return CHECK.varint;
  if (decimal) return CHECK.decimal;
  return type === ScalarType.STRING ? CHECK.text : CHECK.closer;
}

const CUSTOM_JSON = new Set(
  ["Timestamp", "Duration", "FieldMask", "Struct", "Value", "ListValue"]
    .concat(
      ["Double", "Float", "Int64", "UInt64", "Int32", "UInt32", "Bool", "String", "Bytes"].map((t) => `${t}Value`),
    )
    .map((name) => `google.protobuf.${name}`),
);

const decimalOption = registry.getExtension("distribution.v1.decimal");

const WIRE_OF_SCALAR: ReadonlyMap<number, number> = new Map([
  [ScalarType.DOUBLE, WIRE.fixed64],
  [ScalarType.FIXED64, WIRE.fixed64],
  [ScalarType.SFIXED64, WIRE.fixed64],
  [ScalarType.FLOAT, WIRE.fixed32],
  [ScalarType.FIXED32, WIRE.fixed32],
  [ScalarType.SFIXED32, WIRE.fixed32],
  [ScalarType.STRING, WIRE.bytes],
  [ScalarType.BYTES, WIRE.bytes],
]);

/**
 * Plans for the message and everything that it holds. Throws Error on what payloads may not use: google.protobuf.Any,
 * whose types are not known beforehand, groups, required fields, and more than 31 oneofs in a message.
 */
export function planMessage(desc: DescMessage): MessagePlan {
  return plan(desc, new Map());
}

export function fieldOf(message: MessagePlan, number: number): FieldPlan | undefined {
  return number < DENSE_FIELDS ? message.dense[number] : message.sparse.get(number);
}

function plan(desc: DescMessage, made: Map<string, MessagePlan>): MessagePlan {
  const known = made.get(desc.typeName);
  if (known !== undefined) return known;
  if (desc.typeName === "google.protobuf.Any") throw new Error("A payload schema may not use google.protobuf.Any.");
  if (desc.oneofs.length > 31) throw new Error(`${desc.typeName} has more than 31 oneofs.`);
  const { message, add } = emptyPlan(desc.typeName, desc, CUSTOM_JSON.has(desc.typeName));
  // Before its fields, so that a message that holds itself finds this plan.
  made.set(desc.typeName, message);
  for (const field of desc.fields) add(planField(field, made));
  return message;
}

function emptyPlan(typeName: string, desc: DescMessage | undefined, wellKnown: boolean) {
  const dense: (FieldPlan | undefined)[] = [];
  const sparse = new Map<number, FieldPlan>();
  const byName = new Map<string, FieldPlan>();
  const checks = new Uint8Array(128);
  const noted = new Uint8Array(checks.length);
  const message: MessagePlan = { typeName, desc, wellKnown, dense, sparse, checks, noted, byName };
  const add = (field: FieldPlan): void => {
    const tag = (field.number << 3) | field.wireType;
    if (tag < checks.length) checks[tag] = checkOf(field);
    if (field.number < DENSE_FIELDS) dense[field.number] = field;
    else sparse.set(field.number, field);
    byName.set(field.name, field).set(field.jsonName, field);
  };
  return { message, add };
}

function planField(field: DescField, made: Map<string, MessagePlan>): FieldPlan {
  refuse(field);
  const common = {
    number: field.number,
    name: field.name,
    jsonName: field.jsonName,
    jsonKey: `${JSON.stringify(field.jsonName)}:`,
    zero: undefined,
    noted: -1,
    oneof: field.oneof === undefined ? 0 : 1 << field.parent.oneofs.indexOf(field.oneof),
  };
  if (field.fieldKind === "map") {
    const entry = planEntry(field, made);
    const shape = { shape: "map", type: MESSAGE_TYPE, wireType: WIRE.bytes, decimal: false } as const;
    return { ...common, ...shape, enum: undefined, message: entry };
  }
  const value = planValue(field.scalar, field.enum, field.message, made);
  const decimal = isDecimal(field);
  if (field.fieldKind === "list") return { ...common, ...value, shape: "list", decimal };
  const zero = field.presence === Presence.IMPLICIT ? zeroText(value) : undefined;
  return { ...common, ...value, shape: "single", decimal, zero };
}

function refuse(field: DescField): void {
  const isGroup = "delimitedEncoding" in field && field.delimitedEncoding;
  if (isGroup || field.presence === Presence.LEGACY_REQUIRED)
    throw new Error(`${field}: payloads have no groups and no required fields.`);
}

function planEntry(field: DescField & { fieldKind: "map" }, made: Map<string, MessagePlan>): MessagePlan {
  const { message, add } = emptyPlan(`${field.parent.typeName}.${field.name}`, undefined, false);
  const common = {
    shape: "single" as const,
    jsonName: "",
    jsonKey: "",
    zero: undefined,
    oneof: 0,
    decimal: false,
    noted: -1,
  };
  const key = planValue(field.mapKey, undefined, undefined, made);
  add({ ...common, ...key, number: 1, name: "key" });
  const value = planValue(field.scalar, field.enum, field.message, made);
  add({ ...common, ...value, decimal: isDecimal(field), number: 2, name: "value" });
  return message;
}

function planValue(
  scalar: ScalarType | undefined,
  enumeration: DescEnum | undefined,
  message: DescMessage | undefined,
  made: Map<string, MessagePlan>,
): Pick<FieldPlan, "type" | "wireType" | "enum" | "message"> {
  if (message !== undefined) {
    return { type: MESSAGE_TYPE, wireType: WIRE.bytes, enum: undefined, message: plan(message, made) };
  }
  if (enumeration !== undefined) {
    return { type: ENUM_TYPE, wireType: WIRE.varint, enum: planEnum(enumeration), message: undefined };
  }
  const type = scalar ?? ScalarType.BYTES;
  return { type, wireType: WIRE_OF_SCALAR.get(type) ?? WIRE.varint, enum: undefined, message: undefined };
}

function planEnum(desc: DescEnum): EnumPlan {
  const isNull = desc.typeName === "google.protobuf.NullValue";
  const texts = new Map<number, string>();
  // Of two names for one number, the first is the one that JSON writes.
  for (const value of desc.values) {
    if (!texts.has(value.number)) texts.set(value.number, isNull ? "null" : JSON.stringify(value.jsonName));
  }
  const names = new Set(desc.values.flatMap((value) => [value.name, value.jsonName]));
  return { typeName: desc.typeName, texts, names, isNull };
}

function isDecimal(field: DescField): boolean {
  return field.scalar === ScalarType.STRING && decimalOption !== undefined && getOption(field, decimalOption) === true;
}

function zeroText(value: Pick<FieldPlan, "type" | "enum">): string {
  if (value.enum !== undefined) return value.enum.texts.get(0) ?? "0";
  switch (value.type) {
    case ScalarType.STRING:
    case ScalarType.BYTES:
      return '""';
    case ScalarType.BOOL:
      return "false";
    case ScalarType.INT64:
    case ScalarType.UINT64:
    case ScalarType.SINT64:
    case ScalarType.FIXED64:
    case ScalarType.SFIXED64:
      return '"0"';
    default:
      return "0";
  }
}
