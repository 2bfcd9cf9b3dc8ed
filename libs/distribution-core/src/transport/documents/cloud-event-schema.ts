/** An event in JSON: CloudEvents 1.0 with the platform's extension attributes. */
import type { JsonSchema } from "./operation-document.ts";

/** `data`, where given, describes the payload; without it the payload is anything. */
export function cloudEventSchema(type?: string, data?: JsonSchema): JsonSchema {
  return {
    type: "object",
    required: ["specversion", "id", "source", "type"],
    properties: {
      specversion: { const: "1.0" },
      id: { type: "string", minLength: 1, maxLength: 256, description: "Unique within its source." },
      source: { type: "string", format: "uri-reference", minLength: 1, maxLength: 512, description: "The producer." },
      type: type === undefined ? { type: "string", minLength: 1, maxLength: 256 } : { const: type },
      subject: { type: "string" },
      time: { type: "string", format: "date-time", description: "When it happened at the source." },
      datacontenttype: { type: "string", description: "Media type of data." },
      dataschema: { type: "string", format: "uri" },
      data: data ?? { description: "The payload, as JSON." },
      data_base64: { type: "string", contentEncoding: "base64", description: "The payload, where it is not JSON." },
    },
    additionalProperties: { type: ["string", "integer", "boolean"], description: "Extension attributes." },
  };
}
