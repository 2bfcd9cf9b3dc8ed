/**
 * Frames into JSON text: the proto3 JSON mapping. Fields without presence are written even when they have their default value,
 * so that `recovered: false` and `partition: 0` are there to be read.
 */
import type { Event } from "@distribution/proto-types/distribution/v1/event";
import { eventToCloudEvent } from "../../events/cloudevents/writer.ts";
import { encodeEvent } from "../../events/index.ts";
import { type FieldType, type MessageShape, memberOf } from "./shape.ts";

type Fields = Readonly<Record<string, unknown>>;

/**
 * The JSON of a message in the form of the generated types, without the fields named in `omit`. Text and not a value, since
 * payloads are put in as they are: numbers of any length keep their digits. 64-bit numbers of the frame itself become strings.
 */
export function writeMessage(shape: MessageShape, message: Fields, omit = ""): string {
  const members: string[] = [];
  for (const field of shape.fields) {
    const value = memberOf(field, message);
    if (value === undefined || field.name === omit) continue;
    const text = field.list ? listText(field.type, value as readonly unknown[]) : valueText(field.type, value);
    members.push(`"${field.name}":${text}`);
  }
  return `{${members.join(",")}}`;
}

function listText(type: FieldType, values: readonly unknown[]): string {
  return `[${values.map((value) => valueText(type, value)).join(",")}]`;
}

function valueText(type: FieldType, value: unknown): string {
  switch (type.kind) {
    case "message":
      return writeMessage(type.shape, value as Fields);
    case "event":
      return eventToCloudEvent(encodeEvent(value as Event));
    case "int64":
    case "uint64":
      return `"${String(value)}"`;
    default:
      return JSON.stringify(value);
  }
}
