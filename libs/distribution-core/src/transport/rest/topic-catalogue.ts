/** The topics of the service, by name, and as the API shows them. */
import { fieldError } from "../../errors.ts";
import type { TopicDefinition } from "../../topics.ts";
import { classText } from "../documents/catalogue.ts";
import { type ParameterKind, pathParameter, quote } from "./parameters.ts";

export interface TopicCatalogue {
  readonly all: readonly TopicDefinition[];
  /** Throws `unknown_topic`. */
  find(name: string): TopicDefinition;
}

export function createTopicCatalogue(all: readonly TopicDefinition[]): TopicCatalogue {
  const byName = new Map(all.map((topic) => [topic.name, topic]));
  return {
    all,
    find(name) {
      const topic = byName.get(name);
      if (topic) return topic;
      throw fieldError("unknown_topic", "path.topic", `${quote(name)} is no topic here; GET /api/v1/topics lists them`);
    },
  };
}

/** Any name of the right form; whether there is such a topic is asked after whether the caller may know. */
export const topicName: ParameterKind<string> = {
  schema: { type: "string", pattern: "^[a-z0-9-]+(\\.[a-z0-9-]+)*$", maxLength: 200 },
  parse(name, path) {
    if (name.length <= 200 && /^[a-z0-9-]+(\.[a-z0-9-]+)*$/.test(name)) return name;
    const rule = "a topic is tokens of [a-z0-9-] joined by dots, at most 200 characters";
    throw fieldError("invalid_request", path, `${quote(name)} is no topic name: ${rule}`);
  },
};

export const topicParameter = pathParameter(topicName, {
  description: "The topic's name: tokens of `[a-z0-9-]` joined by dots.",
  example: "market-data.quotes",
});

/** The definition as JSON: what a publisher and a subscriber need to know. */
export function describeTopic(topic: TopicDefinition): object {
  return {
    name: topic.name,
    description: topic.description,
    partitions: topic.partitions,
    retention: topic.retention,
    compaction: topic.compaction,
    payload: topic.message?.typeName ?? null,
    eventTypes: topic.eventTypes.map(({ type, class: eventClass, description, key }) => ({
      type,
      class: classText(eventClass),
      description,
      key,
    })),
    latest: topic.table !== undefined,
    priority: topic.priority ?? 0,
  };
}
