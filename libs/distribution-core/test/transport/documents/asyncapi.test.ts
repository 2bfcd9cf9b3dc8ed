import asyncApi from "@asyncapi/specs";
import { messageOf } from "@distribution/proto-types/descriptors";
import { Ajv } from "ajv";
import { default as addFormats } from "ajv-formats";
import { describe, expect, it } from "vitest";
import { asyncApiDocument, messageSchemas } from "../../../src/transport/documents/index.ts";
import { SERVICE, startRest, TOPICS } from "../rest/rest-server.ts";

interface AsyncApi {
  readonly channels: Readonly<Record<string, { address: string; messages: Record<string, { payload: object }> }>>;
  readonly operations: Readonly<Record<string, { action: string; messages?: readonly { $ref: string }[] }>>;
  readonly components: { readonly schemas: Readonly<Record<string, object>> };
}

const withPayload = TOPICS.map((topic) => ({ ...topic, message: messageOf("distribution.v1.DeliveryProfile") }));
const document = asyncApiDocument({ service: SERVICE, topics: withPayload }) as AsyncApi;

const payloadCheck = (channel: string, message: string) => {
  const ajv = new Ajv({ strict: false });
  addFormats.default(ajv);
  ajv.addSchema({ $id: "doc:", components: document.components });
  const text = JSON.stringify(document.channels[channel]?.messages[message]?.payload).replaceAll('"#/', '"doc:#/');
  return ajv.compile(JSON.parse(text) as object);
};

describe("the AsyncAPI document", () => {
  it("is valid AsyncAPI 3.0", () => {
    const ajv = new Ajv({ strict: false, allErrors: true, logger: false });
    addFormats.default(ajv);
    const check = ajv.compile(asyncApi.schemasWithoutId["3.0.0"] as object);
    check(JSON.parse(JSON.stringify(document)));
    expect(check.errors).toBeNull();
  });

  it("has a channel for the stream and one for each topic", () => {
    expect(Object.values(document.channels).map(({ address }) => address)).toEqual([
      "/api/v1/stream",
      "test.trades",
      "test.audit",
    ]);
    expect(Object.keys(document.channels["topic.test.trades"]?.messages ?? {})).toEqual(["trade.v1"]);
    expect(Object.keys(document.channels["topic.test.audit"]?.messages ?? {})).toEqual(["event"]);
  });

  it("has every frame of both directions", () => {
    const frames = [
      ...messageOf("distribution.v1.ClientFrame").oneofs,
      ...messageOf("distribution.v1.ServerFrame").oneofs,
    ];
    expect(Object.keys(document.channels["stream"]?.messages ?? {})).toHaveLength(
      frames.flatMap(({ fields }) => fields).length,
    );
    expect(document.operations["receiveFrame"]?.messages).toHaveLength(frames[0]?.fields.length ?? 0);
    expect(document.operations["sendFrame"]?.action).toBe("send");
  });

  it("describes frames as the proto3 JSON mapping has them, with an event as a CloudEvent", () => {
    const subscribe = payloadCheck("stream", "client.subscribe");
    const profile = { mode: "DELIVERY_MODE_LATEST", maxRate: 2.5 };
    expect(
      subscribe({ ref: "1", subscribe: { topics: ["a.>"], from: { time: "1767623400000000000" }, profile } }),
    ).toBe(true);
    expect(subscribe({ subscribe: { topics: "a" } })).toBe(false);
    expect(subscribe({ subscribe: { profile: { mode: 2 } } })).toBe(false);
    expect(subscribe({ subscribe: { nonsense: 1 } })).toBe(false);
    const publish = payloadCheck("stream", "client.publish");
    const event = { specversion: "1.0", id: "1", source: "/t", type: "t", data: { any: 1 }, partitionkey: "A" };
    expect(publish({ publish: { topic: "a", events: [event] } })).toBe(true);
    expect(publish({ publish: { topic: "a", events: [{ ...event, id: undefined, specversion: "0.3" }] } })).toBe(false);
  });

  it("describes a topic's payload by its message", () => {
    const check = payloadCheck("topic.test.trades", "trade.v1");
    const event = { specversion: "1.0", id: "1", source: "/t", type: "trade.v1" };
    expect(check({ ...event, data: { window: 5 } })).toBe(true);
    expect(check({ ...event, data: { window: -1 } })).toBe(false);
    expect(check({ ...event, type: "other.v1" })).toBe(false);
  });

  it("carries the comments of the .proto files", () => {
    const text = JSON.stringify(document.components.schemas["distribution.v1.Subscribe"]);
    expect(text).toContain("Makes the subscription durable under this name");
    expect(JSON.stringify(document.components.schemas["distribution.v1.Start"])).toContain("One of latest, earliest");
    expect(JSON.stringify(document.components.schemas["distribution.v1.GapReason"])).toContain(
      "Retention removed them.",
    );
  });

  it("is served", async () => {
    await using server = await startRest();
    const served = await (await server.get("/asyncapi.json")).json();
    expect(served).toEqual(JSON.parse(JSON.stringify(asyncApiDocument({ service: SERVICE, topics: TOPICS }))));
  });
});

describe("protobuf messages as JSON Schema", () => {
  it("reach every type they use once, nested ones and recursion included", () => {
    const schemas = messageSchemas([messageOf("google.protobuf.FileDescriptorProto")], "#/$defs/");
    expect(Object.keys(schemas)).toContain("google.protobuf.DescriptorProto.ExtensionRange");
    expect(Object.keys(schemas)).toContain("google.protobuf.FieldDescriptorProto.Type");
    const ajv = new Ajv({ strict: false });
    const check = ajv.compile({ $defs: schemas, $ref: "#/$defs/google.protobuf.DescriptorProto" });
    expect(check({ name: "A", nestedType: [{ name: "B", field: [{ number: 1, type: "TYPE_INT64" }] }] })).toBe(true);
    expect(check({ nestedType: [{ field: [{ number: "1" }] }] })).toBe(false);
  });

  it("write every kind of number, bytes and maps as proto3 JSON does", () => {
    const schemas = messageSchemas(
      [messageOf("distribution.v1.Event"), messageOf("google.protobuf.UninterpretedOption")],
      "#/",
    );
    expect(schemas["distribution.v1.Event"]).toMatchObject({
      properties: {
        time: { type: "string", pattern: "^-?[0-9]{1,19}$" },
        sequence: { type: "string", pattern: "^[0-9]{1,20}$" },
        priority: { type: "integer", minimum: 0 },
        data: { type: "string", contentEncoding: "base64" },
        extensions: { type: "object", additionalProperties: { $ref: "#/distribution.v1.Attribute" } },
      },
    });
    expect(schemas["distribution.v1.Attribute"]).toMatchObject({
      properties: { boolean: { type: "boolean" }, integer: { type: "integer", minimum: -(2 ** 31) } },
    });
    expect(schemas["google.protobuf.UninterpretedOption"]).toMatchObject({
      properties: { doubleValue: { type: "number" } },
    });
  });
});
