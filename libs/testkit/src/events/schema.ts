/** Protobuf messages defined in a test, so that a suite can have every kind of field without a .proto file of its own. */
import {
  create,
  createFileRegistry,
  type DescExtension,
  type DescField,
  type DescMessage,
  type FileRegistry,
  getOption,
  setExtension,
} from "@bufbuild/protobuf";
import {
  type DescriptorProto,
  DescriptorProtoSchema,
  EnumDescriptorProtoSchema,
  type FieldDescriptorProto,
  FieldDescriptorProtoSchema,
  FieldOptionsSchema,
  FileDescriptorProtoSchema,
  file_google_protobuf_any,
  file_google_protobuf_duration,
  file_google_protobuf_struct,
  file_google_protobuf_timestamp,
  file_google_protobuf_wrappers,
  FieldDescriptorProto_Label as Label,
  FieldDescriptorProto_Type as Type,
} from "@bufbuild/protobuf/wkt";
import { registry } from "@distribution/proto-types/descriptors";

export interface FieldSpec {
  readonly number: number;
  /** A scalar type, the name of a message or enum of the same schema, or a google.protobuf type by its full name. */
  readonly type: string;
  readonly list?: boolean;
  /** The key type of a map; `type` is then the value's. */
  readonly mapKey?: string;
  readonly optional?: boolean;
  readonly oneof?: string;
  /** Sets the option distribution.v1.decimal. */
  readonly decimal?: boolean;
}

export interface SchemaSpec {
  readonly package: string;
  readonly enums?: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly messages: Readonly<Record<string, Readonly<Record<string, FieldSpec>>>>;
}

const WELL_KNOWN = [
  file_google_protobuf_duration,
  file_google_protobuf_struct,
  file_google_protobuf_timestamp,
  file_google_protobuf_wrappers,
  file_google_protobuf_any,
];

/** Defines a proto3 file. Gives the message of a name within its package; throws on a name that it does not have. */
export function defineSchema(spec: SchemaSpec): (name: string) => DescMessage {
  const file = create(FileDescriptorProtoSchema, {
    name: `${spec.package}.proto`,
    package: spec.package,
    syntax: "proto3",
    dependency: WELL_KNOWN.map((known) => known.proto.name),
    messageType: Object.entries(spec.messages).map(([name, fields]) => defineMessage(spec, name, fields)),
    enumType: Object.entries(spec.enums ?? {}).map(([name, values]) =>
      create(EnumDescriptorProtoSchema, {
        name,
        value: Object.entries(values).map(([value, number]) => ({ name: value, number })),
      }),
    ),
  });
  const files: FileRegistry = createFileRegistry(file, (name) => WELL_KNOWN.find((known) => known.proto.name === name));
  return (name) => {
    const message = files.getMessage(`${spec.package}.${name}`);
    if (message === undefined) throw new Error(`The schema ${spec.package} has no message ${name}.`);
    return message;
  };
}

function defineMessage(spec: SchemaSpec, name: string, fields: Readonly<Record<string, FieldSpec>>): DescriptorProto {
  const message = create(DescriptorProtoSchema, { name });
  const oneofs = [...new Set(Object.values(fields).flatMap((field) => field.oneof ?? []))];
  const optional = Object.entries(fields).filter(([, field]) => field.optional === true);
  // The oneofs that stand for `optional` come after the real ones, as protobuf requires.
  const names = [...oneofs, ...optional.map(([field]) => `_${field}`)];
  message.oneofDecl = names.map((oneof) => ({ $typeName: "google.protobuf.OneofDescriptorProto", name: oneof }));
  for (const [fieldName, field] of Object.entries(fields)) {
    const proto = defineField(spec, fieldName, field);
    const oneof = field.oneof ?? (field.optional === true ? `_${fieldName}` : undefined);
    if (oneof !== undefined) proto.oneofIndex = names.indexOf(oneof);
    if (field.mapKey !== undefined) defineEntry(spec, message, name, proto, field);
    message.field.push(proto);
  }
  return message;
}

function defineField(spec: SchemaSpec, name: string, field: FieldSpec): FieldDescriptorProto {
  const repeated = field.list === true || field.mapKey !== undefined;
  const proto = create(FieldDescriptorProtoSchema, {
    name,
    // What protoc fills in.
    jsonName: name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase()),
    number: field.number,
    label: repeated ? Label.REPEATED : Label.OPTIONAL,
    proto3Optional: field.optional === true,
    ...typeOf(spec, field.type),
  });
  if (field.decimal === true) {
    proto.options = create(FieldOptionsSchema);
    setExtension(proto.options, decimalOption(), true);
  }
  return proto;
}

function defineEntry(
  spec: SchemaSpec,
  message: DescriptorProto,
  name: string,
  map: FieldDescriptorProto,
  field: FieldSpec,
) {
  const words = map.name.split("_").map((word) => word.slice(0, 1).toUpperCase() + word.slice(1));
  const entry = `${words.join("")}Entry`;
  message.nestedType.push(
    create(DescriptorProtoSchema, {
      name: entry,
      options: { mapEntry: true },
      field: [
        defineField(spec, "key", { number: 1, type: field.mapKey ?? "string" }),
        defineField(spec, "value", { number: 2, type: field.type, decimal: field.decimal === true }),
      ],
    }),
  );
  map.type = Type.MESSAGE;
  map.typeName = `.${spec.package}.${name}.${entry}`;
}

function typeOf(spec: SchemaSpec, type: string): { type: Type; typeName?: string } {
  if (type.startsWith("google.")) return { type: Type.MESSAGE, typeName: `.${type}` };
  if (spec.messages[type] !== undefined) return { type: Type.MESSAGE, typeName: `.${spec.package}.${type}` };
  if (spec.enums?.[type] !== undefined) return { type: Type.ENUM, typeName: `.${spec.package}.${type}` };
  return { type: Type[type.toUpperCase() as keyof typeof Type] };
}

/** Whether the field carries the option distribution.v1.decimal. */
export function isDecimalField(field: DescField): boolean {
  return getOption(field, decimalOption()) === true;
}

function decimalOption(): DescExtension {
  const option = registry.getExtension("distribution.v1.decimal");
  if (option === undefined) throw new Error("proto/ defines no option distribution.v1.decimal");
  return option;
}
