/** Within a version of an event type fields are only added: whoever knows the older schema gets on with whoever knows the newer. */
import { create, createFileRegistry, type DescMessage, fromBinary, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { descriptorSet, messageOf } from "@distribution/proto-types/descriptors";
import { Event } from "@distribution/proto-types/distribution/v1/event";
import { ClientFrame, ServerFrame } from "@distribution/proto-types/distribution/v1/frames";
import { describe, expect, it, onTestFinished } from "vitest";
import { WebSocket } from "ws";
import { packEvents } from "../../src/events/index.ts";
import type { DistributionService } from "../../src/service.ts";
import { topic, until } from "../tail/support.ts";
import { prepare } from "./support.ts";

const NAME = "market_data.v1.NormalizedMarketDataEvent";
const newer = messageOf(NAME);
const older = withoutLastKnown();

/** The same message before `Trade.last_known` was added. */
function withoutLastKnown(): DescMessage {
  const set = fromBinary(FileDescriptorSetSchema, descriptorSet);
  const trade = set.file.flatMap(({ messageType }) => messageType).find(({ name }) => name === "Trade")!;
  trade.field = trade.field.filter(({ name }) => name !== "last_known");
  return createFileRegistry(set).getMessage(NAME)!;
}

/** A trade as one of each schema encodes it. */
function tradeOf(schema: DescMessage, id: string): Event {
  const trade = schema.oneofs[0]!.fields.find(({ name }) => name === "trade")!.message!;
  const lastKnown = schema === newer ? { lastKnown: true } : {};
  const value = create(trade, { price: "1.5", size: "2", tradeId: id, ...lastKnown });
  const payload = create(schema, { venue: "v", payload: { case: "trade", value } });
  return Event.fromPartial({
    ...{ id, source: "/test", type: "test.trade.v1", key: "k", contentType: "application/protobuf" },
    data: Buffer.from(toBinary(schema, payload)),
  });
}

/** What a subscriber of each schema reads of the same bytes. */
function read(schema: DescMessage, { data }: Event): object {
  const { payload } = fromBinary(schema, data!) as unknown as { payload: { value: { [name: string]: unknown } } };
  const { price, lastKnown } = payload.value;
  return { price, lastKnown };
}

async function start(message: DescMessage): Promise<DistributionService> {
  return (await prepare({ topics: [topic("test.trades", { message })] })).start();
}

async function subscribe(service: DistributionService, filter = ""): Promise<Event[]> {
  const url = `ws://127.0.0.1:${service.ports.public}/api/v1/stream`;
  const socket = new WebSocket(url, "distribution.v1+proto");
  onTestFinished(() => socket.terminate());
  const events: Event[] = [];
  let subscribed = false;
  socket.on("message", (bytes: Buffer) => {
    const { frame } = ServerFrame.decode(bytes);
    if (frame?.$case === "welcome") {
      const value = { topics: ["test.trades"], filter };
      socket.send(ClientFrame.encode(ClientFrame.fromPartial({ frame: { $case: "subscribe", value } })).finish());
    }
    subscribed ||= frame?.$case === "subscribed";
    if (frame?.$case === "events") events.push(...frame.value.events);
  });
  await until(() => subscribed);
  return events;
}

const publish = (service: DistributionService, ...events: Event[]): Promise<Response> =>
  fetch(`http://127.0.0.1:${service.ports.public}/api/v1/topics/test.trades/events`, {
    method: "POST",
    headers: { "content-type": "application/x-protobuf" },
    body: Uint8Array.from(packEvents(events).bytes),
  });

describe.each([
  ["older", older],
  ["newer", newer],
])("a service that knows the %s schema", (_, schema) => {
  it("carries the events of older and newer publishers to older and newer subscribers", async () => {
    const service = await start(schema);
    const events = await subscribe(service, "data.trade.price == 1.5");
    expect((await publish(service, tradeOf(older, "1"), tradeOf(newer, "2"))).status).toBe(201);
    await until(() => events.length === 2);
    const [fromOlder, fromNewer] = events as [Event, Event];
    expect(read(older, fromOlder)).toEqual({ price: "1.5", lastKnown: undefined });
    expect(read(newer, fromOlder)).toEqual({ price: "1.5", lastKnown: false });
    expect(read(older, fromNewer)).toEqual({ price: "1.5", lastKnown: undefined });
    expect(read(newer, fromNewer)).toEqual({ price: "1.5", lastKnown: true });
  });
});

it("a field that the service does not know yet cannot be asked for, nor sent in JSON, where its name says nothing", async () => {
  const service = await start(older);
  const url = `http://127.0.0.1:${service.ports.public}/api/v1/topics/test.trades/events`;
  const asked = await fetch(`${url}?filter=${encodeURIComponent("data.trade.last_known")}`);
  expect([asked.status, await asked.text()]).toEqual([400, expect.stringContaining("last_known")]);
  const sent = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/cloudevents+json" },
    body: JSON.stringify({
      ...{ specversion: "1.0", id: "1", source: "/test", type: "test.trade.v1", partitionkey: "k" },
      data: { trade: { price: "1", size: "2", lastKnown: true } },
    }),
  });
  expect([sent.status, await sent.text()]).toEqual([400, expect.stringContaining("data.trade.lastKnown")]);
});
