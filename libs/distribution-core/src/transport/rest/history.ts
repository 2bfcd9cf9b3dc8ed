/** GET /topics/{topic}/events: the log, as pages or as one stream. */
import { fieldError } from "../../errors.ts";
import type { ResponseDocument } from "../documents/operation-document.ts";
import { arrayOf, jsonContent, objectOf, schemaRef } from "../documents/schemas.ts";
import type { EndpointOptions } from "./endpoint-options.ts";
import { createGate } from "./gate.ts";
import { sendPage, sendStream } from "./history-answer.ts";
import { createCursorBuilder, type HistoryQuery, historyRequest } from "./history-query.ts";
import { instant } from "./instant.ts";
import { chooseType } from "./negotiation.ts";
import { defineOperation, type Operation } from "./operation.ts";
import { integer, optionalQuery, text } from "./parameters.ts";
import { createPlacedEventWriter } from "./placed-event.ts";
import { filterParameter, keysParameter, parseTopicFilter } from "./selection.ts";
import { topicParameter } from "./topic-catalogue.ts";

const NDJSON = "application/x-ndjson";
const MAX_CURSOR_BYTES = 6000;

const DESCRIPTION = `Events of the log in order of append time across partitions; those of one key in log order.

With \`Accept: application/json\` one page: follow \`cursor\` (with the same \`from\`, \`to\`, \`keys\` and \`filter\`) until
\`complete\` is true; the last page may be empty. With \`application/x-ndjson\` one stream up to \`to\`, or to the head as it was when the
request came: each line is a PlacedEvent, the last line is \`{"cursor", "complete"}\`; a stream without that line is not whole.
With \`text/event-stream\` live events as Server-Sent Events, where the service offers them.`;

const PAGE_OR_STREAM: ResponseDocument = {
  description: "The events.",
  content: {
    ...jsonContent(
      objectOf(
        {
          events: arrayOf(schemaRef("PlacedEvent")),
          cursor: { type: "string", description: "Continues after these events. Absent while there were none." },
          complete: { type: "boolean", description: "True: there was nothing more when the request came." },
        },
        ["cursor"],
      ),
    ),
    [NDJSON]: { schema: schemaRef("PlacedEvent") },
  },
};

export function historyOperation(options: EndpointOptions): Operation {
  const { catalogue, limits, sealer } = options;
  const gate = createGate(limits.histories, "histories are being read");
  return defineOperation({
    id: "readEvents",
    method: "get",
    path: "/topics/{topic}/events",
    tag: "events",
    summary: "Read the log",
    description: DESCRIPTION,
    parameters: {
      topic: topicParameter,
      from: optionalQuery(instant(), { description: "First append time. Absent: the oldest event that is kept." }),
      to: optionalQuery(instant(), { description: "Appended before this. Absent: up to the head." }),
      keys: keysParameter(limits.keys),
      filter: filterParameter,
      limit: optionalQuery(integer({ min: 1, max: limits.pageEvents }), {
        description: `Most events of a page (absent: ${limits.pageEventsDefault}) or of the stream (absent: all).`,
      }),
      cursor: optionalQuery(text({ maxBytes: MAX_CURSOR_BYTES }), {
        description: "Goes on after the page or stream that gave it.",
      }),
    },
    responses: { 200: PAGE_OR_STREAM },
    errors: [
      "unknown_topic",
      "invalid_filter",
      "filter_too_costly",
      "invalid_token",
      "not_acceptable",
      "position_gone",
    ],
    action: ({ topic }) => ({ kind: "read", topic }),
    async handle({ request, response, context, values }) {
      const topic = catalogue.find(values.topic);
      const form = chooseType(request, ["application/json", NDJSON]);
      const query: HistoryQuery = {
        topic: topic.name,
        from: values.from,
        to: values.to,
        keys: values.keys ?? [],
        filter: parseTopicFilter(options.parseFilter, values.filter, topic),
      };
      if (query.from !== undefined && query.to !== undefined && query.from > query.to) {
        throw fieldError("invalid_request", "query.to", "is before from; exchange them");
      }
      const asked = historyRequest(query, values.cursor, sealer);
      const cursor = createCursorBuilder(query, asked, values.cursor, sealer);
      using _pass = gate.enter();
      response.setHeader("Vary", "Accept");
      response.type(form);
      const json = createPlacedEventWriter(options.codecs.get(topic.name));
      const reading = { queries: options.queries, request: asked, cursor, json, response, context, options };
      if (form === NDJSON) await sendStream(reading, values.limit ?? Number.POSITIVE_INFINITY);
      else await sendPage(reading, values.limit ?? limits.pageEventsDefault);
    },
  });
}
