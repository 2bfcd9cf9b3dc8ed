/** POST /routes/explain, for operators: where an event would go, and why. Nothing is published. */
import { messageAt } from "../../events/index.ts";
import type { RouteExplanation } from "../../routing/contract.ts";
import type { Timers } from "../../runtime/index.ts";
import { arrayOf, jsonContent, objectOf, schemaRef } from "../documents/schemas.ts";
import { createBodyReader } from "./body.ts";
import { DEFAULT_REST_LIMITS } from "./limits.ts";
import { defineOperation, type Operation } from "./operation.ts";
import { requiredQuery } from "./parameters.ts";
import { PROTOBUF, readPublished, STRUCTURED } from "./publish-body.ts";
import { topicName } from "./topic-catalogue.ts";

/** What would become of the event when it is published on the topic. Throws `unknown_topic`, `invalid_event`, and `unavailable` while the service starts. */
export type ExplainRoute = (topic: string, event: Uint8Array) => readonly RouteExplanation[];

const text = { type: "string" } as const;

const EXPLANATION = objectOf(
  {
    topic: { ...text, description: "As asked." },
    type: text,
    key: text,
    rules: arrayOf(
      objectOf({ name: text, matched: { type: "boolean" }, because: text }),
      "Every route, in the order in which they are tried.",
    ),
    destinations: arrayOf(text, "The topics that it would be on."),
    priority: { type: "integer", minimum: 0, maximum: 9, description: "Absent: as the publisher set it." },
    regions: arrayOf(text, "Empty: as the publisher set them."),
  },
  ["priority"],
);

export function explainRouteOperation(explain: ExplainRoute, timers: Timers): Operation {
  const limits = { ...DEFAULT_REST_LIMITS, batchEvents: 1 };
  const bodies = createBodyReader(limits, timers);
  return defineOperation({
    id: "explainRoute",
    method: "post",
    path: "/routes/explain",
    tag: "admin",
    summary: "Where an event would go, and why",
    description:
      "Nothing is published, and nothing but the routes is asked: publishing the event may still be refused.",
    parameters: {
      topic: requiredQuery(topicName, { description: "The topic to publish it on.", example: "market-data.trades" }),
    },
    body: {
      description: "One event, in any form in which it can be published.",
      required: true,
      content: {
        [STRUCTURED]: { schema: schemaRef("CloudEvent") },
        [PROTOBUF]: { schema: { description: "A distribution.v1.EventBatch of one event." } },
        "*/*": { schema: { description: "Binary mode: the payload of the event." } },
      },
    },
    responses: {
      200: {
        description: "One explanation; several where the topic's pipeline makes several events of one.",
        content: jsonContent(objectOf({ explanations: arrayOf(EXPLANATION) })),
      },
    },
    errors: [
      "unknown_topic",
      "invalid_event",
      "event_too_large",
      "batch_too_large",
      "unsupported_media_type",
      "unavailable",
    ],
    async handle({ request, response, values }) {
      const batch = readPublished(request.headers, await bodies.read(request, response), limits);
      response.json({ explanations: explain(values.topic, messageAt(batch, 0)) });
    },
  });
}
