/** POST /topics/{topic}/events: takes events in, all or nothing. */
import { arrayOf, jsonContent, objectOf, schemaRef } from "../documents/schemas.ts";
import { createBodyReader } from "./body.ts";
import type { EndpointOptions } from "./endpoint-options.ts";
import { defineOperation, type Operation } from "./operation.ts";
import { BATCHED, PROTOBUF, readPublished, STRUCTURED } from "./publish-body.ts";
import { topicParameter } from "./topic-catalogue.ts";

const DESCRIPTION = `Answers once every event is durable; when one is refused, none is taken. The same (source, id) again gets the same
position back and counts as a duplicate; with another content it is a conflict. So a request that failed for any reason can be sent again as it is.

In binary mode the attributes are \`ce-\` headers and the body is the payload, of any media type.`;

export function publishOperation({ catalogue, ingest, limits, writer }: EndpointOptions): Operation {
  const bodies = createBodyReader(limits, writer.timers);
  return defineOperation({
    id: "publishEvents",
    method: "post",
    path: "/topics/{topic}/events",
    tag: "events",
    summary: "Publish events",
    description: DESCRIPTION,
    parameters: { topic: topicParameter },
    body: {
      description: `At most ${limits.bodyBytes} bytes and ${limits.batchEvents} events.`,
      required: true,
      content: {
        [STRUCTURED]: { schema: schemaRef("CloudEvent") },
        [BATCHED]: { schema: arrayOf(schemaRef("CloudEvent")) },
        [PROTOBUF]: { schema: { description: "A distribution.v1.EventBatch." } },
        "*/*": { schema: { description: "Binary mode: the payload of one event." } },
      },
    },
    responses: {
      201: {
        description: "All events are durable, at least one of them is new.",
        content: jsonContent(PUBLISHED_SCHEMA),
      },
      200: { description: "All events were known before; nothing was added.", content: jsonContent(PUBLISHED_SCHEMA) },
    },
    errors: [
      "unknown_topic",
      "invalid_event",
      "event_conflict",
      "event_too_large",
      "batch_too_large",
      "unsupported_media_type",
      "limit_exceeded",
      "silent",
      "overloaded",
      "unavailable",
      "draining",
      "storage_full",
    ],
    action: ({ topic }) => ({ kind: "publish", topic }),
    async handle({ request, response, context, values }) {
      const topic = catalogue.find(values.topic);
      const body = await bodies.read(request, response);
      const batch = readPublished(request.headers, body, limits);
      const { positions, duplicates } = await ingest.publish(topic.name, batch, context.identity());
      response.status(duplicates === positions.length ? 200 : 201).json({ positions, duplicates });
    },
  });
}

const PUBLISHED_SCHEMA = objectOf({
  positions: arrayOf(schemaRef("Position"), "One an event, in the order they were sent."),
  duplicates: { type: "integer", minimum: 0, description: "How many of them were known before." },
});
