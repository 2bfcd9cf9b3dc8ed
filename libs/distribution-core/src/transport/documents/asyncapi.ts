/** AsyncAPI 3.0: the stream with its frames, and the topics with their events, from the protobuf descriptors. */
import type { DescMessage } from "@bufbuild/protobuf";
import { messageOf } from "@distribution/proto-types/descriptors";
import type { TopicDefinition } from "../../topics.ts";
import { cloudEventSchema } from "./cloud-event-schema.ts";
import { messageSchemas } from "./json-schema.ts";
import type { JsonSchema, ServiceDescription } from "./operation-document.ts";

const SCHEMAS = "#/components/schemas/";
const CLIENT_FRAME = "distribution.v1.ClientFrame";
const SERVER_FRAME = "distribution.v1.ServerFrame";

export interface AsyncApiOptions {
  readonly service: ServiceDescription;
  readonly topics: readonly TopicDefinition[];
}

interface MessageObject {
  readonly name: string;
  readonly title: string;
  readonly summary?: string;
  readonly contentType: string;
  readonly payload: JsonSchema;
}

interface Channel {
  readonly address: string;
  readonly description: string;
  readonly messages: Readonly<Record<string, MessageObject>>;
  readonly bindings?: object;
}

/** The service is the application: it receives client frames and published events, and sends server frames. */
export function asyncApiDocument({ service, topics }: AsyncApiOptions): object {
  const channels: Record<string, Channel> = { stream: streamChannel() };
  for (const topic of topics) channels[channelId(topic)] = topicChannel(topic);
  const payloads = topics.flatMap(({ message }) => (message ? [message] : []));
  return {
    asyncapi: "3.0.0",
    info: { title: service.name, version: service.version, description: service.description },
    defaultContentType: "application/json",
    channels,
    operations: {
      receiveFrame: frameOperation("receive", CLIENT_FRAME, "What a client sends on a session."),
      sendFrame: frameOperation("send", SERVER_FRAME, "What a service sends on a session."),
      ...Object.fromEntries(
        topics.flatMap((topic) => [
          [`receive.${channelId(topic)}`, topicOperation("receive", topic)],
          [`send.${channelId(topic)}`, topicOperation("send", topic)],
        ]),
      ),
    },
    components: {
      schemas: {
        CloudEvent: cloudEventSchema(),
        ...messageSchemas([messageOf(CLIENT_FRAME), messageOf(SERVER_FRAME), ...payloads], SCHEMAS, {
          "distribution.v1.Event": { $ref: `${SCHEMAS}CloudEvent` },
        }),
      },
    },
  };
}

/** Names of channels and messages: letters, digits, dots and dashes are what both documents and their tools take. */
const channelId = (topic: TopicDefinition): string => `topic.${topic.name}`;

function streamChannel(): Channel {
  const frames = (type: string) => frameNames(type).map((name) => [frameId(type, name), frameMessage(type, name)]);
  return {
    address: "/api/v1/stream",
    description:
      "One session. Subprotocol distribution.v1+json: text frames as described here. Subprotocol distribution.v1+proto: " +
      "binary frames, each one ClientFrame or ServerFrame of proto/distribution/v1. The same JSON frames go over Socket.IO " +
      "as event `frame`, and the same protobuf frames over gRPC as distribution.v1.Distribution/Stream.",
    messages: Object.fromEntries([...frames(CLIENT_FRAME), ...frames(SERVER_FRAME)]),
    bindings: {
      ws: {
        method: "GET",
        headers: {
          type: "object",
          properties: {
            "Sec-WebSocket-Protocol": { type: "string", enum: ["distribution.v1+json", "distribution.v1+proto"] },
          },
        },
        bindingVersion: "0.1.0",
      },
    },
  };
}

/** The JSON names of the frames that a ClientFrame or ServerFrame can carry. */
export function frameNames(type: string): readonly string[] {
  return messageOf(type).oneofs.flatMap(({ fields }) => fields.map(({ jsonName }) => jsonName));
}

const frameId = (type: string, name: string): string => `${type === CLIENT_FRAME ? "client" : "server"}.${name}`;

function frameMessage(type: string, name: string): MessageObject {
  const { jsonName, message } = messageOf(type).fields.find((field) => field.jsonName === name)!;
  return {
    name: jsonName,
    title: frameId(type, name),
    contentType: "application/json",
    payload: {
      type: "object",
      required: [jsonName],
      properties: { ref: { type: "string" }, [jsonName]: { $ref: SCHEMAS + message!.typeName } },
      additionalProperties: false,
    },
  };
}

function frameOperation(action: "send" | "receive", type: string, summary: string): object {
  return {
    action,
    channel: { $ref: "#/channels/stream" },
    summary,
    messages: frameNames(type).map((name) => ({ $ref: `#/channels/stream/messages/${frameId(type, name)}` })),
  };
}

function topicChannel(topic: TopicDefinition): Channel {
  const data = topic.message === undefined ? undefined : payloadSchema(topic.message);
  const messages = topic.eventTypes.map(({ type, description, key }) => [
    type,
    {
      name: type,
      title: type,
      summary: `${description} Key: ${key}.`,
      contentType: "application/cloudevents+json",
      payload: cloudEventSchema(type, data),
    },
  ]);
  const any: MessageObject = {
    name: "event",
    title: "Any event",
    contentType: "application/cloudevents+json",
    payload: cloudEventSchema(undefined, data),
  };
  return {
    address: topic.name,
    description: `${topic.description} Publish with POST /api/v1/topics/${topic.name}/events, a publish frame or gRPC; read with a subscription.`,
    messages: topic.eventTypes.length === 0 ? { event: any } : Object.fromEntries(messages),
  };
}

const payloadSchema = (message: DescMessage): JsonSchema => ({ $ref: SCHEMAS + message.typeName });

function topicOperation(action: "send" | "receive", topic: TopicDefinition): object {
  return {
    action,
    channel: { $ref: `#/channels/${channelId(topic)}` },
    summary: action === "receive" ? `Publish to ${topic.name}` : `Subscribe to ${topic.name}`,
  };
}
