/** The JSON shapes that the core's endpoints share, as JSON Schema. */
import { ERROR_CODES } from "../../errors.ts";
import { cloudEventSchema } from "./cloud-event-schema.ts";
import type { ContentDocument, JsonSchema } from "./operation-document.ts";

/** A reference to a schema of the document's components. */
export function schemaRef(name: string): JsonSchema {
  return { $ref: `#/components/schemas/${name}` };
}

/** The usual body: one JSON value of that schema. */
export function jsonContent(schema: JsonSchema, example?: unknown): Readonly<Record<string, ContentDocument>> {
  return { "application/json": { schema, ...(example === undefined ? {} : { example }) } };
}

export function arrayOf(items: JsonSchema, description?: string): JsonSchema {
  return { type: "array", items, ...(description === undefined ? {} : { description }) };
}

/** An object whose properties are all there, unless they are named as optional. */
export function objectOf(
  properties: Readonly<Record<string, JsonSchema>>,
  optional: readonly string[] = [],
): JsonSchema {
  return {
    type: "object",
    properties,
    required: Object.keys(properties).filter((name) => !optional.includes(name)),
  };
}

const string = (description: string): JsonSchema => ({ type: "string", description });
const count = (description: string): JsonSchema => ({ type: "integer", minimum: 0, description });

const position = objectOf({
  topic: string("The topic's name."),
  partition: count("From 0."),
  epoch: string("Changes when the partition's history is lost or restored."),
  offset: string("The broker's own address within the partition and epoch; opaque."),
});

const problem: JsonSchema = {
  description: "Problem details of RFC 9457.",
  ...objectOf({
    type: { type: "string", format: "uri-reference", description: "Where the code is explained." },
    title: string("What the code means."),
    status: { type: "integer", minimum: 400, maximum: 599 },
    code: { type: "string", enum: Object.keys(ERROR_CODES), description: "One of a closed list." },
    detail: string("What is wrong with this request, and what to do."),
    errors: arrayOf(
      objectOf({
        path: string("Where, such as query.limit or events[3].data.price."),
        message: string("What is wrong."),
      }),
      "The fields that are wrong, if it is fields.",
    ),
    requestId: string("The request's X-Request-Id: names the request in the service's log."),
  }),
};

const placedEvent = objectOf({
  position: schemaRef("Position"),
  appendedAt: {
    type: "string",
    format: "date-time",
    description: "When the broker took it, with nine digits of a second.",
  },
  event: schemaRef("CloudEvent"),
});

const topic = objectOf({
  name: string("Tokens of [a-z0-9-] joined by dots."),
  description: string("What its events are."),
  partitions: count("Each is a log of its own; a key's events are all in one."),
  retention: objectOf({ ms: count("Kept for so long."), bytes: count("Kept while a partition is below.") }, [
    "ms",
    "bytes",
  ]),
  compaction: { type: "boolean", description: "The latest event of every key is kept whatever its age." },
  payload: {
    type: ["string", "null"],
    description: "The protobuf message of the payload; null: JSON or bytes of any shape.",
  },
  eventTypes: arrayOf(
    objectOf({
      type: string("As in CloudEvents."),
      class: string("Decides how an event may be treated: quotes may be conflated."),
      description: string("What happened."),
      key: string("What the key is."),
    }),
    "What may be published here; empty: any type.",
  ),
  latest: { type: "boolean", description: "Whether the topic keeps the latest event of every key." },
  priority: {
    ...count("Within a session that is behind, what waits on topics of a higher priority goes first."),
    maximum: 9,
  },
  rate: { ...schemaRef("Rate"), description: "What is published to it now. Absent until it was measured." },
});
const optionalRate = { ...topic, required: (topic["required"] as string[]).filter((name) => name !== "rate") };

const partition = objectOf({
  partition: count("From 0."),
  epoch: string("See Position."),
  start: string("The offset before the oldest event that is kept."),
  end: string("The offset of the newest event; equal to start when there is none."),
  events: count("As near as the broker knows."),
  bytes: count("As near as the broker knows."),
});

const catalogueEntry = objectOf({
  type: string("As in CloudEvents."),
  version: { type: ["integer", "null"], description: "The number in the type's last token; null: it has none." },
  topic: string("Where it is published."),
  class: string("Decides how an event may be treated: quotes may be conflated."),
  key: string("What the key is: order is kept by key."),
  description: string("What happened."),
  message: { type: ["string", "null"], description: "The protobuf message of the payload; null: of any shape." },
  fields: arrayOf(
    objectOf(
      {
        path: string("As filters and projections name it."),
        type: string("A protobuf scalar, decimal, enum or message; `list of` or `map of` before it."),
        unit: string("What a number counts."),
        description: string("What it says."),
        values: arrayOf({ type: "string" }, "Of an enum."),
      },
      ["unit", "values"],
    ),
  ),
  example: { type: ["object", "null"], description: "A payload in JSON; null: none is given." },
});

/** By name, for `components.schemas`. */
export const CORE_SCHEMAS: Readonly<Record<string, JsonSchema>> = {
  Position: position,
  Problem: problem,
  CloudEvent: cloudEventSchema(),
  PlacedEvent: placedEvent,
  Rate: objectOf({
    eventsPerSecond: { type: "number", minimum: 0 },
    bytesPerSecond: { type: "number", minimum: 0 },
  }),
  CatalogueEntry: catalogueEntry,
  Topic: optionalRate,
  TopicDetail: {
    allOf: [schemaRef("Topic"), objectOf({ logs: arrayOf(schemaRef("Partition"), "One a partition, in order.") })],
  },
  Partition: partition,
};
