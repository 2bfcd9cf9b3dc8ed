/**
 * The names under which CloudEvents knows an event's fields. What CloudEvents has no attribute for travels as an
 * extension attribute, and the extension's name may then not be used for anything else:
 *
 * | Event field    | CloudEvents attribute | type in CloudEvents                    | where it comes from             |
 * |----------------|-----------------------|----------------------------------------|---------------------------------|
 * | `id`           | `id`                  | String, 1 to 256 bytes                 | core, required                  |
 * | `source`       | `source`              | URI-reference, 1 to 512 bytes          | core, required                  |
 * | `type`         | `type`                | String, 1 to 256 bytes                 | core, required                  |
 * | `subject`      | `subject`             | String; empty: absent                  | core                            |
 * | `time`         | `time`                | Timestamp; 0: absent                   | core                            |
 * | `content_type` | `datacontenttype`     | media type; empty: absent              | core                            |
 * | `data_schema`  | `dataschema`          | URI; empty: absent                     | core                            |
 * | `data`         | `data`, `data_base64` | see cloudEventToEvent                  | core                            |
 * | `key`          | `partitionkey`        | String, at most 256 bytes; empty: absent | CloudEvents partitioning extension |
 * | `sequence`     | `sequence`            | String, decimal without leading zeros; 0: absent | CloudEvents sequence extension |
 * | `class`        | `eventclass`          | String: quote, trade, order, alert, state, book; unspecified: absent | ours |
 * | `priority`     | `priority`            | Integer, 0 to 9; 0: absent             | ours                            |
 * | `ingested`     | `ingestedtime`        | Timestamp; 0: absent                   | ours                            |
 * | `extensions`   | each under its name   | Boolean, Integer or String             | publisher                       |
 */
export const ATTRIBUTE = {
  key: "partitionkey",
  sequence: "sequence",
  class: "eventclass",
  priority: "priority",
  ingested: "ingestedtime",
} as const;

/** The only version of CloudEvents that is spoken. */
export const SPEC_VERSION = "1.0";

/** Attribute names that belong to a field of Event, and to which. */
export const FIELD_OF_ATTRIBUTE: ReadonlyMap<string, string> = new Map([
  ["specversion", "the CloudEvents version"],
  ["id", "id"],
  ["source", "source"],
  ["type", "type"],
  ["subject", "subject"],
  ["time", "time"],
  ["datacontenttype", "content_type"],
  ["dataschema", "data_schema"],
  ["data", "data"],
  [ATTRIBUTE.key, "key"],
  [ATTRIBUTE.sequence, "sequence"],
  [ATTRIBUTE.class, "class"],
  [ATTRIBUTE.priority, "priority"],
  [ATTRIBUTE.ingested, "ingested"],
]);

/** Longest extension name, characters. CloudEvents advises 20 and sets no bound. */
export const MAX_EXTENSION_NAME = 64;

const NAME = /^[a-z0-9]+$/;

/** What is wrong with an extension's name, for an error message; undefined when nothing is. */
export function extensionNameFault(name: string): string | undefined {
  if (!NAME.test(name)) return "An extension's name has one or more of a-z and 0-9 and nothing else.";
  if (name.length > MAX_EXTENSION_NAME) return `An extension's name has at most ${MAX_EXTENSION_NAME} characters.`;
  const field = FIELD_OF_ATTRIBUTE.get(name);
  return field === undefined ? undefined : `"${name}" is no extension: it stands for ${field}. Set that field instead.`;
}
