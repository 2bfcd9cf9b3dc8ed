/** GET /status: what this service is doing, for people and machines. */
import { formatTime } from "../../events/index.ts";
import type { Clock } from "../../runtime/index.ts";
import { jsonContent, schemaRef } from "../documents/schemas.ts";
import type { EndpointOptions } from "./endpoint-options.ts";
import { defineOperation, type Operation } from "./operation.ts";

export function statusOperation(options: EndpointOptions, clock: Clock): Operation {
  const { service, catalogue, rates, status } = options;
  return defineOperation({
    id: "readStatus",
    method: "get",
    path: "/status",
    tag: "service",
    summary: "What this service is doing",
    parameters: {},
    responses: { 200: { description: "The state of this replica.", content: jsonContent(schemaRef("Status")) } },
    errors: [],
    handle({ response }) {
      const { startedAt, ...now } = status();
      response.json({
        service: { name: service.name, version: service.version, description: service.description },
        ...now,
        startedAt: formatTime(startedAt),
        now: formatTime(clock.wallNs()),
        delivered: rates?.delivered(),
        topics: catalogue.all.map(({ name, table }) => ({
          name,
          latest: table !== undefined,
          rate: rates?.published(name),
        })),
      });
    },
  });
}
