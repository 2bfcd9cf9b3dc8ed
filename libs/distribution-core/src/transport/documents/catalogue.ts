/** The catalogue of a service's events: each type with its version, key, class, fields and an example, from topics and descriptors. */
import { type DescField, type DescMessage, getOption, ScalarType } from "@bufbuild/protobuf";
import { registry } from "@distribution/proto-types/descriptors";
import { createPayloadCodec } from "../../events/index.ts";
import type { EventTypeDefinition, TopicDefinition } from "../../topics.ts";
import { commentOf } from "./comments.ts";

export interface CatalogueField {
  /** As filters and projections name it: `data.trade.price`. */
  readonly path: string;
  /** A protobuf scalar, `decimal`, `enum` or a well-known message; `list of` and `map of` before it. */
  readonly type: string;
  readonly unit?: string;
  readonly description: string;
  /** Of an enum. */
  readonly values?: readonly string[];
}

export interface CatalogueEntry {
  readonly type: string;
  /** The number in the type's last token, `v1`; null where it has none. */
  readonly version: number | null;
  readonly topic: string;
  readonly class: string;
  readonly key: string;
  readonly description: string;
  /** Full name of the payload's message; null: JSON or bytes of any shape. */
  readonly message: string | null;
  /** What may be set in the payload of this type: where the type names a member of a oneof, the others are left out. */
  readonly fields: readonly CatalogueField[];
  /** A payload in JSON; null where the domain gives none. */
  readonly example: object | null;
}

/** In the order of topics and types. Throws Error on an example that is no payload of its topic. */
export function eventCatalogue(topics: readonly TopicDefinition[]): readonly CatalogueEntry[] {
  return topics.flatMap((topic) => {
    const codec = topic.message && createPayloadCodec(topic.message);
    return topic.eventTypes.map((definition) => {
      const { type, example, member } = definition;
      if (codec && example) {
        const wanted = member === undefined ? undefined : codec.member(member);
        const bytes = codec.fromJson(example, `the example of ${type}`);
        codec.validate(bytes, 0, bytes.length, "application/protobuf", `the example of ${type}`, wanted);
      }
      return entryOf(topic, definition);
    });
  });
}

export const classText = (eventClass: string): string => eventClass.replace("EVENT_CLASS_", "").toLowerCase();

function entryOf({ name, message }: TopicDefinition, definition: EventTypeDefinition): CatalogueEntry {
  const { type, key, description, member, example = null } = definition;
  const version = /\.v(\d+)$/.exec(type)?.[1];
  return {
    type,
    version: version === undefined ? null : Number(version),
    topic: name,
    class: classText(definition.class),
    key,
    description,
    message: message?.typeName ?? null,
    fields: message ? fieldsOf(message, "data", member, new Set()) : [],
    example,
  };
}

/** `within`: the messages around it; one that holds itself is shown once. */
function fieldsOf(
  message: DescMessage,
  path: string,
  member: string | undefined,
  within: ReadonlySet<DescMessage>,
): readonly CatalogueField[] {
  return message.fields
    .filter(({ oneof, name }) => member === undefined || oneof === undefined || name === member)
    .flatMap((field) => {
      const place = `${path}.${field.name}`;
      const own: CatalogueField = { path: place, ...typeOf(field), ...unitOf(field), description: commentOf(field) };
      const inner = field.fieldKind === "map" ? undefined : field.message;
      if (!inner || inner.file.name.startsWith("google/") || within.has(inner)) return [own];
      const below = fieldsOf(inner, place, undefined, new Set([...within, message]));
      return field.fieldKind === "list" ? [own, ...below] : below;
    });
}

function typeOf(field: DescField): Pick<CatalogueField, "type" | "values"> {
  const name = field.message?.name ?? (field.enum ? "enum" : scalarName(field));
  const values = field.enum?.values.map((value) => value.name);
  const prefix = field.fieldKind === "list" ? "list of " : field.fieldKind === "map" ? "map of " : "";
  return { type: prefix + name, ...(values && { values }) };
}

function scalarName(field: DescField): string {
  return option(field, "decimal") === true ? "decimal" : ScalarType[field.scalar ?? ScalarType.BYTES].toLowerCase();
}

function unitOf(field: DescField): Pick<CatalogueField, "unit"> {
  const unit = option(field, "unit");
  return typeof unit === "string" && unit !== "" ? { unit } : {};
}

function option(field: DescField, name: "decimal" | "unit"): unknown {
  const extension = registry.getExtension(`distribution.v1.${name}`);
  return extension && getOption(field, extension);
}
