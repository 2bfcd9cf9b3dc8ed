/** GET /topics/{topic}/latest: the newest event of every key. */
import { createHash } from "node:crypto";
import { fieldError } from "../../errors.ts";
import type { Timers } from "../../runtime/index.ts";
import type { Latest } from "../../tail/contract.ts";
import { arrayOf, jsonContent, objectOf, schemaRef } from "../documents/schemas.ts";
import { type BodyWriter, ClientGone, createBodyWriter } from "./body-writer.ts";
import type { EndpointOptions } from "./endpoint-options.ts";
import { answeredBefore, IF_NONE_MATCH } from "./entity-tag.ts";
import { chooseType } from "./negotiation.ts";
import { defineOperation, type Operation } from "./operation.ts";
import { createPlacedEventWriter, type PlacedEventWriter } from "./placed-event.ts";
import { filterParameter, keysParameter, parseTopicFilter } from "./selection.ts";
import { topicParameter } from "./topic-catalogue.ts";

/** Characters of one call into the hash, and of one turn of the event loop: some hundred microseconds. */
const HASHED_AT_ONCE = 16_384;

export function latestOperation(options: EndpointOptions): Operation {
  const { catalogue, limits, queries, parseFilter, codecs, writer } = options;
  return defineOperation({
    id: "readLatest",
    method: "get",
    path: "/topics/{topic}/latest",
    tag: "events",
    summary: "Read the newest event of every key",
    description:
      "The table at one position of each partition: subscribe `after` those positions, and nothing is missing or twice. " +
      "The ETag stands for the chosen events; a request with it in If-None-Match is answered 304 while they are the same.",
    parameters: {
      topic: topicParameter,
      keys: keysParameter(limits.keys),
      filter: filterParameter,
      "If-None-Match": IF_NONE_MATCH,
    },
    responses: {
      200: {
        description: "One event a key, ordered by last change, oldest first.",
        headers: { ETag: "Stands for the chosen events." },
        content: jsonContent(
          objectOf({ positions: arrayOf(schemaRef("Position")), events: arrayOf(schemaRef("PlacedEvent")) }),
        ),
      },
      304: { description: "The events are those of the ETag.", headers: { ETag: "As asked." } },
    },
    errors: ["unknown_topic", "invalid_filter", "filter_too_costly", "not_supported", "not_acceptable"],
    action: ({ topic }) => ({ kind: "read", topic }),
    async handle({ request, response, values }) {
      const topic = catalogue.find(values.topic);
      chooseType(request, ["application/json"]);
      if (!topic.table) {
        const message = `${topic.name} keeps no table of latest events; read its log at /api/v1/topics/${topic.name}/events`;
        throw fieldError("not_supported", "path.topic", message);
      }
      const filter = parseTopicFilter(parseFilter, values.filter, topic);
      const latest = await queries.latest(topic.name, values.keys ?? [], filter);
      if (answeredBefore(response, values["If-None-Match"], await tagOf(latest, writer.timers))) return;
      response.type("application/json");
      await sendLatest(latest, createPlacedEventWriter(codecs.get(topic.name)), createBodyWriter(response, writer));
    },
  });
}

async function sendLatest({ positions, events }: Latest, json: PlacedEventWriter, body: BodyWriter): Promise<void> {
  try {
    await body.write(`{"positions":${JSON.stringify(positions)},"events":[`);
    for (const [index, event] of events.entries()) await body.write((index > 0 ? "," : "") + json(event));
    body.end("]}");
  } catch (failure) {
    if (!(failure instanceof ClientGone)) throw failure;
  }
}

/**
 * Equal for equal events, whatever else was published meanwhile. The older `positions` of a stored answer stay
 * true to it: what came between did not change the events chosen, so a subscription after them misses nothing.
 */
async function tagOf({ events }: Latest, timers: Timers): Promise<string> {
  const hash = createHash("sha256");
  let text = "";
  for (const { position } of events) {
    text += `${position.partition}\0${position.epoch}\0${position.offset}\0`;
    if (text.length < HASHED_AT_ONCE) continue;
    hash.update(text);
    text = "";
    await new Promise<void>((resolve) => timers.soon(resolve));
  }
  hash.update(text);
  return hash.digest("base64url").slice(0, 22);
}
