/** A payload schema with a field of every kind that filters treat in a way of its own, and events made of it. */
import { create, createFileRegistry, type DescMessage, fromJson, type JsonValue, toBinary } from "@bufbuild/protobuf";
import { BinaryWriter } from "@bufbuild/protobuf/wire";
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { registry } from "@distribution/proto-types/descriptors";

const OPTIONAL = "LABEL_OPTIONAL";
const REPEATED = "LABEL_REPEATED";

function field(number: number, name: string, type: string, more: Record<string, JsonValue> = {}): JsonValue {
  const jsonName = name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
  return { name, jsonName, number, type: `TYPE_${type}`, label: OPTIONAL, ...more };
}

const decimal = { options: { "[distribution.v1.decimal]": true } };

const file = fromJson(
  FileDescriptorProtoSchema,
  {
    name: "test/v1/quote.proto",
    package: "test.v1",
    syntax: "proto3",
    dependency: ["distribution/v1/options.proto", "google/protobuf/timestamp.proto"],
    enumType: [
      {
        name: "Side",
        value: [
          { name: "SIDE_UNSPECIFIED", number: 0 },
          { name: "SIDE_BUY", number: 1 },
          { name: "SIDE_SELL", number: 2 },
        ],
      },
    ],
    messageType: [
      {
        name: "Quote",
        oneofDecl: [{ name: "origin" }, { name: "_note" }],
        field: [
          field(1, "symbol", "STRING"),
          field(2, "price", "STRING", decimal),
          field(3, "size", "INT64"),
          field(4, "side", "ENUM", { typeName: ".test.v1.Side" }),
          field(5, "venue_code", "STRING"),
          field(6, "ratio", "DOUBLE"),
          field(7, "live", "BOOL"),
          field(8, "tags", "STRING", { label: REPEATED }),
          field(9, "levels", "SINT32", { label: REPEATED }),
          field(10, "book", "MESSAGE", { typeName: ".test.v1.Book" }),
          field(11, "desk", "STRING", { oneofIndex: 0 }),
          field(12, "robot", "MESSAGE", { typeName: ".test.v1.Book", oneofIndex: 0 }),
          field(13, "note", "STRING", { oneofIndex: 1, proto3Optional: true }),
          field(14, "labels", "MESSAGE", { typeName: ".test.v1.Quote.LabelsEntry", label: REPEATED }),
          field(15, "count", "UINT64"),
          field(16, "raw", "BYTES"),
          field(17, "at", "MESSAGE", { typeName: ".google.protobuf.Timestamp" }),
          field(18, "books", "MESSAGE", { typeName: ".test.v1.Book", label: REPEATED }),
          field(19, "weight", "FLOAT"),
          field(20, "small", "FIXED32"),
          field(21, "big", "SFIXED64"),
          field(22, "signed", "SINT64"),
          field(23, "fixed", "FIXED64"),
          field(24, "short", "SFIXED32"),
          field(25, "steps", "STRING", { label: REPEATED, ...decimal }),
          field(26, "sides", "ENUM", { typeName: ".test.v1.Side", label: REPEATED }),
          field(27, "plain", "UINT32"),
        ],
        nestedType: [
          {
            name: "LabelsEntry",
            options: { mapEntry: true },
            field: [field(1, "key", "STRING"), field(2, "value", "STRING")],
          },
        ],
      },
      {
        name: "Book",
        field: [
          field(1, "name", "STRING"),
          field(2, "depth", "INT32"),
          field(3, "inner", "MESSAGE", { typeName: ".test.v1.Book" }),
        ],
      },
    ],
  },
  { registry },
);

const types = createFileRegistry(
  create(FileDescriptorSetSchema, {
    file: [...registry.files]
      .map((known) => known.proto)
      .filter((known) => known.name !== file.name)
      .concat(timestampFile(), file),
  }),
);

function timestampFile(): (typeof file)[] {
  return registry.getFile("google/protobuf/timestamp.proto")
    ? []
    : [
        fromJson(FileDescriptorProtoSchema, {
          name: "google/protobuf/timestamp.proto",
          package: "google.protobuf",
          syntax: "proto3",
          messageType: [{ name: "Timestamp", field: [field(1, "seconds", "INT64"), field(2, "nanos", "INT32")] }],
        }),
      ];
}

export const Quote = types.getMessage("test.v1.Quote") as DescMessage;

export function protobufOf(payload: JsonValue): Uint8Array {
  return toBinary(Quote, fromJson(Quote, payload));
}

export interface EventFields {
  id?: string;
  source?: string;
  type?: string;
  subject?: string;
  time?: bigint;
  key?: string;
  class?: number;
  contentType?: string;
  sequence?: bigint;
  priority?: number;
  extensions?: readonly (readonly [string, string | number | boolean])[];
  data?: Uint8Array | string;
}

/** The stored bytes of an event. */
export function eventOf(fields: EventFields): Uint8Array {
  const writer = new BinaryWriter();
  const text = (number: number, value: string | undefined): void => {
    if (value) writer.uint32(number * 8 + 2).string(value);
  };
  text(1, fields.id);
  text(2, fields.source);
  text(3, fields.type);
  text(4, fields.subject);
  if (fields.time) writer.uint32(40).int64(fields.time);
  text(6, fields.key);
  if (fields.class) writer.uint32(56).int32(fields.class);
  text(8, fields.contentType ?? "application/json");
  if (fields.data !== undefined) {
    writer.uint32(74).bytes(typeof fields.data === "string" ? Buffer.from(fields.data) : fields.data);
  }
  if (fields.sequence) writer.uint32(88).uint64(fields.sequence);
  if (fields.priority) writer.uint32(104).uint32(fields.priority);
  for (const [name, value] of fields.extensions ?? []) {
    writer.uint32(114).fork().uint32(10).string(name).uint32(18).fork();
    if (typeof value === "string") writer.uint32(10).string(value);
    else if (typeof value === "number") writer.uint32(16).sint32(value);
    else writer.uint32(24).bool(value);
    writer.join().join();
  }
  return writer.finish();
}

/** An event with this JSON payload: text as it is, anything else as JSON writes it. */
export function jsonEvent(payload: JsonValue, fields: EventFields = {}): Uint8Array {
  return eventOf({ ...fields, data: typeof payload === "string" ? payload : JSON.stringify(payload) });
}

export function protobufEvent(payload: JsonValue, fields: EventFields = {}): Uint8Array {
  return eventOf({ ...fields, contentType: "application/protobuf", data: protobufOf(payload) });
}
