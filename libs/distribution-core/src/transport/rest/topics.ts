/** GET /topics and /topics/{topic}: what there is to publish to and to read. */
import type { PartitionInfo } from "../../brokers/contract.ts";
import type { TopicDefinition } from "../../topics.ts";
import { arrayOf, jsonContent, objectOf, schemaRef } from "../documents/schemas.ts";
import { mayRead } from "./context.ts";
import type { EndpointOptions } from "./endpoint-options.ts";
import { defineOperation, type Operation } from "./operation.ts";
import { describeTopic, topicParameter } from "./topic-catalogue.ts";

export function topicOperations({ catalogue, partitions, rates }: EndpointOptions): readonly Operation[] {
  const describe = (topic: TopicDefinition) => ({ ...describeTopic(topic), rate: rates?.published(topic.name) });
  return [
    defineOperation({
      id: "listTopics",
      method: "get",
      path: "/topics",
      tag: "topics",
      summary: "List the topics",
      description: "Those that the caller may read.",
      parameters: {},
      responses: {
        200: { description: "By name.", content: jsonContent(objectOf({ topics: arrayOf(schemaRef("Topic")) })) },
      },
      errors: [],
      handle({ response, context }) {
        const topics = catalogue.all.filter(({ name }) => mayRead(context, name));
        response.json({ topics: topics.toSorted((a, b) => (a.name < b.name ? -1 : 1)).map(describe) });
      },
    }),
    defineOperation({
      id: "readTopic",
      method: "get",
      path: "/topics/{topic}",
      tag: "topics",
      summary: "Read one topic and the state of its partitions",
      parameters: { topic: topicParameter },
      responses: { 200: { description: "The topic.", content: jsonContent(schemaRef("TopicDetail")) } },
      errors: ["unknown_topic", "unavailable"],
      action: ({ topic }) => ({ kind: "read", topic }),
      async handle({ response, values }) {
        const topic = catalogue.find(values.topic);
        const logs = await partitions(topic.name);
        response.json({ ...describe(topic), logs: logs.map(describePartition) });
      },
    }),
  ];
}

function describePartition({ partition, epoch, start, end, events, bytes }: PartitionInfo): object {
  return { partition, epoch, start, end, events, bytes };
}
