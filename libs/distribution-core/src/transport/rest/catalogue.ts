/** GET /catalogue: every event type of the service, for whoever writes or reads them. */
import { eventCatalogue } from "../documents/catalogue.ts";
import { arrayOf, jsonContent, objectOf, schemaRef } from "../documents/schemas.ts";
import { mayRead } from "./context.ts";
import type { EndpointOptions } from "./endpoint-options.ts";
import { defineOperation, type Operation } from "./operation.ts";

export function catalogueOperation({ service, catalogue }: EndpointOptions): Operation {
  const events = eventCatalogue(catalogue.all);
  return defineOperation({
    id: "readCatalogue",
    method: "get",
    path: "/catalogue",
    tag: "topics",
    summary: "Read the catalogue of events",
    description:
      "Each event type with its version, key, class, fields with their units, and an example: those of the topics that the caller may read. A version changes when an old reader could no longer read the events; within one, fields are only added.",
    parameters: {},
    responses: {
      200: {
        description: "In the order of topics.",
        content: jsonContent(objectOf({ service: { type: "string" }, events: arrayOf(schemaRef("CatalogueEntry")) })),
      },
    },
    errors: [],
    handle({ response, context }) {
      response.json({ service: service.name, events: events.filter(({ topic }) => mayRead(context, topic)) });
    },
  });
}
